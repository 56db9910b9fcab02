"""Record headlines from feeds and from a keyed provider into a file that `--news FILE` plays.

python scripts/record_news.py --rss https://example.org/markets.xml --rss AAPL=https://example.org/apple.xml --every 60
MASSIVE_API_KEY=... python scripts/record_news.py --massive AAPL,AMZN --out runs/news.parquet --for 3600
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.baseline import check_log_level
from mm_env.cli.errors import check_target, user_errors
from mm_env.errors import UsageError
from mm_env.interrupt import StopRequest
from mm_env.sentiment.sources import HeadlineSource, MassiveSource, PollReport, RssSource, record_headlines

logger = logging.getLogger("record_news")
_FEED = re.compile(r"(?:([A-Za-z0-9.^-]{1,16})=)?(https?://\S+)")


@user_errors
def main(
    rss: Annotated[
        list[str] | None,
        typer.Option(metavar="[SYMBOL=]URL", help="RSS or Atom feed, market-wide without a symbol; repeatable."),
    ] = None,
    massive: Annotated[
        str | None, typer.Option(metavar="SYMBOLS", help="Ticker news of Massive; its key stands in MASSIVE_API_KEY.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="CSV or .parquet; one that is there is added to.")] = Path(
        "runs/news.csv"
    ),
    every: Annotated[float, typer.Option(min=0.1, help="From one poll to the next [s].")] = 60.0,
    for_seconds: Annotated[
        float | None, typer.Option("--for", min=0.0, help="Seconds after which no poll begins; until Ctrl-C if none.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Poll once.")] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Poll the sources until Ctrl-C, and keep each new headline. The file is whole after every poll."""
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its lines hold whole addresses
    if once and for_seconds is not None:
        raise UsageError(f"--once and --for {for_seconds:g}: expected one of them")
    check_target("--out", out)
    sources = _sources(rss or [], massive)
    with StopRequest() as stop:
        total = record_headlines(
            sources, out, every_seconds=every, for_seconds=0.0 if once else for_seconds, on_poll=_tell, stop=stop
        )
    print(f"{out}: {total} headlines")


def _sources(feeds: list[str], massive: str | None) -> list[HeadlineSource]:
    sources: list[HeadlineSource] = []
    try:
        for text in feeds:
            form = _FEED.fullmatch(text)
            if form is None:
                raise UsageError(f"--rss {text!r}: expected URL or SYMBOL=URL, with http:// or https://")
            sources.append(RssSource(form[2], form[1] or ""))
        if massive is not None:
            sources += [MassiveSource(name.strip()) for name in massive.split(",") if name.strip()]
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: pip install -e '.[news]' -c constraints.txt") from error
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not sources:
        raise UsageError("no source: expected one or more of --rss and --massive")
    return sources


def _tell(report: PollReport) -> None:
    found = ", ".join(f"{count} from {name}" for name, count in report.new.items() if count) or "nothing new"
    logger.info("%s; %d in all", found, report.total)
    for reason in report.failed.values():
        logger.warning("failed: %s", reason)


if __name__ == "__main__":
    typer.run(main)
