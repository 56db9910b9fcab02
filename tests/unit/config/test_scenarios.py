"""Files of scenarios: what they stand for in a market, and how a mistake in one is told."""

import numpy as np
import pytest

from mm_env.config.io import config_hash, load_config, override, preset_names
from mm_env.config.scenario import ScenarioFile
from mm_env.config.scenarios import expand, levels_of
from mm_env.errors import ConfigError
from mm_env.market.params import make_params
from mm_env.risk.stress import Schedule

MARKET = load_config()


def scenarios(file, market=MARKET):
    return {one.name: one for one in expand(load_config(file, ScenarioFile), market, "file.yaml")}


def test_a_grid_is_every_combination_and_sweeps_are_one_at_a_time():
    wild = {"multiply": {"symbols.*.volatility_bps_per_sqrt_second": 2.0}}
    file = {
        "grid": {"volatility": {"own": {}, "double": wild}, "regime": {}},
        "sweeps": {
            "news": {"own": {}, "none": {"set": {"news.source": "none"}}},
            "fees": {"zero": {"set": {"venues.*.maker_fee_bps": 0.0}}},
        },
        "stresses": {"quiet": {"regime": "calm"}},
    }  # fmt: skip
    found = scenarios(file)
    assert list(found) == [
        "base", "regime=calm", "regime=stress", "volatility=double regime=calm", "volatility=double regime=stress",
        "volatility=double", "news=none", "fees=zero", "quiet",
    ]  # fmt: skip
    assert [one.kind for one in found.values()] == ["base", *["grid"] * 5, "sweep", "sweep", "stress"]
    assert found["base"].config is MARKET
    assert found["base"].levels == {"volatility": "own", "regime": "switching", "news": "own", "fees": "own"}
    both = found["volatility=double regime=stress"]
    assert both.levels == {**found["base"].levels, "volatility": "double", "regime": "stress"}
    assert [symbol.volatility_bps_per_sqrt_second for symbol in both.config.symbols] == [2.0, 3.0]
    assert [regime.name for regime in both.config.regimes] == ["stress"] and both.config.episode.initial_regime is None
    assert config_hash(found["quiet"].config) == config_hash(found["regime=calm"].config)
    assert [venue.maker_fee_bps for venue in found["fees=zero"].config.venues] == [0.0, 0.0, 0.0]
    assert levels_of(load_config(file, ScenarioFile), MARKET)["regime"] == ["calm", "stress", "switching"]


def test_a_market_of_one_regime_is_already_pinned():
    found = scenarios({"grid": {"regime": {}}}, load_config("calm"))
    assert list(found) == ["base"] and found["base"].levels == {"regime": "calm"}


def test_changes_come_in_their_order():
    level = {
        "set": {"policy.risk_aversion": 0.1, "flow.hawkes_alpha": [0.1, 2.0]},
        "multiply": {"policy.risk_aversion": 3.0, "flow.hawkes_alpha": 0.5, "symbols.XYZ.quote_size": 0.33},
        "prefix": {"news.scorer": "flipped:"},
    }
    config = scenarios({"sweeps": {"a": {"b": level}}})["a=b"].config
    assert config.policy.risk_aversion == pytest.approx(0.3) and config.flow.hawkes_alpha == [0.05, 1.0]
    assert config.symbols[0].quote_size == 7 and config.symbols[1].quote_size == 20
    assert config.news.scorer == "flipped:tfidf"


