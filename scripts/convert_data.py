"""Convert market data into events. The same as `mm-env convert`.

Example: python scripts/convert_data.py spot_btcusdt.gz --venue spot --out runs/data/btc_spot.parquet
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["convert", *sys.argv[1:]])
