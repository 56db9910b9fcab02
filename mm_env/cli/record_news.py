"""The command `mm-env record-news`."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mm_env.cli.options import check_targets
from mm_env.errors import UsageError
from mm_env.extras import require
from mm_env.interrupt import StopRequest

if TYPE_CHECKING:
    from mm_env.sentiment.sources import HeadlineSource, PollReport


logger = logging.getLogger(__name__)
_FEED = re.compile(r"(?:([A-Za-z0-9.^-]{1,16})=)?(https?://\S+)")


def main(
    rss: Annotated[
        list[str] | None,
        typer.Option(metavar="[SYMBOL=]URL", help="RSS or Atom feed, market-wide without a symbol; repeatable."),
    ] = None,
    massive: Annotated[
        str | None, typer.Option(metavar="SYMBOLS", help="Ticker news of Massive; its key comes from MASSIVE_API_KEY.")
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="CSV or .parquet; new headlines are added to an old file.")
    ] = Path("runs/news.csv"),
    every: Annotated[float, typer.Option(min=0.1, help="Time from one poll to the next [s].")] = 60.0,
    for_seconds: Annotated[
        float | None, typer.Option("--for", min=0.0, help="Time after which no poll begins [s]; until Ctrl-C if none.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Poll once.")] = False,
) -> None:
    """Record headlines from feeds and providers.

    Polls until Ctrl-C and keeps each new headline; the file is whole after every poll. mm-env baseline --news FILE plays it.

    Example: mm-env record-news --rss AAPL=https://example.org/apple.xml --every 60 --out runs/news.csv
    """
    from mm_env.sentiment.sources import record_headlines

    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its lines hold whole addresses
    if once and for_seconds is not None:
        raise UsageError(f"--once and --for {for_seconds:g}: expected one of them")
    check_targets(out=out)
    sources = _sources(rss or [], massive)
    with StopRequest() as stop:
        total = record_headlines(
            sources, out, every_seconds=every, for_seconds=0.0 if once else for_seconds, on_poll=_log, stop=stop
        )
    typer.echo(f"{out}: {total} headlines")


def _sources(feeds: list[str], massive: str | None) -> list[HeadlineSource]:
    from mm_env.sentiment.sources import MassiveSource, RssSource

    sources: list[HeadlineSource] = []
    if feeds:
        require("feedparser", "requests")
    try:
        for text in feeds:
            form = _FEED.fullmatch(text)
            if form is None:
                raise UsageError(f"--rss {text!r}: expected URL or SYMBOL=URL, with http:// or https://")
            sources.append(RssSource(form[2], form[1] or ""))
        if massive is not None:
            require("massive", extra="news")
            sources += [MassiveSource(name.strip()) for name in massive.split(",") if name.strip()]
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not sources:
        raise UsageError("no source: expected one or more of --rss and --massive")
    return sources


def _log(report: PollReport) -> None:
    found = ", ".join(f"{count} from {name}" for name, count in report.new.items() if count) or "nothing new"
    logger.info("%s; %d in all", found, report.total)
    for reason in report.failed.values():
        logger.warning("failed: %s", reason)
