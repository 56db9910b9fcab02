"""The pictures of the README: small PNGs of what runs, comparisons, scenarios, reports and the dashboard look like.

python scripts/tools/gallery.py
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mm_env.cli import compare
from mm_env.cli import scenarios as monte_carlo
from mm_env.cli.app import program
from mm_env.cli.options import check_targets
from mm_env.errors import UsageError
from mm_env.files import write_bytes
from mm_env.reports.charts import one_episode
from mm_env.reports.report import paper, write_report
from mm_env.reports.style import few_colours, png
from mm_env.runs import read_run
from mm_env.runs.baseline import Baseline, run_baseline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

logger = logging.getLogger("mm_env.gallery")  # below the logger that the commands set up

MOST_BYTES = 60_000  # of a picture: a clone of the repository stays small
WIDTH = 860  # [pixels]
PICTURES = Path(__file__).parent / "pictures"
_PAGES = {"live": "position [lots]", "scenarios": "Surface"}  # page, and what stands on it once it is drawn
_PATIENCE_MS = 120_000


def main(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the pictures go.")] = PICTURES,
    seed: Annotated[int, typer.Option(min=0, help="Of the episodes that are played.")] = 0,
    episodes: Annotated[int, typer.Option(min=2, help="Of the run and of each agent and scenario.")] = 200,
    steps: Annotated[int, typer.Option(min=60, help="Decision steps of an episode.")] = 1000,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Take pictures of the report and the dashboard in Chromium too.")
    ] = True,
) -> None:
    """Play a run, a comparison and scenarios of the default market, and draw them as small PNGs.

    Example: python scripts/tools/gallery.py --no-browser --out runs/gallery
    """
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser and (chromium is None or not _has_playwright()):
        logger.warning("no Chromium or no Playwright here: the report and the dashboard are left out")
        browser = False
    check_targets(out=out / "episode.png")
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        _play(runs, seed, episodes, steps)
        for name, draw in _figures(runs).items():
            _keep(out / f"{name}.png", png(draw(), round(WIDTH / paper.WIDTH)))
        if browser and chromium is not None:
            write_report(runs / "baseline")
            for name, shot in _shots(chromium, runs):
                _keep(out / f"{name}.png", shot, WIDTH)


def _has_playwright() -> bool:
    import importlib.util

    return importlib.util.find_spec("playwright") is not None


def _play(runs: Path, seed: int, episodes: int, steps: int) -> None:
    logger.info("playing a run, a comparison and scenarios: %d episodes of %d steps each", episodes, steps)
    run_baseline(Baseline(runs / "baseline", "two_symbols", seed=seed, episodes=episodes, steps=steps, log_every=0))
    short = [f"episode.steps={steps}"]
    with contextlib.redirect_stdout(io.StringIO()):
        compare.main("as,as:configs/tuned/two_symbols_as.yaml,glft,cj,fixed", setting=short, episodes=episodes, seed=seed,
                     out=runs / "compare")  # fmt: skip
        monte_carlo.main(scenarios="quick", episodes=episodes, setting=short, seed=seed, out=runs / "scenarios")


def _figures(runs: Path) -> dict[str, Callable[[], Figure]]:
    """Name of a picture and what draws it, from the folders that were played."""
    from mm_env.reports.report.run import attribution_steps, paper_waterfall
    from mm_env.risk.scenarios import load_results

    run, results = read_run(runs / "baseline"), load_results(runs / "scenarios")
    s, f, h, v = (one_episode(table, 0) for table in (run.steps, run.fills, run.headlines, run.venues))
    symbols = [symbol.name for symbol in run.config.symbols]
    surface = results.surface("volatility", "regime")
    return {
        "quotes": lambda: paper.close_up_paper(s, f, h, symbols[0]),
        "episode": lambda: paper.prices_paper(s, f, h, symbols[0]),
        "profit": lambda: paper.parts_paper(s),
        "risk": lambda: paper.risk_paper(s),
        "sentiment": lambda: paper.sentiment_paper(s, h, symbols),
        "attribution": lambda: paper_waterfall(attribution_steps(run)),
        "router": lambda: paper.router_paper(v, symbols),
        "agents": lambda: paper.profits_paper(results_of(runs / "compare")),
        "scenarios": lambda: paper.surface_paper(
            list(map(str, surface.columns)), list(map(str, surface.index)), surface.to_numpy(),
            column_title="regime [level]", row_title="volatility [level]", unit="profit [currency an episode]",
        ),
    }  # fmt: skip


def results_of(folder: Path) -> Any:
    """The episodes of a comparison."""
    import pandas as pd

    return pd.read_parquet(folder / "episodes.parquet")


def _keep(path: Path, drawn: bytes, width: int | None = None) -> None:
    """Write a PNG with as many colours as its size allows; raises `UsageError` where 16 are too many."""
    sizes = {}
    for colours in (128, 64, 32, 16):
        picture = few_colours(drawn, colours, width)
        sizes[colours] = len(picture)
        if len(picture) <= MOST_BYTES:
            write_bytes(path, picture)
            logger.info("%s: %d kB, %d colours", path, len(picture) // 1000, colours)
            return
    raise UsageError(f"{path.name}: {sizes[16]} bytes with 16 colours; expected {MOST_BYTES}")


def _shots(chromium: str, runs: Path) -> Iterator[tuple[str, bytes]]:
    """Pictures of the report and of the dashboard's pages, as Chromium shows them."""
    from playwright.sync_api import Error, sync_playwright

    try:
        yield from _browse(sync_playwright, chromium, runs)
    except Error as error:
        raise UsageError(f"{chromium}: {error.message}; --no-browser leaves its pictures out") from error


def _browse(start: Any, chromium: str, runs: Path) -> Iterator[tuple[str, bytes]]:
    with start() as driver, _dashboard(runs) as address:
        opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = opened.new_page(viewport={"width": 1180, "height": 1100})
        page.goto((runs / "baseline" / "report.html").as_uri())
        page.locator(".main-svg").first.wait_for(timeout=_PATIENCE_MS)
        yield "report", page.screenshot()
        page.set_viewport_size({"width": 1480, "height": 1150})
        for name, landmark in _PAGES.items():
            page.goto(address if name == "live" else f"{address}/{name}")
            if name == "live":
                page.get_by_role("button", name="Start", exact=True).click(timeout=_PATIENCE_MS)
            page.get_by_text(landmark).first.wait_for(timeout=_PATIENCE_MS)
            page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=_PATIENCE_MS)
            page.wait_for_timeout(6000)  # until charts have moved for a while, and none is half drawn
            if name == "live":
                page.get_by_role("button", name="Pause", exact=True).click(timeout=_PATIENCE_MS)
                page.wait_for_timeout(3000)
            yield f"dashboard_{name}", page.screenshot()
        opened.close()


@contextlib.contextmanager
def _dashboard(runs: Path) -> Iterator[str]:
    """A dashboard of these runs; its address."""
    with socket.socket() as place:
        place.bind(("localhost", 0))
        port = place.getsockname()[1]
    command = [sys.executable, "-m", "mm_env", "dashboard", "--port", str(port), "--runs", runs.name]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    process = subprocess.Popen(
        command,
        cwd=runs.parent,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + _PATIENCE_MS / 1000
        while not _answers(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise UsageError("the dashboard did not come up; --no-browser leaves its pictures out")
            time.sleep(0.3)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


if __name__ == "__main__":
    program("gallery", main)()
