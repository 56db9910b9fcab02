"""Backtest value at risk and expected shortfall. The same as `mm-env backtest-var`.

Example: python scripts/backtest_var.py --config calm --blocks 200
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["backtest-var", *sys.argv[1:]])
