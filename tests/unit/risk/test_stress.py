"""Changes in mid-episode: each stress is seen in what it does to the market, and what the state holds is brought in line."""

import numpy as np
import pytest
from scipy import stats

from mm_env.config.io import load_config, override
from mm_env.config.scenario import ScenarioFile
from mm_env.config.scenarios import expand
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import ConfigError
from mm_env.risk import stress
from mm_env.risk.stress import Schedule, Switcher, stretch_arrivals, update_derived
from mm_env.sim.book import update_rates
from mm_env.sim.flow import draw_taker
from mm_env.sim.switch import switch_params

STEPS, ENVS = 120, 48
FIRST, LAST = 40, 80  # steps of the window
BASE = {"episode.steps": STEPS}


def scenario(changes, market=None, **level):
    """The scenario of one stress: `changes` from FIRST to LAST, `level` for the whole episode."""
    windows = [{"from_seconds": float(FIRST), "to_seconds": float(LAST), **changes}] if changes else []
    file = load_config({"stresses": {"one": {"windows": windows, **level}}}, ScenarioFile)
    return expand(file, market or override(load_config(), BASE))[-1]


def play(one, watch, number=ENVS, seed=5, steps=STEPS):
    """Play the default policy, telling `watch(step, envs)` of each step done and of the reset; returns the envs, closed."""
    envs = MultiVenueVectorEnv(number, one.config, record=True, autoreset_mode="Disabled")
    switcher = Switcher(Schedule(one), envs)
    envs.reset(seed=seed)
    watch(0, envs)
    for step in range(steps):
        switcher.before(step)
        envs.step(np.zeros((number, len(envs.action_names)), np.float32))
        switcher.after()
        watch(step + 1, envs)
    envs.close()
    return envs


def played(one, *fields, **how):
    """(steps + 1, N, ...) values of fields of the state after each step."""
    kept = {name: [] for name in fields}

    def watch(step, envs):
        for name in fields:
            kept[name].append(envs.batch.states[name].copy())

    envs = play(one, watch, **how)
    return *(np.stack(kept[name]) for name in fields), envs


def logged(one, **how):
    """Fills and headlines of all envs with the step at which they came."""
    fills, wires = [], []

    def watch(step, envs):
        for log, count, kept in (
            (envs.batch.logs.fills, "fill_count", fills),
            (envs.batch.logs.headlines, "headline_count", wires),
        ):
            if step:
                kept += [(step, row) for i in range(envs.num_envs) for row in log[i, : envs.batch.states[count][i]].copy()]

    play(one, watch, **how)
    return fills, wires


def plain(**how):
    """The same market as it is."""
    return scenario({}, **how)


def books_add_up(envs):
    """Profit is cash and positions, and the sum of its attribution: nothing was lost on the way."""
    s, p, n = envs.batch.states, envs.batch.params[0], len(envs.symbols)
    mids = 0.5 * s["mid2"][:, :n, None] + p["price_basis_ticks"]
    held = (s["position"][:, :n] * mids * p["lot_value"][:n, None]).sum(axis=(1, 2))
    np.testing.assert_allclose(s["pnl"], s["cash"] + held, atol=1e-5)
    np.testing.assert_allclose(s["pnl"], s["attribution"].sum(axis=(1, 2, 3)), atol=1e-5)


def test_a_window_in_which_nothing_changes_changes_nothing():
    same = scenario({"set": {"news.rate_per_hour": 100.0}})
    assert len(same.phases) == 3
    ours, theirs = played(same, "price", "rng", "pnl"), played(plain(), "price", "rng", "pnl")
    for a, b in zip(ours[:3], theirs[:3], strict=True):
        np.testing.assert_array_equal(a, b)


def test_before_a_window_all_is_as_it_is_without():
    crash = scenario({"shock_bps": -300.0, "multiply": {"regimes.*.depth_multiplier": 0.25}})
    ours, theirs = played(crash, "price", "pnl"), played(plain(), "price", "pnl")
    for a, b in zip(ours[:2], theirs[:2], strict=True):
        np.testing.assert_array_equal(a[: FIRST + 1], b[: FIRST + 1])
        assert (a[FIRST + 1] != b[FIRST + 1]).any()


