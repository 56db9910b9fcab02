"""Episodes of a policy for comparisons: the same whatever is played beside them, and counted as the ledger counts."""

import numpy as np
import pytest

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config, override
from mm_env.envs.classic_vector import ClassicVectorEnv
from mm_env.envs.play import play
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import ConfigError
from mm_env.evaluation.episode_details import EpisodeDetails
from mm_env.evaluation.evaluation import BY_NAME, VALUES, evaluate
from mm_env.interrupt import Stopped
from mm_env.policies import get_policy

STEPS = 50
MARKET = load_config({"episode": {"steps": STEPS}, "risk": {"portfolio_var_limit": 60.0}})
CLASSIC = load_config(
    {
        "episode": {"step": 0.02, "inventory_limit": 30},
        "reward": {"inventory_penalty": 1.0, "terminal_penalty": 0.1},
        "policy": {"name": "cj"},
    },
    ClassicConfig,
)
POLICIES = ("as", "fixed", "constant:0.2", "random")


def alike(a, b, episodes=slice(None)) -> bool:
    values = all((getattr(a, name)[episodes] == getattr(b, name)).all() for name in VALUES)
    return values and all(
        (getattr(a, group)[name][episodes] == getattr(b, group)[name]).all()
        for group in BY_NAME
        for name in getattr(a, group)
    )


@pytest.mark.parametrize("market", [MARKET, CLASSIC], ids=["book", "classic"])
@pytest.mark.parametrize("spec", POLICIES)
def test_an_episode_is_the_same_whoever_plays_beside_it(spec, market):
    whole = evaluate(get_policy(spec, seed=2), market, 11, 3)
    assert len(whole) == 11 and len(set(whole.profit)) > 1
    assert alike(whole, evaluate(get_policy(spec, seed=2), market, 11, 3, most_envs=4, num_threads=1))
    assert alike(whole, evaluate(get_policy(spec, seed=2), market, 3, 3), slice(3))
    policy = get_policy(spec, seed=2)
    evaluate(policy, market, 2, 8)
    assert alike(whole, evaluate(policy, market, 11, 3))  # what it played before leaves no trace


def details_of(number, market):
    """Details of evaluation episodes of seed 3, and the states of their envs at the end."""
    envs, details = MultiVenueVectorEnv(number, market, record=True), EpisodeDetails()
    play(envs, get_policy("as"), number, 3, options={"evaluation": True}, watchers=[details])
    ledger = envs.batch.states.copy()
    envs.close()
    return details.result(), ledger


def test_evaluation_episodes_of_a_seed_are_neither_those_of_another_nor_those_of_training():
    policy = get_policy("as")
    found = evaluate(policy, MARKET, 5, 3)
    for other in (evaluate(policy, MARKET, 5, 4), evaluate(policy, MARKET, 5, 3, evaluation=False)):
        assert not np.isin(other.profit, found.profit).any()
    envs = MultiVenueVectorEnv(5, MARKET, autoreset_mode="Disabled")
    for evaluation in (True, False):
        envs.reset(seed=3, options={"evaluation": evaluation})
        for _ in range(STEPS):
            _, _, _, _, infos = envs.step(np.zeros((5, 6), np.float32))
        again = evaluate(policy, MARKET, 5, 3, evaluation=evaluation)
        np.testing.assert_array_equal(again.profit, infos["pnl"])


def test_the_book_market_is_counted_as_its_ledger_counts():
    found = evaluate(get_policy("as"), MARKET, 8, 3)
    played, ledger = details_of(8, MARKET)
    np.testing.assert_allclose(found.profit, played.breakdown.sum(axis=(1, 2, 3)), atol=1e-6)
    for name in ("drawdown", "breaches", "hedges"):
        np.testing.assert_allclose(getattr(found, name), ledger[name], atol=1e-9, err_msg=name)
    np.testing.assert_allclose(found.over_limit, ledger["breaches"] / STEPS)
    assert 0 < found.breaches.sum() < 8 * STEPS
    np.testing.assert_array_equal(found.fills, played.fills.sum(axis=1))
    np.testing.assert_allclose(found.hedge_cost, played.hedge_cost.sum(axis=1), atol=1e-9)
    taken = -(found.attribution["hedge_cost"] + found.attribution["taker_fees"])
    assert (found.hedge_cost < taken).all()  # the fees of the liquidation at the end are no cost of a hedge
    assert not found.hedge_cost[(ledger["hedged_lots"] == 0).all(axis=(1, 2))].any()
    np.testing.assert_allclose(sum(found.attribution.values()), found.profit, atol=1e-6)
    np.testing.assert_array_equal(found.spread_capture, found.attribution["spread_capture"])
    np.testing.assert_allclose(sum(found.reward_terms.values()), found.reward)
    assert (found.reward_terms["profit"] != found.reward).all()


