"""The classic market step by step: what a step books, what it rewards, what it shows, how actions are read."""

import gymnasium as gym
import numpy as np
import pytest

import mm_env  # noqa: F401, registers the id
from mm_env.envs.classic_vector import ClassicVectorEnv
from mm_env.errors import ConfigError, UsageError
from mm_env.market.classic import build_classic

ID = "mm_env/Classic-v0"
N = 400


def make(number: int = N, seed: int = 0, **arguments) -> ClassicVectorEnv:
    envs = gym.make_vec(ID, num_envs=number, **arguments)
    assert isinstance(envs, ClassicVectorEnv)
    envs.reset(seed=seed)
    return envs


def course(envs: ClassicVectorEnv, steps: int, seed: int = 0):
    """Random actions; yields (infos before, observation, reward, truncated, infos) of each step."""
    rng = np.random.default_rng(seed)
    before = envs._info(envs.batch.results)
    for _ in range(steps):
        actions = rng.uniform(-1.0, 1.0, (envs.num_envs, 2)).astype(np.float32)
        observation, reward, _, truncated, infos = envs.step(actions)
        yield before, observation, reward, truncated, infos
        before = infos


FLOWS = {
    "linear": {},
    "exponential": {"fill_rule": "exponential"},
    "hawkes": {"arrivals": "hawkes"},
}


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("move", ["lattice", "brownian"])
def test_every_fill_is_booked_and_every_term_adds_up(flow, move):
    envs = make(
        config={"flow": FLOWS[flow], "mid": {"move": move}, "episode": {"initial_inventory": 3}}, action_mode="absolute"
    )
    total, fills = np.zeros(N), 0
    revaluation, spread = np.zeros(N), np.zeros(N)
    for before, _, reward, _, after in course(envs, 200):
        bought, sold = after["bid_filled"].astype(int), after["ask_filled"].astype(int)
        fills += bought.sum() + sold.sum()
        np.testing.assert_array_equal(after["inventory"], before["inventory"] + bought - sold)
        paid = bought * (before["mid"] - after["bid_depth"]) - sold * (before["mid"] + after["ask_depth"])
        np.testing.assert_allclose(after["cash"], before["cash"] - paid, atol=1e-9)
        np.testing.assert_allclose(after["pnl"], after["cash"] + after["inventory"] * after["mid"] - 300.0, atol=1e-9)
        np.testing.assert_allclose(reward, after["pnl"] - before["pnl"], atol=1e-9)
        spread += bought * after["bid_depth"] + sold * after["ask_depth"]
        revaluation += after["inventory"] * (after["mid"] - before["mid"])
        np.testing.assert_allclose(after["attribution"]["spread_capture"], spread, atol=1e-8)
        np.testing.assert_allclose(after["attribution"]["revaluation"], revaluation, atol=1e-8)
        np.testing.assert_allclose(sum(after["attribution"].values()), after["pnl"], atol=1e-9)
        total += reward
    np.testing.assert_allclose(total, after["pnl"], atol=1e-8)
    assert fills > 200 * N * 0.05
    np.testing.assert_array_equal(envs.batch.states["fills"].sum(), fills)


def test_reward_terms_are_those_of_cartea_jaimungal_and_penalva():
    weights = {"profit": 0.5, "inventory_penalty": 0.3, "terminal_penalty": 0.7}
    envs = make(config={"reward": weights, "episode": {"step": 0.01}}, action_mode="absolute")
    for before, _, reward, truncated, after in course(envs, 100):
        terms, square = after["reward_terms"], after["inventory"].astype(float) ** 2
        np.testing.assert_allclose(terms["profit"], 0.5 * (after["pnl"] - before["pnl"]), atol=1e-9)
        np.testing.assert_allclose(terms["inventory_penalty"], -0.3 * square * 0.01, rtol=1e-12)
        np.testing.assert_allclose(terms["terminal_penalty"], -0.7 * square * truncated, rtol=1e-12)
        np.testing.assert_allclose(reward, sum(terms.values()), rtol=1e-12, atol=1e-12)
    assert truncated.all() and (terms["terminal_penalty"] < 0).mean() > 0.5


def test_the_inventory_limit_stops_the_side_that_would_add_and_no_other():
    envs = make(config={"episode": {"inventory_limit": 2}})
    reached = 0
    for before, _, _, _, after in course(envs, 200):
        assert np.abs(after["inventory"]).max() <= 2
        full = before["inventory"] == 2
        assert not after["bid_filled"][full].any()
        assert not after["ask_filled"][before["inventory"] == -2].any()
        reached += (full & after["ask_filled"]).sum()
    assert reached > 0, "it can be worked off"


def test_the_mid_moves_by_one_deviation_on_the_lattice_and_by_any_in_brownian_motion():
    lattice, normal = make(), make(config={"mid": {"move": "brownian"}})
    steps = {"lattice": [], "brownian": []}
    for name, envs in (("lattice", lattice), ("brownian", normal)):
        for before, _, _, _, after in course(envs, 50):
            steps[name].append(after["mid"] - before["mid"])
    np.testing.assert_allclose(np.abs(steps["lattice"]), 2.0 * np.sqrt(0.005), rtol=1e-9)
    assert len(np.unique(np.round(steps["brownian"], 9))) > 0.99 * 50 * N