@pytest.mark.parametrize("unit", ["lot", "order"])
def test_makers_rates_are_those_of_the_kernel(unit):
    market = override(load_config(), {**BASE, "flow.makers.cancel_unit": unit})
    other = {"regimes.calm.depth_multiplier": 0.4, "flow.makers.limit_rate_per_second": 3.0,
             "flow.makers.queue_reaction": 0.9, "flow.makers.imbalance_reaction": 0.7}  # fmt: skip
    envs = play(scenario({}, market), lambda step, envs: None, number=8)
    new = Schedule(scenario({"set": other}, market)).params[1]
    old = envs.batch.params[:1]
    states = envs.batch.states.copy()
    switch_params(states, old, old, False, False, False, True)
    for name in ("rate", "unit_cancel_rate", "venue_rate"):
        np.testing.assert_allclose(states[name], envs.batch.states[name], rtol=1e-9, atol=1e-12)
    update_derived(states, old[0], new, touch=False)
    assert not np.allclose(states["venue_rate"], envs.batch.states["venue_rate"])
    theirs = envs.batch.states.copy()
    for i in range(len(theirs)):
        for symbol in range(2):
            for v in range(3):
                update_rates(theirs[i], new.reshape(1)[0], symbol, v)
    for name in ("rate", "unit_cancel_rate", "venue_rate", "queue", "stale"):
        np.testing.assert_allclose(states[name], theirs[name], rtol=1e-9, atol=1e-12)


def test_the_dominating_rate_of_takers_is_that_of_the_kernel():
    kept = []

    def watch(step, envs):
        if step == 30:
            kept.append(envs.batch.states.copy())

    envs = play(plain(), watch, number=16)
    states, old = kept[0], envs.batch.params[0]
    new = Schedule(
        scenario({"multiply": {"regimes.*.taker_rate_multiplier": 3.0, "flow.parents.rate_per_second": 2.0}})
    ).params[1]
    ours, theirs = states.copy(), states.copy()
    time = float(states["time"][0])
    update_derived(ours, old, new, touch=False)
    for i in range(len(theirs)):
        draw_taker(theirs[i], new.reshape(1)[0])
    np.testing.assert_allclose(ours["taker_bound"], theirs["taker_bound"], rtol=1e-12)
    np.testing.assert_allclose(ours["excitation"], theirs["excitation"], rtol=1e-12)
    left = (states["taker_next"] - time) * states["taker_bound"]
    np.testing.assert_allclose((ours["taker_next"] - time) * ours["taker_bound"], left, rtol=1e-9)


def test_the_touch_is_that_of_the_kernel():
    envs = play(plain(), lambda step, envs: None, number=16, steps=60)
    names = ("best_of_others", "best_of_others_valid", "touch", "touch_venue", "mid2", "mid_valid")
    before = {name: envs.batch.states[name].copy() for name in names}
    for name in names[:4]:
        envs.batch.states[name][:, :2] = 0
    params = envs.batch.params[:1]
    switch_params(envs.batch.states, params, params, False, False, True, False)
    for name in names:
        np.testing.assert_array_equal(envs.batch.states[name], before[name])


def test_streams_go_on_at_another_rate_and_stand_still():
    rng = np.random.default_rng(0)
    arrival = 10.0 + rng.exponential(1.0 / 0.2, (20_000, 1))
    old, fast, none = np.array([0.2]), np.array([5.0]), np.array([0.0])
    quick = arrival.copy()
    stretch_arrivals(quick, 10.0, old, fast, np.zeros(0))
    assert stats.kstest(quick[:, 0] - 10.0, "expon", args=(0.0, 0.2)).pvalue > 1e-3
    still = arrival.copy()
    left = stretch_arrivals(still, 10.0, old, none, np.zeros(0))
    assert np.isinf(still).all()
    stretch_arrivals(still, 70.0, none, old, left)
    np.testing.assert_allclose(still, arrival + 60.0)
    due = np.array([[9.5], [11.0]])
    stretch_arrivals(due, 10.0, old, fast, np.zeros(0))
    np.testing.assert_allclose(due, [[9.5], [10.04]])  # what is due is not put off


