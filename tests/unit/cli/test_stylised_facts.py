"""The book market by itself, and the command that says which stylised facts it shows."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.config.io import load_config, override
from mm_env.market.build import build_market
from mm_env.realism import facts, sampling_book
from mm_env.realism.facts import Fact, markdown
from mm_env.realism.sampling_book import (
    begun,
    finest_grid,
    on_grid,
    parent_orders,
    sample_book,
    simulate_alone,
    touch_imbalance,
)
from mm_env.realism.stylised import Measured

APP = single("stylised-facts")
PICTURES = (
    "tails", "return_autocorrelation", "volatility_clustering", "trade_signs", "spread", "impact", "imbalance", "signature",
)  # fmt: skip


@pytest.fixture(scope="module")
def config():
    return load_config("two_symbols")


@pytest.fixture(scope="module")
def fine(config):
    return sample_book(config, 3, 40.0, seed=1)


def by_env(config, grid_seconds):
    """(E, 3) mean spread, variance of 1 s moves, takers of one side more than of the other in a second."""
    sample = sample_book(config, 64, 100.0, seed=1, grid_seconds=grid_seconds)
    k = sample.steps(1.0)
    flow = np.abs(sample.flow.reshape(-1, k, 64, 2).sum(axis=1))
    squares = np.diff(sample.mid[k - 1 :: k], axis=0) ** 2
    return np.stack([x.mean(axis=(0, 2), dtype=float) for x in (sample.spread[k - 1 :: k], squares, flow)], axis=-1)


def test_the_law_of_the_market_does_not_depend_on_how_often_it_is_looked_at(config):
    def deviations(other):
        difference = by_env(other, 1.0) - by_env(config, 0.1)
        return np.abs(difference.mean(axis=0) / (difference.std(axis=0, ddof=1) / 8.0))

    assert (deviations(config) < 4.5).all()  # of 64 envs: a false alarm in 10,000 runs, were the seed not fixed
    assert (deviations(override(config, {"episode.microsteps": 1})) > 4.5).any()  # planted: the own grid is not kept


def test_an_env_does_not_depend_on_its_chunk(config, fine, monkeypatch):
    monkeypatch.setattr(sampling_book, "CHUNK", 2)
    again = sample_book(config, 3, 40.0, seed=1)
    assert np.array_equal(again.mid2, fine.mid2) and np.array_equal(again.flow, fine.flow)
    assert not np.array_equal(again.mid2[:, 0], again.mid2[:, 1])
    assert len(np.unique(again.mid2)) > 10 and np.abs(again.flow).sum() > 50


def test_the_own_grid_of_a_market_is_kept(config):
    other = override(config, {"episode.step_seconds": 2.0, "episode.microsteps": 4})
    assert on_grid(other, 1.0).episode.microsteps == 2 and finest_grid(other, 0.1) == 0.5
    with pytest.raises(ValueError, match=r"grid of 0\.1 s; expected a multiple of the market.s own grid, 0\.5 s"):
        on_grid(other, 0.1)


def test_imbalance_is_that_of_the_books_at_the_best_price(config):
    batch = begun(build_market(on_grid(config, 1.0)), 0, 4, 2)
    for states in simulate_alone(batch, 3):
        found = touch_imbalance(states, 2)
        for n, s in enumerate(states):
            for i in range(2):
                lots = [0, 0]
                for side in range(2):
                    prices = [s["best"][i, v, side] for v in range(3) if s["resting"][i, v, side] > 0]
                    best = max(prices) if side == 0 else min(prices)
                    for v in range(3):
                        if s["resting"][i, v, side] > 0 and s["best"][i, v, side] == best:
                            lots[side] += s["depth"][i, v, side, best & 127]
                assert found[n, i] == pytest.approx((lots[0] - lots[1]) / sum(lots))


def test_a_parent_order_pushes_the_mid_its_way_and_none_leaves_it(config):
    nothing = parent_orders(config, 8, [1, 4], 0, 2.0, seed=3)
    assert not nothing.at_end.any() and nothing.sizes.tolist() == [0.0, 0.0]
    orders = parent_orders(config, 64, [1, 2, 16], 20, 2.0, seed=3)
    assert orders.sizes == pytest.approx([20.0, 40.0, 320.0], rel=0.05) and orders.seconds.tolist() == [0.0, 2.0, 30.0]
    assert (orders.at_end[:, 0] >= 0.0).all()  # the same books just before the first child
    assert orders.at_end[:, 0].mean() > 0.5 and orders.at_end[:, 2].mean() > orders.at_end[:, 0].mean()
    for buys in (0, 1):
        assert orders.at_end[buys::2, 2].mean() > 0.5


def test_the_tick_presets_say_what_their_names_do():
    for name, rule in (("large_tick", lambda share: share >= 0.7), ("small_tick", lambda share: share < 0.1)):
        sample = sample_book(load_config(name), 8, 120.0, seed=4)
        assert rule((sample.spread[sample.valid] <= 1).mean()), name


def test_what_is_not_known_is_a_miss_and_is_printed_as_one():
    unknown = Measured(np.array(np.nan), np.array(np.nan))
    unsure = Measured(np.array(0.5), np.array(np.inf))
    table = [Fact.of("a", "b", one, lambda v, _: True) for one in (unknown, unsure)]
    assert [fact.holds for fact in table] == [False, False]
    assert Fact.of("a", "no rule", unsure, None).holds is None
    assert "| no power law | **no** |" in markdown(table) and "| 0.5 ± ? | **no** |" in markdown(table)
    assert table[0].as_dict()["value"] is None


def test_the_command_writes_its_table_and_a_picture_a_fact(tmp_path):
    out, file = tmp_path / "facts", tmp_path / "facts.json"
    options = ["--quick", "--envs", "4", "--seconds", "200", "--pairs", "8", "--out", str(out), "--json", str(file)]
    result = CliRunner().invoke(APP, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    written = json.loads(file.read_text())
    assert written == json.loads((out / "stylised_facts.json").read_text())
    assert list(written["markets"]) == ["two_symbols", "large_tick", "small_tick"] and written["envs"] == 4
    for market in written["markets"].values():
        assert len({fact["fact"] for fact in market["facts"]}) == 15
        assert len(market["curves"]) == 8 and sum(market["curves"]["spread_ticks"]["value"]) == pytest.approx(1.0)
    assert result.output.count("| fact | expected |") == 3
    missed = [f for m in written["markets"].values() for f in m["facts"] if f["holds"] is False]
    assert result.output.count("**no**") == len(missed)
    for name in PICTURES:
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--log-level", "inof"],
            "--log-level 'inof': expected one of 'debug', 'info', 'warning', 'error'; nearest: 'info'",
        ),
        (["--json", "."], "--json .: cannot be a file; expected a file, new or old, in a folder"),
        (["--config", "crisi"], "crisi: no such file or preset; nearest: 'crisis'"),
        (["--seconds", "60"], f"--seconds 60: expected {facts.LAGS[-1] + 10} or more"),
    ],
)
def test_a_mistake_is_told_before_anything_is_played(monkeypatch, tmp_path, options, said):
    monkeypatch.setattr(facts, "study", lambda *_: pytest.fail("played"))
    result = CliRunner().invoke(APP, ["--out", str(tmp_path), *options])
    assert result.exit_code == 2 and said in result.stderr
