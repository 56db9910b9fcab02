"""The command `mm-env record-market`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from mm_env.cli.options import POLICY_HELP, Config, Json, OutFile, Seed, Settings, check_targets, market_of
from mm_env.errors import UsageError, check_choice


def main(
    config: Config = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="Length of the recording [s].")] = 600.0,
    symbol: Annotated[str | None, typer.Option(help="Symbol; the first if none.")] = None,
    venue: Annotated[str | None, typer.Option(help="Venue; the first if none.")] = None,
    policy: Annotated[str | None, typer.Option(help=f"{POLICY_HELP} Nobody quotes if none.")] = None,
    levels: Annotated[int, typer.Option(min=1, max=64, help="Levels of the book that each event holds.")] = 10,
    start: Annotated[str, typer.Option(help="Time of the first step, in UTC unless it has an offset.")] = "2024-01-02T14:30",
    setting: Settings = None,
    seed: Seed = 0,
    out: OutFile = Path("runs/data/market.parquet"),
    json_file: Json = None,
) -> None:
    """Record a simulated order book as events.

    Order by order, in the form of mm-env convert; an agent's orders are among the others.

    Example: mm-env record-market --config one_symbol --seconds 23400 --policy as --out runs/data/xyz.parquet
    """
    from mm_env.data.events import EventWriter
    from mm_env.files import write_json
    from mm_env.policies.registry import get_policy
    from mm_env.runs.book_events import book_about, simulate_events

    check_targets(out=out, json=json_file)
    market = market_of(config, setting)
    i = _place("--symbol", symbol, [one.name for one in market.symbols])
    v = _place("--venue", venue, [one.name for one in market.venues])
    agent = None if policy is None else get_policy(policy)
    counts: dict[str, int] = {}
    with EventWriter(out, book_about(market, i, v, levels)) as writer:
        for events in simulate_events(
            market, seconds, symbol=i, venue=v, levels=levels, seed=seed, start=_nanoseconds(start), policy=agent
        ):
            writer.write(events)
            for kind in events.kind:
                counts[kind] = counts.get(kind, 0) + 1
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    typer.echo(f"{out}: {writer.about.symbol} at {writer.about.venue}, {writer.events} events: {kinds}")
    if json_file is not None:
        write_json(json_file, {"events": writer.events, "kinds": counts})


def _place(option: str, name: str | None, names: list[str]) -> int:
    if name is None:
        return 0
    check_choice(option, name, names)
    return names.index(name)


def _nanoseconds(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--start {text!r}: expected a date and time, as 2024-01-02T14:30") from error
    time = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return round(time.timestamp()) * 10**9