def test_flash_crash_moves_the_price_by_what_is_stated_and_most_of_it_comes_back():
    crash = scenario({"shock_bps": -300.0})
    ours, theirs = played(crash, "price", "mid2"), played(plain(), "price", "mid2")
    p = Schedule(crash).params[0]
    expected, level, transient = [], 0.0, 0.0
    for step in range(STEPS):
        for k in range(int(p["microsteps"])):
            move = -300e-4 / (LAST - FIRST) if FIRST <= step < LAST and k == 0 else 0.0
            back = transient * p["impact_decay"]
            transient += p["impact_transient_share"] * move - back
            level += move - back
        expected.append(level)
    for values, tolerance in (
        (ours[0] / theirs[0], 1e-3),
        (ours[1] / theirs[1], 2e-3),
    ):  # efficient price, and the mid after it
        paired = np.log(values[:, :, :2]).mean(axis=2)
        error = paired.std(axis=1, ddof=1) / np.sqrt(paired.shape[1])
        for step in (FIRST, FIRST + 20, LAST, STEPS):
            wanted = expected[step - 1]
            assert abs(paired[step].mean() - wanted) < 4.0 * error[step] + tolerance
    assert expected[LAST - 1] < -0.018 and expected[-1] > 0.7 * expected[LAST - 1]
    books_add_up(ours[2])


def test_a_venue_that_is_down_has_no_books_no_quotes_and_no_fills_and_comes_back():
    down = scenario({"venues_down": ["0"]})
    fields = (
        "resting",
        "own_quantity",
        "fills",
        "hedged_lots",
        "seen_quantity",
        "touch_venue",
        "maker_volume",
        "hedge_unfilled",
    )
    resting, own, fills, hedged, seen, touch, given, _, envs = played(down, *fields)
    inside, after = slice(FIRST + 1, LAST + 1), slice(LAST + 20, STEPS)
    assert (resting[FIRST, :, :, 0] > 0).mean() > 0.9 and fills[FIRST, :, :, 0].sum() > 0
    for values in (resting, own, seen):
        assert not values[inside, :, :, 0].any() and values[inside, :, :, 1].any()
    assert not (touch[inside] == 0).any() and (touch[after] == 0).any()
    for values in (fills, hedged):
        assert (values[FIRST : LAST + 1, :, :, 0] == values[FIRST, :, :, 0]).all()
    assert fills[LAST, :, :, 1:].sum() > fills[FIRST, :, :, 1:].sum()
    assert given[LAST].sum() > given[FIRST].sum()  # takers trade elsewhere
    assert (resting[after, :, :, 0] > 0).mean() > 0.9 and own[after, :, :, 0].any()
    assert fills[-1, :, :, 0].sum() > fills[LAST, :, :, 0].sum()
    books_add_up(envs)


def test_a_hedge_to_a_venue_that_is_down_is_reported():
    """All venues are down, and the limit is next to nothing: every hedge that is sent on old data is lost."""
    market = override(load_config(), {**BASE, "risk.portfolio_var_limit": 1.0})
    hedged, unfilled, step_of, box, envs = played(
        scenario({"venues_down": ["ALPHA", "BETA", "GAMMA"]}, market), "hedged_lots", "hedge_unfilled", "step", "box_hedge"
    )
    sent = np.abs(box[FIRST + 1, np.arange(ENVS), FIRST % 5]).sum(axis=2)  # by the decision that has just been overtaken
    grown = unfilled[FIRST + 1] - unfilled[FIRST]
    assert sent.sum() > 0 and (grown >= sent).all() and step_of[FIRST + 1, 0] == FIRST + 1
    assert (hedged[LAST] == hedged[FIRST]).all()
    books_add_up(envs)


def test_a_venue_may_be_down_for_a_whole_episode():
    down = scenario({}, venues_down=["BETA"])
    np.testing.assert_allclose(
        Schedule(down).params[0]["liquidity_share"][:3], [5 / 7, 0.0, 2 / 7]
    )  # takers choose among the others
    resting, fills, events, _ = played(down, "resting", "fills", "events")
    assert not resting[:, :, :, 1].any() and not fills[:, :, :, 1].any()
    assert fills[-1].sum() > 0 and events[-1].min() > 0


def test_fees_change_from_their_step_on():
    fills, _ = logged(scenario({"set": {"venues.*.maker_fee_bps": 0.5, "venues.GAMMA.taker_fee_bps": 2.0}}))
    market = load_config()
    own = {"maker": [v.maker_fee_bps for v in market.venues], "taker": [v.taker_fee_bps for v in market.venues]}
    changed = {"maker": [0.5, 0.5, 0.5], "taker": [*own["taker"][:2], 2.0]}
    ticks = [symbol.tick_size * symbol.lot_size for symbol in market.symbols]
    seen = set()
    for step, row in fills:
        role, inside = "maker" if row["role"] == 0 else "taker", FIRST < step <= LAST
        rate = (changed if inside else own)[role][row["venue"]]
        value = row["price"] * row["quantity"] * ticks[row["symbol"]]
        assert row["fee"] == pytest.approx(rate * 1e-4 * value, rel=1e-12)
        seen.add((role, inside))
    assert {("maker", True), ("maker", False), ("taker", True)} <= seen


