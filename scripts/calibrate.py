"""Fit a market to recorded events. The same as `mm-env calibrate`.

Example: python scripts/calibrate.py --data aapl.parquet --data amzn.parquet --out fitted.yaml
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["calibrate", *sys.argv[1:]])
