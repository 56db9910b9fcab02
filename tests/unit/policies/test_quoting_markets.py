"""Policies in both markets: what each quotes at home is what its actions ask for elsewhere."""

import math

import gymnasium as gym
import numpy as np
import pytest

import mm_env  # noqa: F401, registers the id
from mm_env.config import ClassicConfig
from mm_env.config.io import load_config, override
from mm_env.errors import ConfigError
from mm_env.market.classic import build_classic
from mm_env.policies import (
    POLICY_NAMES,
    AvellanedaStoikov,
    CarteaJaimungalPenalva,
    FixedSpread,
    GueantLehalleFernandezTapia,
    SymmetricAvellanedaStoikov,
    get_policy,
)
from mm_env.policies.quoting import AgentView, QuotingPolicy
from mm_env.sim.closed_forms import cj_depths, glft_finite_depths

CLASSIC, BOOK = "mm_env/Classic-v0", "mm_env/MultiVenue-v0"
OWN = [
    AvellanedaStoikov(0.3, 2.0),
    AvellanedaStoikov(horizon_seconds=0.5),
    SymmetricAvellanedaStoikov(0.5),
    GueantLehalleFernandezTapia(0.3, 1.2, 100.0),
    GueantLehalleFernandezTapia(0.3, finite=True, horizon_seconds=0.2),
    CarteaJaimungalPenalva(0.5, 0.2, 1.4, 120.0),
    CarteaJaimungalPenalva(horizon_seconds=0.3),
    FixedSpread(120.0),
]
QUOTING = [name for name in POLICY_NAMES if name not in ("constant", "random")]
WIDE = {"policy": {"absolute_min_depth": -20.0, "absolute_max_depth": 20.0, "residual_half_spreads": 20.0}}


def classic(config=None, number: int = 300, steps: int = 25, **arguments):
    envs = gym.make_vec(CLASSIC, num_envs=number, config=config, **arguments)
    envs.reset(seed=1)
    for _ in range(steps):
        envs.step(envs.default_action())
    return envs


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_actions_have_the_shape_that_the_env_takes(name):
    env = gym.make(CLASSIC)
    env.reset(seed=0)
    envs, policy = classic(number=4), get_policy(name)
    assert policy.name == name
    one, many = policy.act(env), policy.act(envs)
    assert env.action_space.contains(one) and envs.action_space.contains(many)


@pytest.mark.parametrize("mode", ["residual", "absolute"])
@pytest.mark.parametrize("name", QUOTING)
def test_a_default_policy_acts_as_the_default_action(name, mode):
    policy = get_policy(name)
    config = policy.configure(load_config("cj", ClassicConfig))
    assert config.policy.name == name
    envs = classic(config, action_mode=mode)
    np.testing.assert_array_equal(policy.act(envs), envs.default_action())
    assert envs.default_policy == policy
    assert (mode == "residual") == (not policy.act(envs).any())


@pytest.mark.parametrize("mode", ["residual", "absolute"])
@pytest.mark.parametrize("policy", OWN, ids=lambda policy: policy.name)
def test_a_policy_quotes_away_from_home_what_it_quotes_at_home(policy, mode):
    envs = classic(WIDE | {"episode": {"inventory_limit": 60}}, action_mode=mode)
    states = envs.batch.states
    home = build_classic(policy.configure(envs.config)).depths()
    wanted = home[25, states["inventory"] + 60]
    infos = envs.step(policy.act(envs))[4]
    np.testing.assert_allclose(np.stack([infos["bid_depth"], infos["ask_depth"]], axis=1), wanted, atol=1e-5)
    assert len(np.unique(states["inventory"])) > 2


def test_own_parameters_change_what_is_quoted():
    config = load_config(None, ClassicConfig)
    plain = {name: build_classic(get_policy(name).configure(config)).depths() for name in QUOTING}
    for policy in OWN:
        assert not np.allclose(build_classic(policy.configure(config)).depths(), plain[policy.name])