def test_books_thin_out_and_fill_up_again():
    thin = scenario({"multiply": {"regimes.*.depth_multiplier": 0.25}})
    ours, theirs = played(thin, "resting")[0], played(plain(), "resting")[0]
    ratio = ours.mean(axis=(1, 2, 3, 4)) / theirs.mean(axis=(1, 2, 3, 4))
    assert ratio[FIRST] == 1.0 and 0.15 < ratio[LAST] < 0.35 and ratio[-1] > 0.8


def test_takers_come_as_often_as_the_new_baseline_says():
    """Without parents and news the mean rate is (I - N)^-1 mu; the tilt towards the price moves none of it on average."""
    flow = {"news.source": "none", "flow.parents.rate_per_second": 0.0, "regimes.stress.taker_rate_multiplier": 1.0}
    market = override(load_config(), {**BASE, **flow})
    more = scenario({"multiply": {"regimes.*.taker_rate_multiplier": 3.0}}, market)
    takers = played(more, "takers", number=192)[0][:, :, :4].sum(axis=2)
    norm = (market.flow.hawkes_matrices(2) / market.flow.hawkes_decays()[:, None, None]).sum(axis=0)
    rate = np.linalg.solve(np.eye(4) - norm, market.flow.hawkes_baseline(2)).sum()
    for first, last, wanted in ((0, FIRST, rate), (FIRST + 15, LAST, 3.0 * rate), (LAST + 15, STEPS, rate)):
        counts = (takers[last] - takers[first]) / (last - first)
        assert abs(counts.mean() - wanted) < 4.0 * counts.std(ddof=1) / np.sqrt(len(counts))


def test_a_level_of_excitation_clusters_takers_and_does_not_add_any():
    """Of the whole market, with parent orders and news."""
    market = override(load_config(), {**BASE, "episode.steps": 200, "episode.burn_in_seconds": 60.0})
    found = {}
    for target in (0.3, 0.85):
        level = scenario({}, market, branching_ratio=target)
        counts = np.diff(played(level, "takers", number=96, steps=200)[0][:, :, :4].sum(axis=2), axis=0)
        found[target] = counts.mean(axis=0), counts.var(axis=0).mean()
    (few, calm), (many, clustered) = found[0.3], found[0.85]
    error = np.hypot(few.std(), many.std()) / np.sqrt(len(few))
    assert abs(few.mean() - many.mean()) < 4.0 * error and error < 0.05 * few.mean()
    assert clustered > 2.0 * calm


@pytest.mark.parametrize(("factor", "start"), [(20.0, FIRST), (0.0, FIRST)])
def test_headlines_come_at_the_new_rate_and_at_the_old_one_after(factor, start):
    market = override(load_config(), {**BASE, "news.rate_per_hour": 400.0, "news.macro_rate_per_hour": 0.0})
    _, wires = logged(scenario({"multiply": {"news.rate_per_hour": factor}}, market))
    steps = np.array([step for step, _ in wires])
    rate = 2 * 400.0 / 3600.0 * ENVS  # a second, all envs
    for first, last, by in ((0, FIRST, 1.0), (start, LAST, factor), (LAST, STEPS, 1.0)):
        count, wanted = int(((steps > first) & (steps <= last)).sum()), by * rate * (last - first)
        assert abs(count - wanted) <= 4.0 * np.sqrt(wanted)


def test_orders_take_as_long_as_the_new_latency_says_and_none_is_overtaken():
    slow = scenario({"set": {"venues.*.latency_ms": 2500.0, "venues.*.data_latency_ms": 500.0}})
    arrival, intent, own, envs = played(slow, "box_arrival", "intent_time", "own_quantity")
    sent = arrival[FIRST + 10, :, (FIRST + 9) % 5, :3]
    assert np.isfinite(sent).any()
    np.testing.assert_allclose(sent[np.isfinite(sent)], FIRST + 9 + 2.5)
    quick = arrival[FIRST - 1, :, (FIRST - 2) % 5, :3]
    latencies = [0.002, 0.005, 0.01]
    for v, latency in enumerate(latencies):
        found = quick[:, v][np.isfinite(quick[:, v])]
        np.testing.assert_allclose(found, FIRST - 2 + latency)
    assert (arrival[LAST + 1, :, :, :3] <= LAST + 0.01 + 1e-9).all()  # what was under way at the end has arrived
    assert (intent[LAST + 1, :, :, :3] <= LAST + 0.01 + 1e-9).all() and own[-2].any()
    books_add_up(envs)