@pytest.mark.parametrize("market", ["two_symbols", "crisis", "five_symbols"])
@pytest.mark.parametrize("target", [0.0, 0.4, 0.9])
def test_a_branching_ratio_keeps_the_mean_rate_of_takers(market, target):
    market = load_config(market)
    n = len(market.symbols)

    def response(config, source):
        norm = (config.flow.hawkes_matrices(n) / config.flow.hawkes_decays()[:, None, None]).sum(axis=0)
        return np.linalg.solve(np.eye(2 * n) - norm, source).sum()

    def mean_rate(config):
        norm = (config.flow.hawkes_matrices(n) / config.flow.hawkes_decays()[:, None, None]).sum(axis=0)
        activity = np.repeat([symbol.activity for symbol in config.symbols], 2)
        return np.linalg.solve(np.eye(2 * n) - norm, config.flow.hawkes_baseline(n) * activity)

    changed = scenarios({"sweeps": {"e": {"x": {"branching_ratio": target}}}}, market)["e=x"].config
    assert changed.flow.branching_ratio(n) == pytest.approx(target, abs=1e-12)
    np.testing.assert_allclose(mean_rate(changed), mean_rate(market), rtol=1e-9)
    activity = np.repeat([symbol.activity for symbol in market.symbols], 2)
    for of, source in (
        (lambda config: config.flow.parents.rate_per_second, activity),
        (lambda config: config.news.excitation_per_second, np.ones(2 * n)),
    ):
        assert of(changed) * response(changed, source) == pytest.approx(of(market) * response(market, source))


def test_windows_are_phases_that_add_up():
    windows = [
        {"from_seconds": 10.0, "to_seconds": 30.0, "multiply": {"policy.risk_aversion": 2.0}, "shock_bps": -40.0},
        {"from_seconds": 20.0, "to_seconds": 25.5, "multiply": {"policy.risk_aversion": 3.0}, "venues_down": ["2"]},
        {"from_seconds": 90.0, "set": {"policy.risk_aversion": 1.0}},
    ]
    market = override(MARKET, {"episode.steps": 100})
    phases = scenarios({"stresses": {"s": {"set": {"policy.risk_aversion": 0.1}, "windows": windows}}}, market)["s"].phases
    assert [phase.first for phase in phases] == [0, 10, 20, 26, 30, 90]
    np.testing.assert_allclose([phase.config.policy.risk_aversion for phase in phases], [0.1, 0.2, 0.6, 0.2, 0.1, 1.0])
    assert [phase.shock_bps for phase in phases] == [0.0, -2.0, -2.0, -2.0, 0.0, 0.0]
    assert [sorted(phase.venues_down) for phase in phases] == [[], [], ["GAMMA"], [], [], []]


@pytest.mark.parametrize("preset", [name for name in preset_names(ScenarioFile) if name != "factorial"])
@pytest.mark.parametrize("market", preset_names())
def test_presets_suit_every_preset_of_a_market(preset, market):
    found = expand(load_config(preset, ScenarioFile), load_config(market), preset)
    assert found[0].name == "base" and len({one.name for one in found}) == len(found) > 1
    hashes = [tuple((config_hash(phase.config), phase.venues_down, phase.shock_bps, phase.first) for phase in one.phases)
              for one in found]  # fmt: skip
    assert len(set(hashes)) == len(found)  # no two are the same market
    for one in found:
        for phase in one.phases:
            make_params(phase.config)
        if one.kind == "stress" and market == "two_symbols":
            Schedule(one)


def test_the_surface_holds_every_axis_and_every_stress():
    found = expand(load_config(None, ScenarioFile), MARKET)
    assert [one.kind for one in found].count("grid") == 11 and [one.kind for one in found].count("stress") == 7
    assert {"flash_crash", "venue_down", "fee_change", "liquidity_withdrawal", "news_storm", "latency_spike",
            "wrong_sentiment"} <= {one.name for one in found}  # fmt: skip
    full = expand(load_config("factorial", ScenarioFile), MARKET)
    assert len(full) == 3**5


def of(**stress):
    """A file of one stress."""
    return {"stresses": {"a": stress}}


def within(whole=None, **window):
    """A file of one stress with one window."""
    return of(set=whole or {}, windows=[window])