def test_without_a_sale_at_the_end_hedges_alone_cost():
    market = override(MARKET, {"episode.liquidate_at_end": False})
    found = evaluate(get_policy("as"), market, 4, 3)
    taken = -(found.attribution["hedge_cost"] + found.attribution["taker_fees"])
    np.testing.assert_allclose(found.hedge_cost, taken, atol=1e-6)
    assert found.hedge_cost.sum() > 0.0
    unhedged = evaluate(get_policy("constant:-0.6"), market, 4, 3)
    assert unhedged.fills.min() > 0 and not unhedged.hedge_cost.any()  # a constant never hedges
    assert unhedged.breaches.sum() > 0


@pytest.mark.parametrize("sold", [True, False])
def test_risk_and_inventory_are_those_of_the_steps(sold):
    home = override(get_policy("fixed").configure(MARKET), {"episode.liquidate_at_end": sold})
    found = evaluate(get_policy("fixed"), home, 4, 3)
    envs = MultiVenueVectorEnv(4, home, autoreset_mode="Disabled")
    envs.reset(seed=3, options={"evaluation": True})
    lots = [symbol.lot_size for symbol in home.symbols]
    var, value, profit = [], [], []
    for _ in range(STEPS):
        _, _, _, _, infos = envs.step(envs.default_action())
        var.append(infos["value_at_risk"].copy())
        profit.append(infos["pnl"].copy())
        value.append(infos["inventory"] * infos["mid"] * lots)
    if sold:  # what was held before the liquidation counts
        assert not value[-1].any()
        value[-1] = envs.batch.states["liquidated"][:, :2] * infos["mid"] * lots
    np.testing.assert_allclose(found.value_at_risk, np.mean(var, axis=0))
    np.testing.assert_allclose(found.over_limit, (np.array(var) > 60.0).mean(axis=0))
    assert 0.0 < found.over_limit.mean() < 1.0
    np.testing.assert_allclose(found.inventory_sd**2, (np.array(value) ** 2).sum(axis=2).mean(axis=0))
    path = np.concatenate([np.zeros((1, 4)), profit])
    np.testing.assert_allclose(found.drawdown, (np.maximum.accumulate(path) - path).max(axis=0))


def test_the_classic_market_is_counted_in_its_units():
    found = evaluate(get_policy("cj"), CLASSIC, 6, 3)
    envs = ClassicVectorEnv(6, CLASSIC, autoreset_mode="Disabled")
    envs.reset(seed=3, options={"evaluation": True})
    reward, square, fills = np.zeros(6), np.zeros(6), np.zeros(6)
    for _ in range(CLASSIC.episode.steps):
        _, rewards, _, _, infos = envs.step(np.zeros((6, 2), np.float32))
        reward += rewards
        square += infos["inventory"] ** 2.0
        fills += infos["bid_filled"] + 1.0 * infos["ask_filled"]
    np.testing.assert_allclose(found.reward, reward)
    np.testing.assert_array_equal(found.profit, infos["pnl"])
    np.testing.assert_allclose(found.inventory_sd, np.sqrt(square / CLASSIC.episode.steps))
    np.testing.assert_array_equal(found.fills, fills)
    assert fills.min() > 0 and not found.breaches.any() and not found.over_limit.any()


def test_the_policy_is_at_home_and_acts_in_its_own_mode():
    wide, near = (evaluate(get_policy(f"constant:{value}"), MARKET, 6, 3) for value in (1.0, -0.6))
    assert wide.fills.sum() < near.fills.sum()
    default, fixed = (evaluate(get_policy(name), MARKET, 6, 3) for name in ("as", "fixed"))
    assert not np.array_equal(default.profit, fixed.profit)


def test_all_steps_are_reported_and_a_stop_is_heeded_between_them():
    done = []
    evaluate(get_policy("as"), MARKET, 7, 3, most_envs=4, on_progress=done.append)
    assert sum(done) == 7 * STEPS
    asked = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > STEPS + 3  # in the second round

    with pytest.raises(Stopped):
        evaluate(get_policy("as"), MARKET, 7, 3, most_envs=4, stop=stop)
    assert len(asked) == STEPS + 4


def test_what_cannot_be_evaluated_is_refused():
    drawn = load_config({"randomize": {"policy.risk_aversion": [0.01, 0.1]}})
    with pytest.raises(ConfigError, match=r"randomize: policy\.risk_aversion: an evaluation needs one market"):
        evaluate(get_policy("as"), drawn, 2, 0)
    with pytest.raises(ValueError, match="episodes 0, most_envs 4: expected at least 1 of each"):
        evaluate(get_policy("as"), MARKET, 0, 0, most_envs=4)
