"""The command that describes market data: what it prints, writes, draws and refuses."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.data.events import About, EventWriter
from tests.unit.calibration.made import ABOUT, market
from tests.unit.calibration.test_queues import reactive
from tests.unit.calibration.test_venues import venues_of
from tests.unit.data.made_bars import DAY, DAYS, MINUTE, walk, write

APP = single("describe")


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
        ((path, "--structure", "round"), "--structure 'round': expected one of 'shared', 'diagonal', 'symmetric', 'full'"),
    ):
        result = run(*arguments, "--out", tmp_path / "new")
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())


def kept(path, events, symbol="XYZ", venue="A"):
    with EventWriter(path, About("made", symbol, venue, events.bid_prices.shape[1], 0.01)) as writer:
        writer.write(events)
    return path


def test_the_command_tells_placement_rates_regimes_and_the_day(tmp_path):
    path = kept(tmp_path / "events.parquet", reactive(0, 2400))
    result = run(path, "--structure", "shared", "--exponentials", 1, "--out", tmp_path / "new")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "new" / "estimates.json").read_text())
    assert told["queues"]["limit_imbalance"]["value"] == pytest.approx(0.8, abs=0.25)
    assert told["queues"]["queue"]["edges"][-1] is None
    assert told["placement"]["at_best"] == pytest.approx(0.5 / 0.8, abs=0.1)
    assert (told["placement"]["tail"], told["regimes"]) == (None, None)  # one level, and a mid that stands still
    assert told["day_profile"]["value"]["takers"] == pytest.approx([1.2, 1.2], rel=0.15)
    assert "limit orders at the best price [share]" in result.output and "00:30" in result.output
    assert (tmp_path / "new" / "flow.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_compares_venues_of_one_symbol(tmp_path):
    paths = [kept(tmp_path / f"{name}.parquet", events, venue=name) for name, events in venues_of(0, 300).items()]
    result = run(*paths, "--out", tmp_path / "new", "--json", tmp_path / "venues.json")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "venues.json").read_text())
    assert told == json.loads((tmp_path / "new" / "venues.json").read_text())
    assert told["venues"]["basis"]["B"]["median"] == pytest.approx(5.0, abs=1.0)
    assert "basis of B, half-life [s]" in result.output
    assert (tmp_path / "new" / "venues.png").read_bytes().startswith(b"\x89PNG")
    other = kept(tmp_path / "other.parquet", venues_of(0, 300)["A"], symbol="OTHER")
    for wrong, message in ((other, "symbol OTHER; expected XYZ"), (paths[0], "venues A, A; expected each once")):
        result = run(paths[0], wrong, "--out", tmp_path / "none")
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())


def test_the_command_tells_bars_side_by_side(tmp_path):
    rng = np.random.default_rng(5)
    common = rng.normal(0.0, 150.0, 300)
    one = write(tmp_path / "a.parquet", walk(300, DAY, rng=rng, moves=common, start=20_000 * DAY), DAYS)
    other = About("made", "ABC", "A", 1, None, "1d", "splits", "UTC")
    two = write(
        tmp_path / "b.parquet", walk(300, DAY, rng=rng, moves=common + rng.normal(0, 150, 300), start=20_000 * DAY), other
    )
    result = run(one, two, "--out", tmp_path / "out", "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "figures.json").read_text())
    assert told == json.loads((tmp_path / "out" / "bars.json").read_text())
    assert list(told["bars"]) == ["XYZ", "ABC"] and told["correlations"][0]["symbols"] == ["XYZ", "ABC"]
    value, error = told["bars"]["XYZ"]["volatility"]["1"]
    assert re.search(rf"volatility over 1 bar \[bps/√bar\] +{value:.4g} ± {error:.2g}", result.output)
    r = told["correlations"][0]
    assert re.search(rf"XYZ, ABC +300 +{r['value']:.3f} ± {r['error']:.3f} +{r['overlapping']:.3f}", result.output)
    assert re.search(r"first begins, UTC +2024-10-04 00:00 ", result.output)
    assert (tmp_path / "out" / "bars.png").read_bytes().startswith(b"\x89PNG")
    for arguments, message in (
        ((one, one), "symbols XYZ, XYZ; expected each once"),
        ((one, write(tmp_path / "c.parquet", walk(5, MINUTE))), "bars of 1m; expected bars of 1d, as in"),
    ):
        result = run(*arguments, "--out", tmp_path / "new")
        assert result.exit_code == 2 and message in " ".join(result.output.split())
