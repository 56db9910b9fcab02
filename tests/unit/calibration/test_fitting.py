"""A market is fitted to a record that a market made, and resembles it."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from typer.testing import CliRunner

from mm_env.calibration import fitting, tuning
from mm_env.calibration import takers as calibration_takers
from mm_env.calibration.fitted_market import OWN, SHARED, market_of
from mm_env.calibration.fitting import Measurements, measure
from mm_env.calibration.moments import (
    MOMENTS,
    BookRecording,
    blocks_of,
    glued,
    moments_of,
    over_venues,
)
from mm_env.calibration.tuning import Tuned, evaluate_market, tune
from mm_env.cli.app import single
from mm_env.config.io import load_config, override
from mm_env.data.events import About, Events, EventWriter, join_events
from mm_env.errors import DataError
from mm_env.realism.scores import BLOCK_SECONDS
from mm_env.runs.book_events import book_about, simulate_books, simulate_events

TRUTH = {
    "news.source": "none",
    "regimes": [{"name": "day"}],
    "flow.parents.rate_per_second": 0.0,
    "flow.hawkes_cross_symbol": 0.0,
    "symbols.XYZ.lot_size": 1.0,
    "symbols.ABC.lot_size": 1.0,
    "venues": [{"name": "A"}],
    "flow.makers.limit_rate_per_second": 3.0,
}


@pytest.fixture(scope="module")
def records() -> list[BookRecording]:
    config = override(load_config("two_symbols"), TRUTH)
    return [
        BookRecording.of(
            join_events(list(simulate_events(config, 2500.0, symbol=i, levels=3, seed=8))), book_about(config, i, 0, 3)
        )
        for i in (0, 1)
    ]


@pytest.fixture(scope="module")
def found(records) -> Measurements:
    return measure(records, exponentials=1)


def start(symbols: int) -> dict[str, float]:
    own = {f"{name}.{i}": first for i in range(symbols) for name, (first, _, _) in OWN.items()}
    return {name: first for name, (first, _, _) in SHARED.items()} | own


def test_what_is_measured_is_what_the_record_was_made_with(found):
    truth = override(load_config("two_symbols"), TRUTH)
    process = found.hawkes.process
    assert 0.3 < process.branching_ratio < truth.flow.branching_ratio(2) + 0.1  # of two exponentials, fitted by one
    sides = process.jump[:, 0, 1].sum() < process.jump[:, 0, 0].sum()
    assert sides, "a buy excites buys more than sells"
    assert found.limit_rate[0] == pytest.approx(found.limit_rate[1], rel=0.2)
    assert found.correlation == pytest.approx(0.5, abs=0.2)
    assert (np.diff(found.distances) >= 0).all()
    # mean distances and sizes are told in multiples of each symbol's
    assert float(np.mean(found.distances)) == pytest.approx(1.0, abs=0.15)


def test_moments_are_of_the_events(records):
    e = records[0].events
    found = moments_of([e], records[0].about, orders=True)
    assert set(found) == {*MOMENTS, "limit_orders_per_second"}
    lasted = np.diff(e.time)
    width = (e.ask_prices[:-1, 0] - e.bid_prices[:-1, 0]) / records[0].tick
    known = np.isfinite(width)
    assert found["spread_ticks"] == pytest.approx(np.average(width[known], weights=lasted[known]), rel=1e-2)
    assert found["cancels_per_trade"] == (e.kind == "delete").sum() / (e.kind == "trade").sum()


def test_odd_and_even_blocks_share_nothing_and_leave_nothing_out(records):
    e = records[0].events
    odd, even = blocks_of(e, "odd"), blocks_of(e, "even")
    assert sum(map(len, odd + even)) == len(e)
    step = round(BLOCK_SECONDS * 1e9)
    for pieces, left in ((odd, 1), (even, 0)):
        assert all((((piece.time - e.time[0]) // step) % 2 == left).all() for piece in pieces)
    early = e.where(np.arange(len(e)) == 0)  # before the book is there, of which no statistic tells
    nothing = np.full_like(early.bid_prices, np.nan)
    early = dataclasses.replace(early, time=early.time - step // 3, bid_prices=nothing, ask_prices=nothing)
    assert [len(piece) for piece in blocks_of(join_events([early, e]), "odd")] == [len(piece) for piece in odd]
    whole = glued(even)
    assert (np.diff(whole.time) >= 0).all()
    gap = whole.time[-1] - whole.time[0] - sum(int(piece.time[-1] - piece.time[0]) for piece in even)
    assert 0 <= gap < 1e3, "the time between pieces is left out"
    # no move over the seam: it would be one of a quarter of an hour
    apart = moments_of(even, records[0].about, orders=True)["volatility_bps"]
    each = [moments_of([piece], records[0].about, orders=True)["volatility_bps"] for piece in even]
    assert min(each) <= apart <= max(each)
    with pytest.raises(DataError, match="no odd block"):
        blocks_of(e.where(e.time < e.time[0] + step // 2), "odd")


def test_venues_of_a_symbol_add_up():
    a = {"spread_ticks": 1.0, "touch_size": 5.0, "takers_per_second": 1.0, "volatility_bps": 2.0, "added_per_second": 7.0,
         "cancels_per_trade": 0.5}  # fmt: skip
    b = {"spread_ticks": 2.0, "touch_size": 1.0, "takers_per_second": 3.0, "volatility_bps": 2.0, "added_per_second": 1.0,
         "cancels_per_trade": 0.9}  # fmt: skip
    assert over_venues([a, b]) == pytest.approx(
        {"spread_ticks": 1.75, "touch_size": 6.0, "takers_per_second": 4.0, "volatility_bps": 2.0, "added_per_second": 8.0,
         "cancels_per_trade": 0.8}
    )  # fmt: skip


def test_trials_find_a_better_market_and_say_so(records):
    found = measure(records[:1], exponentials=1)
    first = evaluate_market(found, market_of(found, start(1)), 200.0, 1)
    told: list[tuple[int, float]] = []
    best = tune(found, 110, 200.0, seed=1, on_trial=lambda number, loss: told.append((number, loss)))
    assert [number for number, _ in told] == list(range(len(best.losses))) and 70 < len(told) <= 110
    assert best.losses[0] == pytest.approx(first.loss), "the first trial is that of the values to start from"
    assert min(best.losses) < 0.8 * first.loss
    assert best.loss < first.loss
    assert [loss for _, loss in told] == sorted((loss for _, loss in told), reverse=True)
    assert best.worst < 0.25, "what was off on the average was corrected"
    again = evaluate_market(found, market_of(found, best.values), 6 * 200.0, 1 + 500_009)
    assert again.loss == pytest.approx(best.loss), "what is told is a simulation of its own"
    assert set(best.moments["XYZ"]) == {*MOMENTS, "limit_orders_per_second"}
    few = tune(found, 110, 200.0, seed=1, stop=lambda: True)
    assert few.losses == best.losses[:1]


def test_an_ensemble_moves_to_where_residuals_vanish():
    from mm_env.calibration.tuning import _moved

    rng = np.random.default_rng(0)
    slope, answer = rng.normal(size=(6, 4)), np.array([1.0, -2.0, 0.5, 3.0])
    members = rng.normal(size=(40, 4))
    for _ in range(12):
        members = _moved(members, 10.0 * (members - answer) @ slope.T, rng)
    assert members.mean(axis=0) == pytest.approx(answer, abs=0.1)


@pytest.fixture(scope="module")
def coins() -> list[BookRecording]:
    """Two symbols on two venues, of which books and trades are told and no orders."""
    venues = [{"name": "A", "liquidity_share": 1.0}, {"name": "B", "liquidity_share": 3.0, "price_basis_ticks": -20}]
    config = override(load_config("two_symbols"), TRUTH | {"venues": venues})
    places = [(i, v) for i in (0, 1) for v in (0, 1)]
    steps = list(simulate_books(config, 400.0, [(i, v, 10) for i, v in places], seed=3))
    found = []
    for k, (i, v) in enumerate(places):
        e = join_events([parts[k] for parts in steps])
        kind = np.where(e.kind == "trade", "trade", "depth").astype(object)
        bare = Events(**{name: getattr(e, name) for name in Events.__dataclass_fields__} | {"kind": kind})
        found.append(BookRecording.of(bare, book_about(config, i, v, 10)))
    return found


def test_books_without_orders_on_two_venues_make_a_market(coins):
    found = measure(coins, exponentials=1)
    assert found.symbols == ["XYZ", "ABC"] and found.venues == ["A", "B"]
    assert set(found.moments["XYZ"]) == {*MOMENTS, "added_per_second"}
    assert found.venue_shares["B"] == pytest.approx(0.75, abs=0.15)
    assert [one.median for one in found.basis["B"]] == pytest.approx([-0.2, -0.2], abs=0.02)
    market = market_of(found, start(2))
    assert market.venues[1].price_basis_ticks == pytest.approx(-20, abs=2)
    assert market.venues[1].liquidity_share == pytest.approx(found.venue_shares["B"], rel=1e-3)
    assert market.venues[1].maker_share == pytest.approx(0.75, abs=0.1) == found.maker_shares["B"]
    assert market.flow.makers.cancel_unit == "lot"
    judged = evaluate_market(found, market, 60.0, 0)
    assert set(judged.by_venue) == {("XYZ", "A"), ("XYZ", "B"), ("ABC", "A"), ("ABC", "B")}
    assert all(real == found.moments["XYZ"][name] for name, (real, _) in judged.moments["XYZ"].items())


def test_symbols_may_move_against_each_other(found):
    for measured, kept in ((-0.4, -0.4), (0.3, 0.3), (0.99, 0.95), (-1.0, -0.95)):
        market = market_of(dataclasses.replace(found, correlation=measured), start(len(found.symbols)))
        assert market.correlation == pytest.approx(kept)


def test_the_desk_is_in_proportion_to_the_market(records):
    found = measure(records[:1], exponentials=1)
    market = market_of(found, start(1))
    symbol, moments = market.symbols[0], found.moments["XYZ"]
    sigma = 1e-4 * moments["volatility_bps"] * symbol.start_price
    moved = market.policy.risk_aversion * symbol.inventory_limit * sigma**2 * market.policy.horizon_seconds
    assert moved == pytest.approx(moments["spread_ticks"] * symbol.tick_size, rel=1e-3)
    value_at_risk = 2.3263 * sigma * np.sqrt(market.risk.var_horizon_seconds) * symbol.lot_size * symbol.inventory_limit
    assert market.risk.portfolio_var_limit == pytest.approx(0.5 * value_at_risk, rel=1e-3)
    assert found.fill_decay == pytest.approx(market.policy.fill_decay, rel=1e-3)


def test_records_that_do_not_go_together_are_told(records, coins):
    for chosen in ([], [records[0], records[0]], coins[:3], [records[0], coins[2]]):
        with pytest.raises(DataError, match="each once at every venue"):
            measure(chosen)
    quiet = records[0].events.where(records[0].events.kind == "trade")
    with pytest.raises(DataError, match="0 limit orders"):
        moments_of([quiet], records[0].about, orders=True)
    untold = np.full_like(records[0].events.bid_sizes, np.nan)
    unsized = dataclasses.replace(records[0].events, bid_sizes=untold, ask_sizes=untold)
    with pytest.raises(DataError, match="no sizes at the touch"):
        moments_of([unsized], records[0].about, orders=True)
    hidden = dataclasses.replace(records[0], moments=records[0].moments | {"cancels_per_trade": -0.1})
    with pytest.raises(DataError, match=r"cancels_per_trade -0\.1; expected .* above 0"):
        measure([hidden])
    with pytest.raises(DataError, match="no tick"):
        BookRecording.of(quiet, About("lobster", "XYZ", "A", 3))


def test_the_loss_counts_what_is_off_beyond_the_tolerance(records):
    exact = dict.fromkeys(MOMENTS, (2.0, 2.0)) | {"limit_orders_per_second": (1.0, 9.0)}  # which is told and not tuned
    market = load_config("one_symbol")
    nothing = np.zeros(0), np.zeros(0)
    assert Tuned(market, {}, {"XYZ": exact}, {}, {"XYZ": 0.2}, nothing).loss == pytest.approx(0.2)
    off = exact | {"spread_ticks": (2.0, 2.0 * np.exp(0.15)), "touch_size": (2.0, 2.0 * np.exp(-0.04))}
    assert Tuned(market, {}, {"XYZ": off}, {}, {"XYZ": 0.2}, nothing).loss == pytest.approx(0.2 + 0.1)


def test_the_command_writes_a_market_that_runs_and_a_report(records, tmp_path, monkeypatch):
    data = []
    for one in records[:1]:
        data += ["--data", str(tmp_path / f"{one.about.symbol}.parquet")]
        with EventWriter(Path(data[-1]), one.about) as writer:
            writer.write(one.events)
    app = single("calibrate")

    def run(*arguments: object) -> object:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    kept: dict[str, object] = {}

    def keep(home: ModuleType, name: str) -> None:
        """Let a function of the command return what it did the first time."""
        called = getattr(home, name)

        def once(*given: object, **named: object) -> object:
            if name not in kept:
                kept[name] = called(*given, **named)
            return kept[name]

        monkeypatch.setattr(home, name, once)

    keep(fitting, "measure")
    keep(tuning, "tune")
    keep(tuning, "evaluate_market")
    out, report = tmp_path / "fitted.yaml", tmp_path / "fitted.html"
    options = ["--trials", 2, "--seconds", 120, "--exponentials", 1, "--blocks", "odd", "--set", "episode.steps=20"]
    said = run(*data, *options, "--out", out, "--report", report, "--json", tmp_path / "m.json")
    assert said.exit_code == 0, said.output  # type: ignore[attr-defined]
    config = load_config(out)
    assert config.episode.steps == 20
    assert [symbol.name for symbol in config.symbols] == ["XYZ"]
    text = out.read_text()
    assert "maximum likelihood" in text
    command = " ".join(line.removeprefix("#").strip() for line in text.partition("from XYZ")[0].splitlines())
    assert "mm-env calibrate --data XYZ.parquet --exponentials 1 --trials 2 --seconds 120 --seed 0 --blocks odd" in command
    assert "--set episode.steps=20" in command
    assert str(tmp_path) not in text
    told = json.loads((tmp_path / "m.json").read_text())
    assert set(told["moments"]["XYZ"]) == {*MOMENTS, "limit_orders_per_second"}
    page = report.read_text()
    assert page.count("data:image/png;base64,") >= 1
    assert "http" not in page.split("</style>")[1].replace("http-equiv", "")

    def pressed(*_: object, **__: object) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return kept["tune"]

    out.unlink()
    monkeypatch.setattr(tuning, "tune", pressed)
    stopped = run(*data, *options, "--out", out)
    assert stopped.exit_code == 130 and "stopped after 1 of 2 markets" in stopped.output  # type: ignore[attr-defined]
    assert load_config(out) == config
    for wrong in (("--blocks", "third"), ("--data", data[1])):
        assert run(*data, *wrong, "--out", out).exit_code == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(("whole", "through"), [(0.0, 0.25), (0.3, 0.5), (0.5, 0.1), (0.2, 1.0), (0.0, 0.0), (1.0, 1.0)])
def test_who_wanted_more_and_stopped_is_none_who_takes_the_touch(records, monkeypatch, whole, through):
    rng = np.random.default_rng(0)
    touch, wanted = rng.uniform(0.0, 100.0, (2, 100_000))
    stops = (wanted > touch) & (rng.random(100_000) >= through)
    size = np.where((rng.random(100_000) < whole) | stops, touch, wanted)
    monkeypatch.setattr(calibration_takers, "_beside_touch", lambda *_: (size, touch))
    found = calibration_takers.touch_shares([records[0].events], records[0].about)
    assert found.whole == pytest.approx(whole, abs=0.01) and found.through == pytest.approx(through, abs=0.02)
    assert found.equal == pytest.approx(np.mean(size == touch)) and found.beyond == pytest.approx(np.mean(size > touch))
    if whole < 1.0:
        assert np.average(found.sizes, weights=found.weights) == pytest.approx(50.0, abs=0.5)
    market_of(measure(records[:1], exponentials=1), start(1))  # also where nobody has a size of their own
