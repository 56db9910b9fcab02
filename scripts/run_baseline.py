"""Run a policy on a market: statistics, attribution, mark-outs and a run folder. The same as `mm-env baseline`.

Example: python scripts/run_baseline.py --config crisis --policy fixed --out runs/fixed
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["baseline", *sys.argv[1:]])
