"""The market behind the live page: its path is that of a rollout, and what it shows is what stands in the state."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mm_env.config.io import load_config
from mm_env.dashboard import live
from mm_env.dashboard.live import LiveMarket
from mm_env.envs.play import play
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import UsageError
from mm_env.policies.registry import get_policy
from mm_env.runs import Recorder, read_run
from mm_env.runs.baseline import Baseline

STEPS = 60
OPTIONS = Baseline(
    Path(), seed=4, steps=STEPS, overrides={"risk.portfolio_var_limit": 60.0, "venues.BETA.price_basis_ticks": 3}
)
TABLES = ("steps", "fills", "headlines", "venues")


def market(**changes):
    return LiveMarket(Baseline(**{**OPTIONS.__dict__, **changes}))


@pytest.fixture(scope="module")
def played():
    """The whole episode, in uneven pieces, and the same recorded by a rollout."""
    one = market()
    assert [one.step(1), one.step(7), one.step(1000)] == [1, 7, STEPS - 8]
    found = {name: {} for name in TABLES}
    envs = MultiVenueVectorEnv(1, one.config, record=True)
    recorder = Recorder(lambda table, rows: found[table].update(rows), 1)
    play(envs, get_policy("as"), 1, OPTIONS.seed, watchers=[recorder])
    return one, {name: pd.DataFrame(rows) for name, rows in found.items()}


def test_its_path_is_that_of_a_rollout(played):
    one, found = played
    assert one.ended and one.count == STEPS and one.step(5) == 0
    pd.testing.assert_frame_equal(one.steps(), found["steps"])
    pd.testing.assert_frame_equal(one.fills(), found["fills"])
    pd.testing.assert_frame_equal(one.headlines(), found["headlines"])
    pd.testing.assert_frame_equal(one.venues_at(range(STEPS + 1)), found["venues"])
    assert len(found["fills"]) > 20 and one.now()["pnl"] == found["steps"]["pnl"].iloc[-1]


def test_rows_since_a_step_are_the_later_ones(played):
    one, found = played
    fills = found["fills"]
    assert one.fills(20)["time"].tolist() == fills.loc[fills["step"] > 20, "time"].tolist() != fills["time"].tolist()
    assert one.steps(last=10)["step"].tolist() == list(range(STEPS - 10, STEPS + 1))
    assert one.router()["weight"].tolist() == found["venues"]["weight"].tolist()[-6:]


def test_of_many_fills_some_are_taken_evenly_of_either_kind(played):
    one, found = played
    fills = found["fills"]
    others = (fills["role"] != "maker").sum()
    assert others > 5 and one.fill_count() == len(fills) - others
    few = one.fills(most=5)
    assert one.fills_after() == len(fills) > len(few) and one.fills_after(20) == len(one.fills(20)) < len(fills)
    assert 3 <= (few["role"] == "maker").sum() <= 5 and 3 <= (few["role"] != "maker").sum() <= 5
    assert few["time"].is_monotonic_increasing and few["time"].isin(fills["time"]).all()
    assert few["time"].iloc[-1] > fills["time"].iloc[len(fills) // 2]
    pd.testing.assert_frame_equal(one.fills(most=len(fills)), fills)


def test_thinned_steps_keep_the_newest_and_what_belongs_to_hedges(played):
    one, found = played
    hedged = np.flatnonzero(found["steps"]["hedged"]).tolist()
    assert hedged and one.hedges() == len(hedged)
    kept = one.steps(most=10)["step"].tolist()
    assert len(kept) < STEPS and kept[0] == 0 and kept[-1] == STEPS
    assert {*hedged, *(step - 1 for step in hedged)} <= set(kept)
    assert np.diff(kept).max() <= 7


def test_books_are_those_of_the_state_with_own_orders_apart():
    one = market()
    one.step(15)
    state = one.envs.batch.states[0]
    seen = 0
    for k in range(2):
        ladder = one.ladder(k, levels=128)
        for v in range(3):
            for side in range(2):
                assert ladder.lots[v, side].sum() == state["resting"][k, v, side]
                own = ladder.own[v, side]
                assert own.sum() == state["own_quantity"][k, v, side]
                if own.sum():
                    assert ladder.price[own.argmax()] == state["own_price"][k, v, side]
                    seen += 1
        few = one.ladder(k, levels=2)
        both = (few.lots + few.own).sum(axis=0) > 0
        own_prices = few.own.sum(axis=(0, 1)) > 0
        assert both[0].sum() <= 2 + own_prices.sum() + 2  # two best of either side, and those of own orders
    assert seen >= 4


def test_history_is_bounded(monkeypatch):
    monkeypatch.setattr(live, "MOST_STEPS", 20)
    one = market()
    one.step(STEPS)
    steps = one.steps()
    assert 18 <= len(steps) <= 20 and steps["step"].iloc[-1] == STEPS and one.first_step == steps["step"].iloc[0] > 30
    venues = one.venues_at(steps["step"])
    assert venues["step"].tolist() == np.repeat(steps["step"], 6).tolist()
    assert len(one.fills()) > 20 and one.fills()["step"].min() >= one.first_step


def test_a_refresh_takes_no_longer_than_it_may():
    one = market()
    assert one.step(50, within_seconds=0.0) == 1
    assert one.step(3, within_seconds=60.0) == 3


def test_the_saved_run_is_what_was_played(tmp_path):
    one = market()
    one.step(25)
    one.save(tmp_path / "run")
    run = read_run(tmp_path / "run")
    assert run.summary["interrupted"] and run.summary["seed"] == OPTIONS.seed and run.config == one.config
    pd.testing.assert_frame_equal(run.steps, one.steps(), check_dtype=False)
    pd.testing.assert_frame_equal(run.fills, one.fills(), check_dtype=False)
    assert run.summary["portfolio"]["profit_first"] == pytest.approx(one.now()["pnl"])


def test_the_policy_and_the_settings_are_those_that_were_asked_for():
    one = market(policy="fixed")
    assert one.policy.name == "fixed" and not one.config.policy.use_avellaneda_stoikov
    assert one.config.risk.portfolio_var_limit == 60.0 != load_config().risk.portfolio_var_limit
    with pytest.raises(UsageError, match=r"policy 'nobody'"):
        market(policy="nobody")