def test_the_rolling_horizon_of_avellaneda_stoikov_forgets_the_end():
    config = AvellanedaStoikov(horizon_seconds=0.5).configure(load_config(None, ClassicConfig))
    depths = build_classic(config).depths()
    assert (depths == depths[0]).all()
    np.testing.assert_allclose(depths[0], build_classic(load_config(None, ClassicConfig)).depths()[100], rtol=1e-12)


def test_explain_adds_up_in_the_classic_market():
    envs = classic()
    for policy in (AvellanedaStoikov(), CarteaJaimungalPenalva(1.0), FixedSpread()):
        for i in (0, -1):
            (terms,) = policy.explain(envs, i).values()
            assert terms["reservation_price"] == pytest.approx(terms["mid"] + terms["inventory_skew"])
            assert terms["bid"] == pytest.approx(terms["reservation_price"] - terms["half_spread"])
            assert terms["ask"] == pytest.approx(terms["reservation_price"] + terms["half_spread"])
            assert terms["inventory"] == envs.batch.states["inventory"][i]
    found = AvellanedaStoikov().explain(envs, 3)["asset"]
    assert found["inventory_skew"] == pytest.approx(-0.4 * 0.875 * found["inventory"])


def test_parameters_out_of_range_are_refused():
    config = load_config(None, ClassicConfig)
    for policy, said in (
        (AvellanedaStoikov(-1.0), "policy.risk_aversion"),
        (GueantLehalleFernandezTapia(arrival_rate=0.0), "policy.arrival_rate"),
        (CarteaJaimungalPenalva(-0.1), "policy.inventory_penalty"),
    ):
        with pytest.raises(ConfigError, match=said):
            policy.configure(config)
    with pytest.raises(ConfigError, match="inventory_penalty"):
        CarteaJaimungalPenalva(-0.1).configure(load_config())
    with pytest.raises(ValueError, match="horizon_seconds: only with finite=True"):
        GueantLehalleFernandezTapia(horizon_seconds=1.0)


def book(changes=None, number: int = 6, steps: int = 25, **arguments):
    wide = {"policy.residual_half_spreads": 20.0, "policy.absolute_max_ticks": 200.0, "episode.steps": 60}
    config = override(load_config(), wide | (changes or {}))
    envs = gym.make_vec(BOOK, num_envs=number, config=config, **arguments)
    envs.reset(seed=1)
    for _ in range(steps):
        envs.step(envs.default_action())
    return envs


@pytest.mark.parametrize("changes", [{}, {"policy.horizon_mode": "episode", "policy.horizon_seconds": 45.0}])
def test_terms_in_the_book_market_are_the_closed_forms(changes):
    """Inventory in lots, prices in currency a share; around the alpha-shifted mid, wider when volatility has risen."""
    envs = book(changes)
    seen = AgentView.of(envs.batch, slice(None))
    gamma, k, rate = envs.config.policy.risk_aversion, envs.config.policy.fill_decay, envs.config.policy.arrival_rate
    phi, alpha = envs.config.policy.inventory_penalty, envs.config.policy.terminal_penalty
    left, mean_left = (35.0, (15.0 * 45.0 + 45.0**2 / 2) / 60.0) if changes else (60.0, 60.0)
    moved = 0
    for i, s in np.ndindex(6, 2):
        variance, q = float(seen.variance[i, s]), int(seen.inventory[i, s])
        arrival = math.log1p(gamma / k) / gamma
        slope = math.sqrt(variance * gamma / (2 * k * rate) * (1 + gamma / k) ** (1 + k / gamma))
        tables = {name: np.zeros((401, 2)) for name in ("cj", "finite")}
        cj_depths(np.array([phi, alpha]), k, rate, left, *np.zeros((3, 401)), tables["cj"])
        glft_finite_depths(gamma, k, rate, variance, left, *np.zeros((3, 401)), tables["finite"])
        expected = {
            SymmetricAvellanedaStoikov(): [0.5 * gamma * variance * mean_left + arrival] * 2,
            GueantLehalleFernandezTapia(): [arrival + (q + 0.5) * slope, arrival - (q - 0.5) * slope],
            CarteaJaimungalPenalva(): tables["cj"][q + 200],
        }
        if i == 0:
            expected[GueantLehalleFernandezTapia(finite=True)] = tables["finite"][q + 200]
        for policy, (bid, ask) in expected.items():
            terms = policy.explain(envs, i)[envs.symbols[s]]
            centre = terms["mid"] + terms["alpha_shift"]
            half, skew = 0.5 * (bid + ask) * terms["volatility_widening"], 0.5 * (ask - bid)
            assert terms["bid"] == pytest.approx(centre + skew - half, abs=1e-9)
            assert terms["ask"] == pytest.approx(centre + skew + half, abs=1e-9)
            assert terms["inventory_skew"] == pytest.approx(skew, abs=1e-9)
            parts = terms["half_spread_risk"] + terms["half_spread_arrival"]
            assert terms["half_spread"] == pytest.approx(parts * terms["volatility_widening"])
        moved += q != 0
    assert moved > 6