def test_a_flipped_scorer_says_the_opposite_from_its_step_on():
    market = override(load_config(), {**BASE, "news.rate_per_hour": 2000.0})
    _, wires = logged(scenario({"prefix": {"news.scorer": "flipped:"}}, market), number=16)
    for first, last, sign in ((0, FIRST, 1.0), (FIRST, LAST, -1.0), (LAST, STEPS, 1.0)):
        rows = [row for step, row in wires if first < step <= last]
        correlation = np.corrcoef([row["polarity"] for row in rows], [row["score"] for row in rows])[0, 1]
        assert len(rows) > 200 and sign * correlation > 0.35


def test_a_wrong_sentiment_model_costs_money():
    market = override(load_config(), {**BASE, "news.rate_per_hour": 1000.0})
    wrong, right = (played(one, "pnl")[0][-1] for one in (scenario({}, market, prefix={"news.scorer": "flipped:"}),
                                                          scenario({}, market)))  # fmt: skip
    less = wrong - right
    assert less.mean() < -3.0 * less.std(ddof=1) / np.sqrt(len(less))


def test_what_cannot_change_in_mid_episode_is_refused():
    with pytest.raises(ConfigError, match="from step 40 on exponentials would be another"):
        Schedule(scenario({"set": {"flow.hawkes_alpha": [0.1], "flow.hawkes_beta": [0.5]}}))
    with pytest.raises(ConfigError, match=r"symbols\.XYZ\.tick_size: a key that can change in mid-episode"):
        scenario({"set": {"symbols.XYZ.tick_size": 0.02}})


def test_a_pinned_regime_is_the_only_one():
    market = override(load_config("crisis"), BASE)
    file = load_config({"grid": {"regime": {}}}, ScenarioFile)
    scenarios = {one.name: one for one in expand(file, market)}
    assert list(scenarios) == ["base", "regime=stress", "regime=panic", "regime=relief"]
    panic = scenarios["regime=panic"]
    regime, price, envs = played(panic, "regime", "price")
    assert not regime.any() and envs.batch.params[0]["regimes"] == 1
    assert (
        envs.batch.params[0]["regime_volatility_multiplier"][0] == 5.0
        and envs.batch.params[0]["regime_depth_multiplier"][0] == 0.25
    )
    own = played(scenarios["base"], "regime")[0]
    assert len(np.unique(own)) == 3
    relief = played(scenarios["regime=relief"], "price")[0]
    spread = [np.diff(np.log(path[:, :, :2]), axis=0).std() for path in (price, relief)]
    assert spread[0] > 2.0 * spread[1]


def test_the_state_is_brought_in_line_where_what_it_holds_depends_on_what_changes(monkeypatch):
    seen = []
    names = ("excitation", "takers", "touch", "makers")

    def watch(states, old, new, *flags):
        seen.append({name for name, flag in zip(names, flags, strict=True) if flag})

    monkeypatch.setattr(stress, "switch_params", watch)
    for changes, wanted in (
        ({"set": {"venues.*.maker_fee_bps": 0.5, "policy.risk_aversion": 0.1}}, set()),
        ({"multiply": {"flow.hawkes_mu": 2.0}}, {"takers", "excitation"}),
        ({"branching_ratio": 0.3}, {"takers", "excitation"}),
        ({"multiply": {"flow.hawkes_beta": 2.0}}, {"excitation"}),
        ({"multiply": {"flow.makers.limit_rate_per_second": 2.0}}, {"makers"}),
        ({"venues_down": ["ALPHA"]}, {"makers", "touch"}),
    ):
        seen.clear()
        play(scenario(changes), lambda step, envs: None, number=1, steps=FIRST + 1)
        assert seen == [wanted], changes


def test_takers_that_were_none_cannot_begin():
    market = override(load_config(), {**BASE, "flow.hawkes_mu": 0.0, "flow.parents.rate_per_second": 0.0,
                                      "news.source": "none"})  # fmt: skip
    with pytest.raises(ValueError, match="cannot begin in mid-episode"):
        play(scenario({"set": {"flow.hawkes_mu": 0.2}}, market), lambda step, envs: None, number=1)
