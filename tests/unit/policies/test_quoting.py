import dataclasses

import gymnasium as gym
import numpy as np
import pytest

import mm_env  # noqa: F401, registers the id
from mm_env.config.io import load_config, override
from mm_env.errors import ConfigError, UsageError
from mm_env.policies import POLICY_NAMES, AvellanedaStoikov, FixedSpread, RandomPolicy, get_policy
from mm_env.policies.quoting import AgentView

ID = "mm_env/MultiVenue-v0"
# slow venues, a limit that VaR passes and headlines: hedges under way, skews, alphas and widened spreads all occur
BUSY = override(
    load_config(),
    {
        "risk.portfolio_var_limit": 60.0,
        "venues.ALPHA.latency_ms": 2500.0,
        "venues.BETA.data_latency_ms": 900.0,
        "news.rate_per_hour": 1800.0,
        "episode.steps": 40,
        "policy.size_skew": 2.0,
    },
)


def played(config, steps: int = 25, **arguments):
    envs = gym.make_vec(ID, num_envs=8, config=config, **arguments)
    envs.reset(seed=1)
    for _ in range(steps):
        envs.step(envs.default_action())
    return envs


def inventory_with_hedges(batch, i: int, k: int) -> int:
    """Lots of symbol k that env i has been told of, and those of hedges whose outcome it cannot have seen yet."""
    state, params = batch.states[i], batch.params[batch.params_index[i]]
    lots = 0
    for v in range(batch.venues):
        lots += int(state["seen_position"][k, v])
        for m in range(state["box_hedge"].shape[0]):
            if state["box_arrival"][m, v] > state["time"] - params["data_latency_seconds"][v]:
                lots += int(state["box_hedge"][m, k, v])
    return lots


EPISODE = {"policy.horizon_mode": "episode"}


@pytest.mark.parametrize(
    ("changes", "horizon"),
    [
        ({"policy.horizon_seconds": 60.0}, 60.0),
        (EPISODE | {"policy.horizon_seconds": 20.0}, 15.0),  # what is left of the episode
        (EPISODE | {"policy.horizon_seconds": 10.0}, 10.0),
        ({"policy.horizon_seconds": 60.0, "policy.risk_aversion": 1e-9}, 60.0),
    ],
)
def test_the_terms_of_avellaneda_stoikov_add_up_to_the_kernels_quotes(changes, horizon):
    envs = played(override(BUSY, changes))
    states, symbols = envs.batch.states, envs.config.symbols
    under_way = states["box_hedge"].any()
    for i in range(8):
        for k, (name, terms) in enumerate(AvellanedaStoikov().explain(envs, i).items()):
            assert name == symbols[k].name
            tick, state = symbols[k].tick_size, states[i]
            centre = terms["mid"] + terms["alpha_shift"] + terms["inventory_skew"]
            half = (terms["half_spread_risk"] + terms["half_spread_arrival"]) * terms["volatility_widening"]
            assert terms["reservation_price"] == pytest.approx(centre, rel=1e-12)
            assert terms["half_spread"] == pytest.approx(half, rel=1e-12)
            assert terms["bid"] == pytest.approx(state["default_price"][k, 0] * tick, rel=1e-12)
            assert terms["ask"] == pytest.approx(state["default_price"][k, 1] * tick, rel=1e-12)
            assert terms["bid"] == pytest.approx(centre - half, rel=1e-12)
            assert terms["ask"] == pytest.approx(centre + half, rel=1e-12)
            assert terms["half_spread"] == pytest.approx(state["default_half_spread"][k] * tick, rel=1e-12)
            assert terms["quoting_tick"] == pytest.approx(state["quote_tick"][k] * tick)
            assert [terms["bid_size"], terms["ask_size"]] == state["default_size"][k].tolist()
            assert terms["hedge"] == state["default_hedge"][k]
            lots = inventory_with_hedges(envs.batch, i, k)
            gamma, variance = envs.config.policy.risk_aversion, state["covariance"][k, k] * tick**2
            assert terms["inventory_skew"] == pytest.approx(-lots * gamma * variance * horizon, rel=1e-6, abs=1e-9)
    assert under_way, "the case was to hold hedges whose outcome is not yet seen"
    assert states["default_hedge"].any() and (states["alpha"] != 0.0).any()


def test_the_terms_of_the_fixed_spread_add_up_to_the_kernels_quotes():
    envs = played(FixedSpread(8.0).configure(BUSY))
    states = envs.batch.states
    for i in range(8):
        for k, terms in enumerate(FixedSpread().explain(envs, i).values()):
            tick = envs.config.symbols[k].tick_size
            assert terms["half_spread"] == pytest.approx(4e-4 * terms["mid"], rel=1e-12)
            assert terms["bid"] == pytest.approx(states["default_price"][i, k, 0] * tick, rel=1e-12)
            assert terms["ask"] == pytest.approx(states["default_price"][i, k, 1] * tick, rel=1e-12)
            assert terms["bid"] == terms["mid"] - terms["half_spread"]
            assert FixedSpread(6.0).explain(envs, i)[envs.symbols[k]]["half_spread"] == pytest.approx(3e-4 * terms["mid"])


@pytest.mark.parametrize("mode", ["residual", "absolute"])
@pytest.mark.parametrize("policy", [AvellanedaStoikov(), FixedSpread()])
def test_a_default_policy_acts_as_the_default_action(policy, mode):
    envs = played(policy.configure(BUSY), action_mode=mode)
    np.testing.assert_array_equal(policy.act(envs), envs.default_action())
    assert (mode == "residual") == (not policy.act(envs).any())


