"""Run a policy under market scenarios. The same as `mm-env scenarios`.

Example: python scripts/monte_carlo.py --scenarios stresses --policy as --episodes 1000
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["scenarios", *sys.argv[1:]])
