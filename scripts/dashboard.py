"""Open the dashboard in a browser. The same as `mm-env dashboard`.

Example: python scripts/dashboard.py --port 8502 --runs runs
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["dashboard", *sys.argv[1:]])
