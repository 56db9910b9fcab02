"""Domain randomisation: ranges in a market file, and `sample_randomized`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_env.config import MarketConfig, sample_randomized
from mm_env.config.io import load_config, override
from mm_env.errors import ConfigError


def refused(content):
    with pytest.raises(ConfigError) as caught:
        load_config(content)
    return str(caught.value)


RANGES = {
    "policy.risk_aversion": [0.001, 0.01],
    "policy.router_top_k": [1, 3],
    "symbols.ABC.volatility_bps_per_sqrt_second": [0.5, 2.0],
    "symbols.0.activity": [0.5, 1.5],
    "flow.makers.limit_rate_per_second": [5.0, 9.0],
    "flow.hawkes_alpha.1": [1.0, 6.0],
    "regimes.stress.volatility_multiplier": [2.0, 4.0],
    "venues.ALPHA.latency_ms": [1.0, 30.0],
}


class TestRandomize:
    def test_draws_every_key_uniformly_in_its_range(self):
        config = load_config({"randomize": RANGES})
        rng = np.random.default_rng(7)
        draws = [sample_randomized(config, rng) for _ in range(400)]
        found = {
            "policy.risk_aversion": [d.policy.risk_aversion for d in draws],
            "policy.router_top_k": [d.policy.router_top_k for d in draws],
            "symbols.ABC.volatility_bps_per_sqrt_second": [d.symbols[1].volatility_bps_per_sqrt_second for d in draws],
            "symbols.0.activity": [d.symbols[0].activity for d in draws],
            "flow.makers.limit_rate_per_second": [d.flow.makers.limit_rate_per_second for d in draws],
            "flow.hawkes_alpha.1": [d.flow.hawkes_alpha[1] for d in draws],
            "regimes.stress.volatility_multiplier": [d.regimes[1].volatility_multiplier for d in draws],
            "venues.ALPHA.latency_ms": [d.venues[0].latency_ms for d in draws],
        }
        for key, (low, high) in RANGES.items():
            values = np.array(found[key], dtype=float)
            assert low <= values.min() <= values.max() <= high
            # 400 uniform draws all miss one twentieth of the range with probability 1e-9.
            assert values.min() < low + 0.05 * (high - low) < high - 0.05 * (high - low) < values.max(), key
            whole = key == "policy.router_top_k"
            variance = ((high - low + 1) ** 2 - 1) / 12 if whole else (high - low) ** 2 / 12
            # Mean of 400 uniform draws: normal; 4.5 standard errors over eight keys raise 6e-5 false alarms.
            assert abs(values.mean() - (low + high) / 2) < 4.5 * np.sqrt(variance / len(values)), key
            assert len(set(values)) == (3 if whole else len(values))
        assert all(draw.randomize == {} for draw in draws)

    def test_leaves_every_other_key_alone(self):
        config = load_config({"randomize": {"policy.risk_aversion": [0.001, 0.01]}})
        draw = sample_randomized(config, np.random.default_rng(1))
        assert override(draw, {"policy.risk_aversion": config.policy.risk_aversion}) == override(config, {"randomize": {}})

    def test_depends_on_the_generator_alone(self):
        config = load_config({"randomize": RANGES})
        one, same, other = (sample_randomized(config, np.random.default_rng(seed)) for seed in (3, 3, 4))
        assert one == same != other

    def test_without_ranges_draws_nothing(self):
        rng = np.random.default_rng(5)
        assert sample_randomized(MarketConfig(), rng) == MarketConfig()
        assert rng.random() == np.random.default_rng(5).random()

    def test_draws_again_what_is_invalid_together(self):
        # Valid with both at either end, but half of the draws have min_tick above max_tick.
        config = load_config({"randomize": {"policy.min_tick": [0.01, 0.09], "policy.max_tick": [0.011, 0.0901]}})
        rng = np.random.default_rng(11)
        draws = [sample_randomized(config, rng).policy for _ in range(200)]
        assert all(draw.min_tick <= draw.max_tick for draw in draws)
        assert min(draw.max_tick - draw.min_tick for draw in draws) < 0.01

    def test_gives_up_when_no_draw_is_valid(self):
        venues = [{"name": f"V{index}", "tick_multiple": 16} for index in range(8)]
        ranges = {f"venues.{index}.price_basis_ticks": [-160, 160] for index in range(8)}
        config = load_config({"venues": venues, "randomize": ranges})
        with pytest.raises(ValueError, match=r"100 draws in a row .* a multiple of tick_multiple, 16"):
            sample_randomized(config, np.random.default_rng(2))

    @pytest.mark.parametrize(
        "key, bounds, expected",
        [
            ("policy.risk_aversoin", [1, 2], "unknown key 'risk_aversoin' in 'policy'; nearest: 'risk_aversion'"),
            ("polcy.risk_aversion", [1, 2], "unknown key 'polcy'; nearest: 'policy'"),
            ("symbols.XYA.activity", [1, 2], "no entry 'XYA' in 'symbols'; nearest: 'XYZ'"),
            ("symbols.2.activity", [1, 2], "no entry '2' in 'symbols'; expected one of 'XYZ', 'ABC'"),
            ("policy.risk_aversion.x", [1, 2], "'policy.risk_aversion' is a single value"),
            ("policy.router", [1, 2], "a key that holds one number; this one holds 'learning'"),
            ("policy.adaptive_tick", [0, 1], "a key that holds one number; this one holds true"),
            ("news.tape_seconds_per_second", [1, 2], "a key that holds one number; this one holds null"),
            ("flow.hawkes_alpha", [1, 2], "a key that holds one number; this one holds [0.12, 6.0]"),
            ("policy", [1, 2], "a key that holds one number; this one holds {"),
            ("randomize", [1, 2], "a key that holds one number"),
            ("policy.fill_decay", [2, 1], "[low, high] with low not above high"),
            ("policy.router_top_k", [1, 2.5], "whole numbers, as the key holds one"),
            ("policy.fill_decay", [1], "a list of 2 numbers"),
            ("policy.fill_decay", 3, "a list of 2 numbers"),
            (
                "policy.risk_aversion",
                [-1, 1],
                "value [-1.0, 1.0]: expected valid ends; with all at their low end policy.risk_aversion: ",
            ),
            (
                "policy.min_tick",
                [0.01, 0.05],
                "with all at their high end policy.min_tick: at most max_tick, 0.04",
            ),
            (
                "flow.hawkes_cross_side",
                [0, 1],
                "flow.hawkes_alpha: a branching ratio below 1; here it is 1.23 ",
            ),
        ],
    )
    def test_refuses_ranges_that_cannot_be_drawn(self, key, bounds, expected):
        message = refused({"randomize": {key: bounds}})
        assert message.startswith(f"configuration: randomize{'' if 'cross_side' in key else '.'}")
        assert expected in message
        assert "\n" not in message

    def test_refuses_two_names_of_one_key(self):
        message = refused({"randomize": {"symbols.XYZ.activity": [1, 2], "symbols.0.activity": [1, 2]}})
        assert "randomize.symbols.0.activity: value [1.0, 2.0]: expected each parameter once" in message

    def test_a_name_with_dots_is_a_name(self):
        content = {"symbols": ["BRK.B", "BRK"], "randomize": {"symbols.BRK.B.activity": [2, 3]}}
        draw = sample_randomized(load_config(content), np.random.default_rng(1))
        assert [2 <= symbol.activity <= 3 for symbol in draw.symbols] == [True, False]

    @given(low=st.integers(1, 10), width=st.integers(0, 54), seed=st.integers(0, 2**32))
    def test_whole_numbers_stay_whole(self, low, width, seed):
        config = load_config({"randomize": {"policy.router_top_k": [low, low + width]}})
        drawn = sample_randomized(config, np.random.default_rng(seed)).policy.router_top_k
        assert type(drawn) is int
        assert low <= drawn <= low + width
