"""Tune a policy's parameters on the market's reward. The same as `mm-env tune`.

Example: python scripts/tune_baseline.py --policy as --trials 300
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["tune", *sys.argv[1:]])