@pytest.mark.parametrize("mode", ["residual", "absolute"])
@pytest.mark.parametrize(
    "policy", [AvellanedaStoikov(0.001, 150.0, 30.0), AvellanedaStoikov(risk_aversion=0.002), FixedSpread(4.0)]
)
def test_a_policy_quotes_away_from_home_what_it_quotes_at_home(policy, mode):
    """The kernel's quotes where the policy is the default are those that its actions ask for elsewhere."""
    wide = {
        "policy.residual_half_spreads": 20.0,
        "policy.alpha_weight": 1.0,  # more of it would lean many quotes against the touch
        "policy.absolute_max_ticks": 200.0,
        "risk.hedge_portfolio_on_breach": False,
    }
    away = played(override(BUSY, wide), steps=10, action_mode=mode)
    terms = policy.terms(AgentView.of(away.batch, slice(None)))
    tick = np.array([symbol.tick_size for symbol in away.config.symbols])
    wanted = np.stack([terms["bid"], terms["ask"]], axis=-1) / tick[:, None]
    grid = away.batch.states["quote_tick"][:, :, None].astype(float)
    action = policy.act(away)
    away.step(action)
    quoted = away.batch.states["quote"].astype(float)
    outwards = np.stack([np.floor(wanted[..., 0] / grid[..., 0]), np.ceil(wanted[..., 1] / grid[..., 0])], -1) * grid
    reached = (np.abs(action) < 1.0).reshape(8, 2, 3)[..., :2]
    assert reached.mean() > 0.5 and action.any()
    assert (np.abs(quoted - outwards)[reached] <= 1e-9).mean() > 0.8, "all but where the touch stands in the way"
    assert (quoted[..., 0] <= outwards[..., 0] + 1e-9)[reached[..., 0]].all()
    assert (quoted[..., 1] >= outwards[..., 1] - 1e-9)[reached[..., 1]].all()


def test_configure_writes_the_policy_into_the_market():
    config = AvellanedaStoikov(0.02, 150.0, 30.0).configure(FixedSpread(4.0).configure(load_config()))
    policy = config.policy
    assert policy.use_avellaneda_stoikov
    assert (policy.risk_aversion, policy.fill_decay, policy.horizon_seconds, policy.base_spread_bps) == (
        0.02,
        150.0,
        30.0,
        4.0,
    )
    assert not FixedSpread().configure(config).policy.use_avellaneda_stoikov
    assert AvellanedaStoikov().configure(load_config()) == load_config()
    assert RandomPolicy().configure(config) is config
    with pytest.raises(ConfigError, match="risk_aversion"):
        AvellanedaStoikov(-1.0).configure(config)


def test_other_parameters_change_the_quotes_in_the_right_direction():
    envs = played(BUSY)
    plain = AvellanedaStoikov().explain(envs, 0)["XYZ"]
    averse = AvellanedaStoikov(risk_aversion=0.5).explain(envs, 0)["XYZ"]
    assert abs(averse["inventory_skew"]) > abs(plain["inventory_skew"]) > 0.0
    assert averse["half_spread_risk"] > plain["half_spread_risk"]
    assert AvellanedaStoikov(fill_decay=10.0).explain(envs, 0)["XYZ"]["half_spread"] > plain["half_spread"]
    assert AvellanedaStoikov(horizon_seconds=1.0).explain(envs, 0)["XYZ"]["half_spread_risk"] < plain["half_spread_risk"]


def test_actions_have_the_shape_that_the_env_takes():
    env = gym.make(ID, action_mode="absolute")
    env.reset(seed=0)
    envs = gym.make_vec(ID, num_envs=4)
    envs.reset(seed=0)
    for name in POLICY_NAMES:
        policy = get_policy(name)
        assert policy.name == name
        one, many = policy.act(env), policy.act(envs)
        assert (one.shape, many.shape) == ((6,), (4, 6))
        assert env.action_space.contains(one) and envs.action_space.contains(many)


def test_random_actions_follow_their_seed():
    envs = gym.make_vec(ID, num_envs=50)
    first = get_policy("random", seed=3).act(envs)
    np.testing.assert_array_equal(first, get_policy("random", seed=3).act(envs))
    assert not np.array_equal(first, get_policy("random", seed=4).act(envs))
    envs.reset(seed=0)
    policy = RandomPolicy(3)
    start = policy.act(envs)
    envs.step(start)
    assert not np.array_equal(start, policy.act(envs))
    envs.reset(seed=0)
    np.testing.assert_array_equal(start, policy.act(envs))  # the same episode again
    envs.reset()
    assert not np.array_equal(start, policy.act(envs))  # the next one
    np.testing.assert_array_equal(first[:7], get_policy("random", seed=3).act(gym.make_vec(ID, num_envs=7)))
    assert abs(first.mean()) < 0.15 and abs(first.std() - 3**-0.5) < 0.1


def test_an_unknown_policy_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"policy 'fixd': expected one of as, as_symmetric, glft, .*; nearest: 'fixed'"):
        get_policy("fixd")


def test_explain_wants_an_env_that_is_there():
    envs = played(BUSY, steps=1)
    assert AvellanedaStoikov().explain(envs, -1) == AvellanedaStoikov().explain(envs, 7)
    with pytest.raises(IndexError):
        AvellanedaStoikov().explain(envs, 8)


def test_another_environment_is_refused():
    with pytest.raises(UsageError, match="CartPoleEnv: expected an environment of mm_env"):
        get_policy("as").act(gym.make("CartPole-v1"))


def test_policies_are_values():
    assert AvellanedaStoikov(0.1) == AvellanedaStoikov(0.1) != AvellanedaStoikov(0.2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        AvellanedaStoikov().risk_aversion = 0.2
