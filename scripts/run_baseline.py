"""Run a policy on a market: statistics, attribution, mark-outs, and a run folder with a picture.

Example: python scripts/run_baseline.py --config crisis --policy fixed --out runs/fixed
"""

from __future__ import annotations

import typer

from mm_env.cli.baseline import baseline
from mm_env.cli.errors import user_errors

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command(help=__doc__)(user_errors(baseline))

if __name__ == "__main__":
    app()
