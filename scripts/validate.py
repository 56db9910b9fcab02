"""Reproduce published figures and closed forms. The same as `mm-env validate`.

Example: python scripts/validate.py --section as2008 --gamma 0.5
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["validate", *sys.argv[1:]])
