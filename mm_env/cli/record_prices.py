"""The command `mm-env record-prices`."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mm_env.cli.options import Json, check_targets
from mm_env.cli.price_recording import failures, record_symbols, recording_figures, recording_line
from mm_env.data.providers import INTERVALS
from mm_env.errors import UsageError, check_choice
from mm_env.interrupt import StopRequest

if TYPE_CHECKING:
    from mm_env.data.providers import PriceSource

logger = logging.getLogger(__name__)
SOURCES = {"yfinance": ("bars",), "massive": ("bars", "trades", "quotes"), "ccxt": ("trades", "books")}
"""What each provides; the first is the default of --what."""


def main(
    source: Annotated[
        str, typer.Option(metavar="|".join(SOURCES), help="Provider; massive takes its key from MASSIVE_API_KEY.")
    ],
    symbols: Annotated[
        str, typer.Option(help="Symbols with commas, as AAPL,AMZN; of ccxt as BTC/USDT, or BTC/USDT:USDT of a perpetual.")
    ],
    what: Annotated[
        str | None, typer.Option(help="bars of yfinance and massive; trades,quotes of massive; trades,books of ccxt.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="First date or time, of the exchange unless it has an offset; a year before the end if none, or some days."
        ),
    ] = None,
    end: Annotated[str | None, typer.Option(help="Last date or time, itself not recorded; now if none.")] = None,
    interval: Annotated[str | None, typer.Option(metavar="|".join(INTERVALS), help="Interval of bars; 1d if none.")] = None,
    adjusted: Annotated[
        str | None,
        typer.Option(help="Bars adjusted for splits (the default), for all (and dividends; yfinance), for none (massive)."),
    ] = None,
    tick: Annotated[
        float | None,
        typer.Option(min=1e-12, help="Tick of trades and quotes of massive, which does not report it."),
    ] = None,
    exchange: Annotated[str | None, typer.Option(help="Exchange of ccxt, as binance.")] = None,
    levels: Annotated[int | None, typer.Option(min=1, help="Levels of books; 10 if none.")] = None,
    every: Annotated[
        float | None, typer.Option(min=0.05, help="Time from one poll of a book to the next [s]; 1 if none.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="Time for which books are polled [s]; until Ctrl-C if none.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option(metavar="FOLDER|FILE", help="Folder of a file a symbol, or one .parquet; old files are continued."),
    ] = Path("runs/prices"),
    base_url: Annotated[str | None, typer.Option(help="Address of a mirror or proxy in place of the provider.")] = None,
    json_file: Json = None,
) -> None:
    """Record bars, trades, quotes and books.

    Writes a Parquet file a symbol; an old file is continued from its last row. mm-env describe and calibrate read them.

    Example: mm-env record-prices --source yfinance --symbols AAPL,AMZN --start 2024-01-01 --out runs/prices
    """
    from mm_env.data.providers import PriceRecording
    from mm_env.files import write_json

    for name in ("yfinance", "peewee", "urllib3", "ccxt"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # errors are reported once, and their lines hold whole addresses
    names = _names(symbols)
    kinds = _what(source, what)
    _check_options(
        source, kinds, {"--interval": interval, "--adjusted": adjusted}, {"--tick": tick}, {"--exchange": exchange},
        {"--levels": levels, "--every": every, "--seconds": seconds}, {"--start": start, "--end": end},
    )  # fmt: skip
    paths = _paths(out, names, kinds, interval or "1d")
    check_targets(json=json_file)
    with StopRequest() as stop:
        sources = _sources(
            source, names, kinds, stop, interval=interval or "1d", adjusted=adjusted or "splits", tick=tick,
            exchange=exchange, levels=levels or 10, every=every or 1.0, base_url=base_url,
        )  # fmt: skip
        found = record_symbols(sources, paths, kinds, start, end, interval or "1d", seconds, stop)
    recordings = [one for one in found.values() if isinstance(one, PriceRecording)]
    if json_file is not None:
        write_json(json_file, {"files": [recording_figures(one) for one in recordings], "failed": failures(found)})
    for one in recordings:
        typer.echo(recording_line(one))
    if stop.signal is not None:
        typer.echo("stopped before the end: the files hold what was recorded until then", err=True)
        raise typer.Exit(128 + stop.signal)
    if failures(found):
        raise UsageError("\n".join(failures(found)) + "\nwhat was recorded is kept; the same command continues from there")


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        raise UsageError(f"--symbols {text!r}: expected one or more, each once, as AAPL,AMZN")
    return names


def _what(source: str, text: str | None) -> tuple[str, ...]:
    check_choice("--source", source, SOURCES)
    known = SOURCES[source]
    if text is None:
        return known[:1]
    parts = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if set(parts) - set(known) or ("bars" in parts and len(parts) > 1):
        apart = "bars, or " if source == "massive" else ""
        rest = [name for name in known if name != "bars"] or ["bars"]
        raise UsageError(
            f"--what {text!r}: expected for {source}: {apart}{','.join(rest)}{' or one of them' * (len(rest) > 1)}"
        )
    return parts


def _check_options(
    source: str,
    what: tuple[str, ...],
    bars: dict[str, Any],
    tape: dict[str, Any],
    ccxt: dict[str, Any],
    books: dict[str, Any],
    past: dict[str, Any],
) -> None:
    """Refuse options that nothing would read."""
    foreign = [
        (bars, "bars" not in what, "with bars"), (ccxt, source != "ccxt", "with --source ccxt"),
        (tape, source != "massive" or what == ("bars",), "with trades and quotes of massive"),
        (books, "books" not in what, "with books"), (past, "books" in what, "without books, which are polled from now on"),
    ]  # fmt: skip
    for options, absent, where in foreign:
        given = [name for name, value in options.items() if value is not None]
        if absent and given:
            raise UsageError(f"{', '.join(given)}: only {where}")
    for name, value in (tape | books).items():
        if value == math.inf:
            raise UsageError(f"{name} {value}: expected a number that is not infinite")
    if source == "ccxt" and ccxt["--exchange"] is None:
        raise UsageError("--exchange: none; expected one that ccxt knows, as binance")


def _paths(out: Path, names: list[str], what: tuple[str, ...], interval: str) -> dict[str, Path]:
    """Where each symbol is recorded."""
    if out.suffix.lower() in (".parquet", ".pq") and not out.is_dir():
        if len(names) > 1:
            raise UsageError(f"--out {out}: one file for {len(names)} symbols; expected a folder")
        paths = {names[0]: out}
    else:
        ending = interval if what == ("bars",) else "_".join(sorted(what))
        paths = {name: out / f"{re.sub('[^a-z0-9.-]+', '_', name.lower()).strip('_.')}_{ending}.parquet" for name in names}
    if len(set(paths.values())) < len(paths):
        raise UsageError(f"--symbols {','.join(names)}: two would share a file in {out}; expected one run for each of these")
    for path in paths.values():
        check_targets(out=path)
    return paths


def _sources(
    source: str, names: list[str], what: tuple[str, ...], stop: Callable[[], bool], *, interval: str, adjusted: str,
    tick: float | None, exchange: str | None, levels: int, every: float, base_url: str | None,
) -> dict[str, PriceSource]:  # fmt: skip
    from mm_env.data.providers import CcxtSource, MassiveBars, MassiveTape, YahooBars, yahoo_session
    from mm_env.network import RetryPolicy

    retry = RetryPolicy(stop=stop)
    found: dict[str, PriceSource] = {}
    try:
        session = yahoo_session(base_url, retry) if source == "yfinance" else None
        for name in names:
            if source == "yfinance":
                found[name] = YahooBars(name, interval, adjusted, session=session)
            elif source == "ccxt":
                found[name] = CcxtSource(
                    exchange or "", name, what, levels=levels, every_seconds=every, base_url=base_url, retry=retry
                )
            elif what == ("bars",):
                found[name] = MassiveBars(name, interval, adjusted, base_url=base_url, retry=retry)
            else:
                found[name] = MassiveTape(name, what, tick=tick, base_url=base_url, retry=retry)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return found
