"""Ways to state the VaR of a frozen position: those of the simulator are replicated, the others are what they say."""

import math
import re

import numpy as np
import pytest

from mm_env.config.io import load_config, override
from mm_env.envs.play import Watcher, play
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.policies.registry import get_policy
from mm_env.risk.var_samples import PositionSampler, horizon_steps, join_samples, sample_positions
from mm_env.risk.var_variants import AgentView, ewma_covariance, figures_of, parse_variant, parse_variants, tail_figures

WINDOW, PERIODS, HORIZON = 140, 12, 10
CONFIG = override(
    load_config("two_symbols"),
    {
        "episode.steps": WINDOW + (PERIODS + 3) * HORIZON,
        "episode.liquidate_at_end": False,
        "policy.router_top_k": 3,
        "regimes.0.mean_duration_seconds": 40.0,
        "regimes.1.mean_duration_seconds": 40.0,
    },
)
NAMES = ["parametric", "cornish_fisher", "historical", "parametric:120", "moves:60", "fhs:30", "fhs:30+600"]


@pytest.fixture(scope="module")
def played():
    """Three blocks, each step kept."""
    kept = []

    class Keep(Watcher):
        def reset(self, snapshot):
            self.step(snapshot)

        def step(self, snapshot):
            states = snapshot.envs.batch.states
            one = {name: np.array(snapshot.infos[name]) for name in ("mid", "inventory", "regime")}
            one |= {name: states[name].copy() for name in ("value_at_risk", "expected_shortfall", "seen_position")}
            kept.append(one)

    sampler = PositionSampler(CONFIG, parse_variants(NAMES), PERIODS, WINDOW)
    envs = MultiVenueVectorEnv(3, CONFIG, record=True)
    play(envs, get_policy("as"), 3, seed=9, watchers=[sampler, Keep()])
    envs.close()
    return sampler.parts[0], kept


def test_sampled_positions_are_those_of_the_blocks_that_were_finished(played):
    done = []
    samples = sample_positions(
        get_policy("as"), CONFIG, parse_variants(NAMES), 3, 9, periods=PERIODS, window_steps=WINDOW, on_progress=done.append
    )
    assert sum(done) == 3 * CONFIG.episode.steps
    np.testing.assert_array_equal(samples.profit, played[0].profit)
    stopped = sample_positions(
        get_policy("as"), CONFIG, parse_variants(NAMES), 3, 9, periods=PERIODS, window_steps=WINDOW, stop=lambda: True
    )
    assert stopped is None


def test_a_frozen_position_makes_what_the_mids_make_of_it(played):
    samples, kept = played
    times = WINDOW + HORIZON * np.arange(len(samples.profit))
    assert len(times) == PERIODS + 3
    for m, t in enumerate(times):
        held = kept[t]["inventory"] * 100.0
        profit = (held * (kept[t + HORIZON]["mid"] - kept[t]["mid"])).sum(axis=1)
        np.testing.assert_allclose(samples.profit[m], profit, atol=1e-9)
        assert (samples.regime[m] == kept[t]["regime"]).all()
        during = np.stack([kept[t + k]["regime"] for k in range(HORIZON + 1)])
        assert (samples.switched[m] == (during != during[0]).any(axis=0)).all()
    assert samples.switched.any() and not samples.switched.all()
    late = np.stack([(kept[t]["seen_position"].sum(axis=2)[:, :2] != kept[t]["inventory"]).any(axis=1) for t in times])
    assert (samples.unseen == late).all()
    held = np.stack([(kept[t]["inventory"] != 0).any(axis=1) for t in times])
    assert (samples.counted.sum(axis=0) == np.minimum(held.sum(axis=0), PERIODS)).all()
    assert not (samples.counted & ~held).any()


