"""Record a simulated market, order by order, in the form that convert_data.py gives real ones.

python scripts/record_market.py --config one_symbol --seconds 23400 --out runs/data/xyz.parquet
python scripts/record_market.py --symbol ABC --venue LIT --policy as --out runs/data/abc_as.parquet   # with an agent in it
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.baseline import check_log_level, parse_overrides
from mm_env.cli.errors import check_target, user_errors
from mm_env.config.io import load_config, override
from mm_env.data.events import EventWriter
from mm_env.errors import UsageError
from mm_env.files import write_json
from mm_env.learning.specs import agent_of
from mm_env.runs.book_events import book_about, simulate_events


@user_errors
def main(
    config: Annotated[str, typer.Option(metavar="PRESET|FILE", help="Market: a preset or a YAML file.")] = "two_symbols",
    seconds: Annotated[float, typer.Option(min=1.0, help="How long [s].")] = 600.0,
    symbol: Annotated[str | None, typer.Option(help="The first if none is named.")] = None,
    venue: Annotated[str | None, typer.Option(help="The first if none is named.")] = None,
    policy: Annotated[
        str | None, typer.Option(help="Who quotes in it: as, fixed, ppo:PATH, …; nobody if none is named.")
    ] = None,
    levels: Annotated[int, typer.Option(min=1, max=64, help="Of the book that each event holds.")] = 10,
    start: Annotated[
        str, typer.Option(help="Time of the first step, in UTC unless it says otherwise.")
    ] = "2024-01-02T14:30",
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a parameter; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the market's random numbers.")] = 0,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Parquet file that is written.")] = Path(
        "runs/data/market.parquet"
    ),
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the counts there.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Record one book; the agent's orders, if there is one, are among the others."""
    check_log_level(log_level)
    logging.basicConfig(level=log_level.upper(), format="%(message)s")
    for option, path in {"--out": out, "--json": json_file}.items():
        if path is not None:
            check_target(option, path)
    market = override(load_config(config), parse_overrides(setting or []))
    i = _place("--symbol", symbol, [one.name for one in market.symbols])
    v = _place("--venue", venue, [one.name for one in market.venues])
    agent = None
    if policy is not None:
        agent = agent_of(policy)
    counts: dict[str, int] = {}
    with EventWriter(out, book_about(market, i, v, levels)) as writer:
        for events in simulate_events(
            market, seconds, symbol=i, venue=v, levels=levels, seed=seed, start=_nanoseconds(start), policy=agent
        ):
            writer.write(events)
            for kind in events.kind:
                counts[kind] = counts.get(kind, 0) + 1
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    print(f"{out}: {writer.about.symbol} at {writer.about.venue}, {writer.events} events: {told}")
    if json_file is not None:
        write_json(json_file, {"events": writer.events, "kinds": counts})


def _place(option: str, name: str | None, names: list[str]) -> int:
    if name is None:
        return 0
    if name not in names:
        raise UsageError(f"{option} {name!r}: allowed: {', '.join(names)}")
    return names.index(name)


def _nanoseconds(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--start {text!r}: allowed: a date and time, as 2024-01-02T14:30") from error
    time = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return round(time.timestamp()) * 10**9


if __name__ == "__main__":
    typer.run(main)
