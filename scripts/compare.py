"""Compare policies on the same held-out episodes. The same as `mm-env compare`.

Example: python scripts/compare.py --agents as,fixed,ppo:runs/ppo
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["compare", *sys.argv[1:]])