def test_the_simulators_own_figures_are_read_and_replicated(played):
    samples, kept = played
    for m in range(len(samples.profit)):
        now = kept[WINDOW + HORIZON * m]
        for k, name in enumerate(("parametric", "cornish_fisher", "historical")):
            np.testing.assert_array_equal(samples.figures[name].value_at_risk[m], now["value_at_risk"][:, k])
        seen = (now["seen_position"].sum(axis=2)[:, :2] == now["inventory"]).all(axis=1)
        assert seen.any()
        again = samples.figures["parametric:120"].value_at_risk[m]  # the half-life that the market has
        np.testing.assert_allclose(again[seen], now["value_at_risk"][seen, 0], rtol=1e-9)
        shortfall = samples.figures["historical"].expected_shortfall[m]
        np.testing.assert_allclose(shortfall[seen], now["expected_shortfall"][seen], rtol=1e-6)
    normal = samples.figures["parametric"]
    np.testing.assert_allclose(normal.expected_shortfall / normal.value_at_risk, 2.3378027 / 2.3263479, rtol=1e-6)
    np.testing.assert_allclose(normal.es_value_at_risk / normal.value_at_risk, 1.9599640 / 2.3263479, rtol=1e-6)
    assert samples.figures["cornish_fisher"].expected_shortfall is None


def seen_of(mids, times, shares, **changes):
    n, s = mids.shape[1:]
    given = {"conf": 0.99, "es_conf": 0.975, "horizon_steps": HORIZON, "window_steps": 2000, "es_window": 128} | changes
    zero = np.zeros((n, s, s))
    return AgentView(mids, zero, np.asarray(times), shares, np.zeros((len(times), n, 3)), step_seconds=1.0, **given)


def test_of_independent_normal_steps_all_variants_state_the_same():
    rng = np.random.default_rng(1)
    steps = rng.normal(size=(4001, 30, 2)) @ np.linalg.cholesky(np.array([[1.0, 0.5], [0.5, 1.0]])).T
    seen = seen_of(steps.cumsum(axis=0), [4000], np.tile([3.0, -1.0], (1, 30, 1)))
    right = 2.3263479 * math.sqrt(HORIZON * (9.0 + 1.0 - 3.0))
    # errors of the mean of 30 blocks: of an EWMA of 600 s of overlapping moves 5 %, of a simulated quantile 3 %
    for name, tolerance in (("parametric:600", 0.02), ("moves:600", 0.1), ("fhs:600", 0.1)):
        assert figures_of(parse_variant(name), seen).value_at_risk.mean() == pytest.approx(right, rel=tolerance)
    both = figures_of(parse_variant("fhs:30+600"), seen)
    parts = [figures_of(parse_variant(name), seen) for name in ("fhs:30", "fhs:600")]
    assert (both.value_at_risk == np.maximum(parts[0].value_at_risk, parts[1].value_at_risk)).all()
    assert (both.expected_shortfall >= both.es_value_at_risk).all()


def test_moves_and_simulations_see_a_drift_that_scaled_steps_do_not():
    """Steps that follow each other (autocorrelation 0.5) move 10 steps by 1.61 times what the square root of time says."""
    rng = np.random.default_rng(2)
    steps = np.zeros((4001, 20, 1))
    for k in range(1, 4001):
        steps[k] = 0.5 * steps[k - 1] + rng.normal(size=(20, 1))
    seen = seen_of(steps.cumsum(axis=0), [4000], np.ones((1, 20, 1)))
    ratio = math.sqrt((1.0 + 0.5) / (1.0 - 0.5) - 2.0 * 0.5 * (1.0 - 0.5**10) / (10.0 * (1.0 - 0.5) ** 2))
    scaled = figures_of(parse_variant("parametric:600"), seen).value_at_risk.mean()
    for name in ("moves:600", "fhs:600"):
        assert figures_of(parse_variant(name), seen).value_at_risk.mean() / scaled == pytest.approx(ratio, rel=0.1)


