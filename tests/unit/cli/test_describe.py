"""The command that says what market data say: takers, estimates, what is left out, and the figure."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from mm_env.calibration.summary import summarise
from mm_env.calibration.takers import takers
from mm_env.cli import describe as describe_data
from mm_env.data.events import About, DataError, Events, EventWriter

SECOND = 1_000_000_000


def market(seed=0, n=6000, seconds=3000.0):
    """Quotes that move and trades on both sides of them, with sizes of a power tail."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0.0, seconds, n))
    mid = 100.0 + 0.01 * np.cumsum(rng.choice([-1, 0, 1], n))
    traded = rng.random(n) < 0.5
    side = np.where(traded, rng.choice([-1, 1], n), 0)
    reach = rng.exponential(0.02, n)
    book = {"bid_prices": mid - 0.01, "ask_prices": mid + 0.01, "bid_sizes": np.ones(n), "ask_sizes": np.ones(n)}
    return Events(
        time=np.round(time * SECOND).astype(np.int64), kind=np.where(traded, "trade", "quote").astype(object),
        side=side.astype(np.int8), price=np.where(traded, mid + side * reach, np.nan),
        size=np.ceil(100.0 * (rng.pareto(1.5, n) + 1.0)), order=np.zeros(n, np.int64),
        **{name: values[:, None] for name, values in book.items()},
    )  # fmt: skip


ABOUT = About("made", "XYZ", "A", 1, 0.01)


def test_fills_of_one_time_and_side_are_one_taker():
    events = market()
    few = events.where(np.arange(len(events)) < 6)
    changed = {
        "time": np.array([1, 1, 1, 1, 2, 3]), "side": np.array([1, -1, 1, 0, 1, 1], np.int8),
        "kind": np.array(["trade"] * 5 + ["quote"], dtype=object), "size": np.array([1.0, 2, 4, 8, 16, 32]),
    }  # fmt: skip
    few = Events(**({name: getattr(few, name) for name in Events.__dataclass_fields__} | changed))
    time, side, size = takers(few, ABOUT)
    assert (time.tolist(), side.tolist(), size.tolist()) == ([1, 1, 2], [1, 0, 1], [5.0, 2.0, 16.0])
    columns = {name: getattr(few, name) for name in Events.__dataclass_fields__}
    told = Events(**(columns | {"order": np.array([7, 8, 7, 8, 7, 9])}))
    time, _, size = takers(told, About("binance", "XYZ", "A", 1))  # the venue's own time is that of the taker
    assert (time.tolist(), size.tolist()) == ([1, 1], [21.0, 2.0])


def test_a_summary_has_every_part_that_the_events_allow():
    summary = summarise(market(), ABOUT, lot=100.0)
    assert summary.spread.median_ticks == 2
    assert [scale for scale, _, _ in summary.volatility] == [0.1, 1.0, 10.0, 60.0]
    assert summary.best_hawkes.process.branching_ratio < 0.15  # trades come at any time
    assert summary.best_hawkes.bic == min(fit.bic for fit in summary.hawkes)
    assert summary.intensity.decay == pytest.approx(50.0, rel=0.3)
    assert summary.tail.tail_exponent == pytest.approx(1.5, abs=0.3)
    assert summary.cancels is None
    assert [len(part) for part in summary.relaxed()] == np.bincount(summary.takers[1]).tolist()


def test_a_summary_of_few_events_leaves_out_what_they_do_not_say():
    events = market()
    summary = summarise(events.where(np.arange(len(events)) < 12), About("made", "XYZ", "A", 1))
    assert (summary.spread, summary.intensity, summary.tail, summary.best_hawkes) == (None, None, None, None)
    assert summary.hawkes == [] and summary.relaxed() == []
    with pytest.raises(DataError, match="1 events that span no time"):
        summarise(events.where(np.arange(len(events)) < 1), ABOUT)


APP = typer.Typer()
APP.command()(describe_data.main)


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


@pytest.mark.parametrize("events", [6000, 12])
def test_the_command_prints_writes_and_draws(tmp_path, events):
    path, out = tmp_path / "events.parquet", tmp_path / "new"
    whole = market()
    with EventWriter(path, ABOUT) as writer:
        writer.write(whole.where(np.arange(len(whole)) < events))
    result = run(path, "--lot", 100, "--out", out, "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "figures.json").read_text())
    assert told == json.loads((out / "estimates.json").read_text())
    assert told["events"] == events
    assert ("too few events" in result.output) == (events == 12) == (told["size_tail"] is None)
    assert (out / "estimates.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_refuses(tmp_path):
    path = tmp_path / "other.parquet"
    path.write_bytes(b"no parquet")
    for arguments, message in (
        ((path,), "not a Parquet file of events"),
        ((path, "--structure", "round"), "--structure 'round': allowed: shared, diagonal, symmetric, full"),
    ):
        result = run(*arguments, "--out", tmp_path / "new")
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())