def test_observations_hold_what_their_names_say():
    config = {"episode": {"observations": "full", "inventory_scale": 5.0}, "flow": {"arrivals": "hawkes"}}
    envs = make(config=config, action_mode="absolute")
    assert envs.observation_names[:3] == ["time", "inventory", "mid"] == make(2).observation_names
    for k, (before, observation, _, _, after) in enumerate(course(envs, 30)):
        column = dict(zip(envs.observation_names, observation.T.astype(float), strict=True))
        states = envs.batch.states
        np.testing.assert_allclose(column["time"], (k + 1) / 200, rtol=1e-6)
        np.testing.assert_allclose(column["inventory"], after["inventory"] / 5.0, rtol=1e-6)
        np.testing.assert_allclose(column["mid"], (after["mid"] - 100.0) / 2.0, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(np.abs(column["mid_change"]), 1.0, rtol=1e-6)
        assert (np.sign(column["mid_change"]) == np.sign(after["mid"] - before["mid"])).all()
        np.testing.assert_allclose(column["default_bid_depth"], 1.5 * states["default_depth"][:, 0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(column["default_ask_depth"], 1.5 * states["default_depth"][:, 1], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(column["sell_intensity"], (35.0 + states["intensity"][:, 0]) / 140.0, rtol=1e-5)
        np.testing.assert_allclose(column["buy_intensity"], (35.0 + states["intensity"][:, 1]) / 140.0, rtol=1e-5)
    poisson = make(config={"episode": {"observations": "full"}})
    observation = poisson.step(np.zeros((N, 2)))[0]
    assert (observation[:, 6:] == 1.0).all()


def test_observations_saturate_at_their_bound():
    envs = make(config={"episode": {"inventory_scale": 0.1}}, action_mode="absolute")
    for _ in range(40):
        observation, *_ = envs.step(np.tile(np.array([-1.0, 1.0], np.float32), (N, 1)))
    assert (observation[:, 1] == 10.0).all() and envs.observation_space.contains(observation)


@pytest.mark.parametrize("policy", ["as", "as_symmetric", "glft", "cj", "fixed"])
def test_actions_in_both_modes_ask_for_the_depths_that_they_say(policy):
    config = {
        "policy": {"name": policy, "residual_half_spreads": 2.0, "absolute_min_depth": -4.0, "absolute_max_depth": 6.0}
    }
    config |= {"reward": {"inventory_penalty": 0.1}, "episode": {"inventory_limit": 30}}
    residual, absolute = make(config=config), make(config=config, action_mode="absolute")
    rng = np.random.default_rng(1)
    for _ in range(20):
        actions = rng.uniform(-1.0, 1.0, (N, 2)).astype(np.float32)
        default = residual.batch.states["default_depth"].copy()
        infos = residual.step(actions)[4]
        reach = default.mean(axis=1, keepdims=True) * 2.0
        asked = np.stack([infos["bid_depth"], infos["ask_depth"]], axis=1)
        np.testing.assert_allclose(asked, default + actions * reach, rtol=1e-9, atol=1e-12)
        infos = absolute.step(actions)[4]
        asked = np.stack([infos["bid_depth"], infos["ask_depth"]], axis=1)
        np.testing.assert_allclose(asked, 1.0 + 5.0 * actions.astype(float), rtol=1e-9, atol=1e-9)
        infos = absolute.step(absolute.default_action())[4]
    asked = np.stack([infos["bid_depth"], infos["ask_depth"]], axis=1)
    assert not residual.default_action().any()
    before = absolute.batch.states["default_depth"].copy()
    infos = absolute.step(absolute.default_action())[4]
    np.testing.assert_allclose(np.stack([infos["bid_depth"], infos["ask_depth"]], axis=1), before, atol=1e-6)


def test_a_default_policy_in_either_mode_plays_the_same_episode():
    residual, absolute = (
        make(),
        make(action_mode="absolute", config={"policy": {"absolute_min_depth": -6.0, "absolute_max_depth": 8.0}}),
    )
    for _ in range(200):
        one, other = residual.step(residual.default_action()), absolute.step(absolute.default_action())
    np.testing.assert_array_equal(one[4]["inventory"], other[4]["inventory"])
    np.testing.assert_allclose(one[4]["pnl"], other[4]["pnl"], atol=1e-4)  # an action is a float32


def test_render_says_where_the_env_stands():
    envs = gym.make(ID, render_mode="ansi").unwrapped
    envs.reset(seed=3)
    for _ in range(5):
        *_, info = envs.step(envs.default_action())
    text = envs.render()
    assert "step 5 of 200  time 0.025" in text
    assert f"profit {info['pnl']:.4f}  inventory {info['inventory']:+d} of ±200" in text
    assert f"bid depth {info['bid_depth']:.4f}" in text
    silent = gym.make(ID).unwrapped
    silent.reset(seed=0)
    assert silent.render() is None
    with pytest.raises(ValueError, match="render_mode 'rgb_array': expected 'ansi'"):
        ClassicVectorEnv(1, render_mode="rgb_array")


def test_a_table_that_would_take_minutes_is_refused():
    with pytest.raises(ConfigError, match="inventory_limit: value 5000: expected a smaller one for policy 'cj'"):
        make(
            1, config={"policy": {"name": "cj"}, "reward": {"inventory_penalty": 1.0}, "episode": {"inventory_limit": 5000}}
        )


def test_markets_are_kept_and_draw_nothing():
    envs = make(2)
    market = build_classic(envs.config)
    assert market is build_classic(envs.config) and market.params_of(envs.config) is market.params
    other = envs.config.model_copy(update={"reward": envs.config.reward.model_copy(update={"profit": 2.0})})
    with pytest.raises(UsageError, match="expected its own, as the classic market draws no parameters"):
        market.params_of(other)
