"""Score how close simulated markets are to a real one. The same as `mm-env realism`.

Example: python scripts/realism.py runs/data/amzn.parquet simulated.parquet
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["realism", *sys.argv[1:]])
