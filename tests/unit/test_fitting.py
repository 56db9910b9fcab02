"""A market is fitted to a record that a market made, and resembles it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from mm_env.calibration.events import DataError, EventWriter, join_events
from mm_env.calibration.fitting import (
    MOMENTS,
    OWN,
    SHARED,
    Measured,
    Recorded,
    judge,
    market_of,
    measure,
    moments_of,
    settle,
    tune,
)
from mm_env.config.io import load_config, override
from mm_env.recording.market import book_about, simulate_events
from scripts import calibrate

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
def records() -> list[Recorded]:
    config = override(load_config("two_symbols"), TRUTH)
    return [
        Recorded.of(
            join_events(list(simulate_events(config, 2500.0, symbol=i, levels=3, seed=8))), book_about(config, i, 0, 3)
        )
        for i in (0, 1)
    ]


@pytest.fixture(scope="module")
def found(records) -> Measured:
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
    found = moments_of(e, records[0].about, records[0].tick)
    assert list(found) == list(MOMENTS)
    lasted = np.diff(e.time)
    width = (e.ask_prices[:-1, 0] - e.bid_prices[:-1, 0]) / records[0].tick
    known = np.isfinite(width)
    assert found["spread_ticks"] == pytest.approx(np.average(width[known], weights=lasted[known]), rel=1e-2)
    assert found["cancels_per_limit_order"] == (e.kind == "delete").sum() / (e.kind == "limit").sum()


def test_corrections_bring_the_moments_nearer(found):
    first = judge(found, market_of(found, start(2)), 400.0, 0)
    settled = settle(found, start(2), 4, 400.0, 0)
    assert settled.loss < first.loss - 0.3
    assert settled.values != start(2)


def test_trials_find_a_better_market_and_say_so(records):
    found = measure(records[:1], exponentials=1)
    told: list[tuple[int, float]] = []
    best = tune(found, 6, 300.0, seed=1, told=lambda number, loss: told.append((number, loss)))
    assert len(best.losses) == 6
    assert best.loss <= min(loss for _, loss in told)
    assert [loss for _, loss in told] == sorted((loss for _, loss in told), reverse=True)
    again = judge(found, best.config, 300.0, 1)
    assert again.loss == pytest.approx(best.loss)
    assert set(best.moments["XYZ"]) == set(MOMENTS)
    none = tune(found, 6, 300.0, seed=1, stop=lambda: True)
    assert none.losses == []


def test_records_that_do_not_go_together_are_told(records):
    for chosen in ([], [records[0], records[0]]):
        with pytest.raises(DataError, match="different symbols at one venue"):
            measure(chosen)
    quiet = records[0].events.where(records[0].events.kind == "trade")
    with pytest.raises(DataError, match="0 limit orders"):
        moments_of(quiet, records[0].about, 0.01)


def test_the_command_writes_a_market_that_runs_and_a_report(records, tmp_path):
    data = []
    for one in records[:1]:
        data += ["--data", str(tmp_path / f"{one.about.symbol}.parquet")]
        with EventWriter(Path(data[-1]), one.about) as writer:
            writer.write(one.events)
    app = typer.Typer()
    app.command()(calibrate.main)

    def run(*arguments: object) -> object:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    out, report = tmp_path / "fitted.yaml", tmp_path / "fitted.html"
    options = ["--trials", 2, "--seconds", 120, "--exponentials", 1, "--blocks", "odd", "--set", "episode.steps=20"]
    said = run(*data, *options, "--out", out, "--report", report, "--json", tmp_path / "m.json")
    assert said.exit_code == 0, said.output  # type: ignore[attr-defined]
    config = load_config(out)
    assert config.episode.steps == 20
    assert [symbol.name for symbol in config.symbols] == ["XYZ"]
    text = out.read_text()
    assert "maximum likelihood" in text
    assert "scripts/calibrate.py --data XYZ.parquet" in text
    assert str(tmp_path) not in text
    told = json.loads((tmp_path / "m.json").read_text())
    assert set(told["moments"]["XYZ"]) == set(MOMENTS)
    page = report.read_text()
    assert page.count("data:image/png;base64,") >= 1
    assert "http" not in page.split("</style>")[1].replace("http-equiv", "")
    for wrong in (("--blocks", "third"), ("--data", data[1])):
        assert run(*data, *wrong, "--out", out).exit_code == 2  # type: ignore[attr-defined]