@pytest.mark.parametrize("mode", ["residual", "absolute"])
@pytest.mark.parametrize("name", ["as_symmetric", "glft", "cj"])
def test_the_book_market_quotes_what_a_policy_asks_for(name, mode):
    envs = book({"risk.hedge_portfolio_on_breach": False, "policy.risk_aversion": 0.02}, action_mode=mode)
    policy = get_policy(name)
    assert isinstance(policy, QuotingPolicy)
    terms = policy.terms(AgentView.of(envs.batch, slice(None)))
    tick = np.array([symbol.tick_size for symbol in envs.config.symbols])
    wanted = np.stack([terms["bid"], terms["ask"]], axis=-1) / tick[:, None]
    grid = envs.batch.states["quote_tick"][:, :2, None].astype(float)
    action = policy.act(envs)
    assert (np.abs(action) < 1.0).all() and action.any()
    envs.step(action)
    quoted = envs.batch.states["quote"][:, :2]
    outwards = np.stack([np.floor(wanted[..., 0] / grid[..., 0] + 1e-6), np.ceil(wanted[..., 1] / grid[..., 0] - 1e-6)], -1)
    assert (np.abs(quoted - outwards * grid) < 0.5).mean() > 0.8, "all but where the touch stands in the way"
    assert policy.configure(envs.config) == envs.config, "it has no parameters of its own here"


def test_own_parameters_in_the_book_market():
    config = load_config()
    made = CarteaJaimungalPenalva(1e-5, 1e-4, 60.0, 5.0, 30.0).configure(config).policy
    assert (made.inventory_penalty, made.terminal_penalty, made.fill_decay, made.arrival_rate, made.horizon_seconds) == (
        1e-5,
        1e-4,
        60.0,
        5.0,
        30.0,
    )
    assert GueantLehalleFernandezTapia(0.1, arrival_rate=7.0).configure(config).policy.arrival_rate == 7.0
    assert SymmetricAvellanedaStoikov(0.1).configure(config).policy.risk_aversion == 0.1
    envs = book(steps=10)
    skew = {
        averse: abs(GueantLehalleFernandezTapia(averse).explain(envs, 0)["XYZ"]["inventory_skew"]) for averse in (0.03, 0.3)
    }
    assert skew[0.3] > skew[0.03] > 0.0
    strict = CarteaJaimungalPenalva(1e-3).explain(envs, 0)["XYZ"]["inventory_skew"]
    assert abs(strict) > abs(CarteaJaimungalPenalva().explain(envs, 0)["XYZ"]["inventory_skew"]) > 0.0
