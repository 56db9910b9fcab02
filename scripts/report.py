"""Write an HTML page and a PDF of saved results. The same as `mm-env report`.

Example: python scripts/report.py runs/baseline
"""

import sys

from mm_env.cli import main

if __name__ == "__main__":
    main(["report", *sys.argv[1:]])