def test_a_filtered_simulation_is_past_moves_in_units_of_their_days_volatility_times_todays():
    rng = np.random.default_rng(6)
    wild = np.where(np.arange(401) > 250, 4.0, 1.0)[:, None, None]
    mids = (wild * rng.normal(size=(401, 2, 2))).cumsum(axis=0)
    shares, window, h = np.array([[[2.0, -1.0], [-3.0, 1.0]]]), 240, HORIZON
    found = figures_of(parse_variant("fhs:25"), seen_of(mids, [390], shares, window_steps=window))
    sd = np.sqrt(np.diagonal(ewma_covariance(seen_of(mids, [0], shares), 25.0), axis1=2, axis2=3))
    for block in range(2):
        losses = []
        for u in range(390 - h, 390 - h - window, -4):
            drawn = [(mids[u + h, block, i] - mids[u, block, i]) / sd[u, block, i] for i in range(2)]
            losses.append(-sum(shares[0, block, i] * sd[390, block, i] * drawn[i] for i in range(2)))
        losses.sort(reverse=True)
        assert len(losses) == 60 and found.value_at_risk[0, block] == pytest.approx(losses[0])
        assert found.es_value_at_risk[0, block] == pytest.approx(losses[1])
        assert found.expected_shortfall[0, block] == pytest.approx((losses[0] + 0.5 * losses[1]) / 1.5)


def test_nothing_that_comes_later_is_looked_at():
    rng = np.random.default_rng(3)
    mids = rng.normal(size=(700, 2, 2)).cumsum(axis=0)
    shares = rng.normal(size=(2, 2, 2))
    other = mids.copy()
    other[601:] += 1e3
    for name in ("parametric:60", "moves:60", "fhs:60", "fhs:20+90"):
        a, b = (figures_of(parse_variant(name), seen_of(one, [500, 600], shares)) for one in (mids, other))
        np.testing.assert_array_equal(a.value_at_risk, b.value_at_risk)
        np.testing.assert_array_equal(a.expected_shortfall, b.expected_shortfall)


def test_the_ewma_is_the_weighted_mean_of_products():
    rng = np.random.default_rng(4)
    mids = rng.normal(size=(60, 1, 2)).cumsum(axis=0)
    changes = np.diff(mids[:, 0], axis=0)
    weights = 0.5 ** (np.arange(59)[::-1] / 7.0)
    wanted = np.einsum("k,ki,kj->ij", weights, changes, changes) * (1.0 - 0.5 ** (1 / 7.0))
    np.testing.assert_allclose(ewma_covariance(seen_of(mids, [0], np.ones((1, 1, 2))), 7.0)[-1, 0], wanted)


def test_the_tail_counts_its_last_loss_in_part():
    losses = np.arange(1.0, 101.0)[::-1].reshape(-1, 1)
    assert tail_figures(losses, 0.975)[:, 0] == pytest.approx([98.0, (100.0 + 99.0 + 0.5 * 98.0) / 2.5])
    assert tail_figures(losses, 0.99)[:, 0] == pytest.approx([100.0, 100.0])


@pytest.mark.parametrize(
    "text", ["fhs", "fhs:", "fhs:0", "fhs:a", "moves:1+2", "garch:3", "historical:9", "parametric:inf", ""]
)
def test_variants_that_do_not_exist_are_refused(text):
    with pytest.raises(ValueError, match=re.escape(f"variant {text!r}; expected parametric, cornish_fisher, historical")):
        parse_variant(text)


def test_a_list_of_variants_names_each_once():
    with pytest.raises(ValueError, match="at least one, each once"):
        parse_variants(["fhs:3", "fhs:3"])
    with pytest.raises(ValueError, match="at least one"):
        parse_variants([])
    with pytest.raises(ValueError, match=r"var_horizon_seconds 2\.5; expected in a backtest: a multiple"):
        horizon_steps(override(CONFIG, {"risk.var_horizon_seconds": 2.5}))


def test_rounds_are_joined_block_by_block(played):
    samples, _ = played
    both = join_samples([samples, samples])
    assert both.profit.shape == (PERIODS + 3, 6) and (both.profit[:, :3] == both.profit[:, 3:]).all()
    assert both.figures["fhs:30"].expected_shortfall.shape == (PERIODS + 3, 6)
    assert both.figures["cornish_fisher"].expected_shortfall is None
    assert both.unseen_share == pytest.approx(samples.unseen_share) and both.unseen.shape == both.profit.shape