MISTAKES = [
    ({"stresss": {}}, "unknown key 'stresss'; nearest: 'stresses'"),
    (of(mutliply={}), "stresses.a: unknown key 'mutliply'; nearest: 'multiply'"),
    ({"sweeps": {"a": {"b": {"set": 1}}}}, "sweeps.a.b.set: value 1: expected a mapping"),
    ({"sweeps": {"a": {}}}, "sweeps.a: value {}: expected at least one level; only the axis 'regime' may be empty"),
    (
        {"grid": {"a": {"b": {}}}, "sweeps": {"a": {"b": {}}}},
        "sweeps.a: value 'an axis': expected a name that no axis of grid has",
    ),
    ({"stresses": {"base": {}}}, "another name"),
    (
        {"grid": {"a": {"own": {"set": {"policy.risk_aversion": 1.0}}}}},
        "file.yaml: grid.a.own: a level of that name is the market's own; expected no changes",
    ),
    (within(from_seconds=5.0, to_seconds=5.0), "windows.0.to_seconds: value 5.0: expected above"),
    (within(shock_bps=5.0), "to_seconds: value null: expected a number, as shock_bps"),
    (of(branching_ratio=1.0), "branching_ratio: value 1.0: expected a number"),
    (
        of(set={"policy.risk_aversoin": 1.0}),
        "file.yaml: stresses: a: policy.risk_aversoin: value 1.0: unknown key 'risk_aversoin' in 'policy'",
    ),
    (of(set={"policy.risk_aversoin": 1.0}), "nearest: 'risk_aversion'"),
    (of(multiply={"venues.*.latency": 2.0}), "venues.*.latency: value 2.0: unknown key 'latency'"),
    (of(multiply={"policy.*.risk_aversion": 2.0}), "`*` for the entries of a list"),
    (of(multiply={"news.scorer": 2.0}), "news.scorer: factor 2: a key that holds numbers; this one holds 'tfidf'"),
    (of(prefix={"news.impact_bps": "x"}), "news.impact_bps: prefix 'x': a key that holds a text"),
    (of(regime="panic"), "regime: value 'panic': expected a regime of the market; expected one of 'calm', 'stress'"),
    (of(venues_down=["ALPH"]), "venues_down: value 'ALPH': expected a venue's name, or its place from 0; nearest: 'ALPHA'"),
    (of(venues_down=["3"]), "venues_down: value '3'"),
    (of(multiply={"flow.hawkes_alpha": 1.6}), "file.yaml: stresses: a: flow.hawkes_alpha: value [0.192"),
    (of(multiply={"flow.hawkes_alpha": 1.6}), "a branching ratio below 1; here it is 1.104"),
    (of(set={"flow.use_hawkes": False}, branching_ratio=0.5), "as nothing excites"),
    (within(from_seconds=1000.0), "windows: 0: from_seconds: value 1000: expected before the episode's end, 1000 s"),
    (within(set={"episode.steps": 3}), "episode.steps: a key that can change in mid-episode"),
    (
        within({"flow.impact_kappa": 0.0}, to_seconds=9.0, shock_bps=5.0),
        "shock_bps: value 5: expected 0 where flow.impact_kappa is 0",
    ),
    (
        within({"news.rate_per_hour": 0.0}, from_seconds=1.0, set={"news.rate_per_hour": 9.0}),
        "news.rate_per_hour: value 9: expected 0, as it is 0 at the episode's start",
    ),
]


@pytest.mark.parametrize(("file", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_place(file, said):
    with pytest.raises(ConfigError) as error:
        scenarios(file)
    assert said in str(error.value)


def test_a_stream_of_headlines_may_begin_with_the_episode():
    quiet = within({"news.rate_per_hour": 0.0}, set={"news.rate_per_hour": 9.0})
    assert scenarios(quiet)["a"].config.news.rate_per_hour == 9.0


def test_markets_without_one_simulation_are_refused():
    with pytest.raises(ConfigError, match="randomize: scenarios need one simulated market"):
        scenarios({}, override(MARKET, {"randomize": {"policy.risk_aversion": [0.1, 0.2]}}))
