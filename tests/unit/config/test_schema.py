"""Ranges, cross checks, derived matrices and random draws of `mm_env.config`."""

import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from mm_env.config import Flow, MarketConfig, Symbol
from mm_env.config.io import load_config, override
from mm_env.errors import ConfigError


def refused(content):
    with pytest.raises(ConfigError) as caught:
        load_config(content)
    return str(caught.value)


KEPT = [
    ("start_price", ("symbols", 0), 55.0),
    ("tick_size", ("symbols", 0), 0.05),
    ("quote_size", ("symbols", 0), 7),
    ("inventory_limit", ("symbols", 0), 99),
    ("name", ("venues", 0), "OMEGA"),
    ("maker_fee_bps", ("venues", 0), -0.4),
    ("taker_fee_bps", ("venues", 0), 0.6),
    ("latency_ms", ("venues", 0), 17.0),
    ("use_hawkes", ("flow",), False),
    ("hawkes_mu", ("flow",), 0.5),
    ("hawkes_alpha", ("flow",), [0.2, 3.0]),
    ("hawkes_beta", ("flow",), [0.8, 30.0]),
    ("impact_kappa", ("flow",), 0.03),
    ("base_spread_bps", ("policy",), 7.0),
    ("alpha_weight", ("policy",), 1.0),
    ("obi_weight", ("policy",), 0.7),
    ("alpha_smooth", ("policy",), 0.9),
    ("use_avellaneda_stoikov", ("policy",), False),
    ("risk_aversion", ("policy",), 0.1),
    ("fill_decay", ("policy",), 1.5),
    ("horizon_seconds", ("policy",), 30.0),
    ("router_top_k", ("policy",), 3),
    ("adaptive_tick", ("policy",), False),
    ("min_tick", ("policy",), 0.02),
    ("max_tick", ("policy",), 0.08),
    ("portfolio_var_limit", ("risk",), 500.0),
    ("hedge_portfolio_on_breach", ("risk",), False),
    ("hedge_fraction_portfolio", ("risk",), 0.25),
    ("es_conf", ("risk",), 0.95),
    ("es_window", ("risk",), 64),
]


@pytest.mark.parametrize("name, group, value", KEPT, ids=[name for name, _, _ in KEPT])
def test_kept_name_works_in_its_group(name, group, value):
    content = {name: value} if len(group) == 1 else [{"name": "OMEGA", name: value}]
    section = getattr(load_config({group[0]: content}), group[0])
    assert getattr(section[0] if len(group) == 2 else section, name) == value != getattr(default_of(group), name)


def default_of(group):
    section = getattr(MarketConfig(), group[0])
    return section[0] if len(group) == 2 else section


@pytest.mark.parametrize("on, name", [(True, "as"), (False, "fixed")])
def test_the_default_policy_has_its_name(on, name):
    assert load_config({"policy": {"use_avellaneda_stoikov": on}}).policy.name == name


def test_symbols_may_be_plain_names():
    assert load_config({"symbols": ["PQR", {"name": "STU", "start_price": 20}]}).symbols == [
        Symbol(name="PQR"),
        Symbol(name="STU", start_price=20.0),
    ]


def test_whole_numbers_stand_for_floats_and_become_floats():
    gamma = load_config({"policy": {"risk_aversion": 1}, "flow": {"hawkes_mu": [1, 1, 2, 2]}})
    assert isinstance(gamma.policy.risk_aversion, float)
    assert all(isinstance(mu, float) for mu in gamma.flow.hawkes_mu)


@pytest.mark.parametrize("value", [True, "0.1", None, [0.1], float("nan"), float("inf"), -1.0, 1e9])
def test_refuses_what_is_no_number_in_range(value):
    assert "configuration: policy.risk_aversion: value " in refused({"policy": {"risk_aversion": value}})
    assert "a number from 1e-09 to 10000 (risk aversion" in refused({"policy": {"risk_aversion": value}})


@pytest.mark.parametrize("value", [True, 2.0, "2", 0, 65])
def test_refuses_what_is_no_whole_number_in_range(value):
    assert "policy.router_top_k: value" in refused({"policy": {"router_top_k": value}})
    assert "a whole number from 1 to 64" in refused({"policy": {"router_top_k": value}})


def test_values_never_change():
    with pytest.raises(ValidationError, match="frozen"):
        MarketConfig().policy.risk_aversion = 1.0


@pytest.mark.parametrize("group", ["symbols", "venues", "regimes"])
def test_refuses_a_name_listed_twice(group):
    message = refused({group: [{"name": "A"}, {"name": "B"}, {"name": "A"}]})
    assert message == f"configuration: {group}.2.name: value 'A': expected each name once; it is listed 2 times"


@pytest.mark.parametrize("name", ["", "a\nb", " a", "a" * 33])
def test_refuses_a_name_that_would_spoil_a_line(name):
    assert refused({"venues": [{"name": name}]}).startswith("configuration: venues.")


@pytest.mark.parametrize(
    "content, expected",
    [
        ({"symbols": [{"name": "A", "start_price": 0.5}]}, ("symbols.A.start_price: value 0.5", "50 times")),
        (
            {"symbols": [{"name": "A", "quote_size": 201}]},
            ("symbols.A.quote_size: value 201", "inventory_limit, 200"),
        ),
        (
            {"venues": [{"name": "V", "tick_multiple": 2, "price_basis_ticks": 3}]},
            ("venues.V.price_basis_ticks: value 3", "a multiple of tick_multiple, 2"),
        ),
        ({"news": {"source": "tape"}}, ("news.tape: value null", "source is 'tape'")),
        ({"news": {"tape": "/x.csv"}}, ("news.tape: value '/x.csv'", "source is 'poisson'")),
        ({"policy": {"min_tick": 0.05}}, ("policy.min_tick: value 0.05", "at most max_tick, 0.04")),
        (
            {"episode": {"initial_regime": "clam"}},
            ("episode.initial_regime: value 'clam'", "nearest: 'calm'"),
        ),
        (
            {"regimes": [{"name": "calm", "transitions": {"stres": 1.0}}, {"name": "stress"}]},
            ("regimes.calm.transitions.stres: value 1.0", "nearest: 'stress'"),
        ),
        (
            {"regimes": [{"name": "calm", "transitions": {"stress": 0.0}}, {"name": "stress"}]},
            ("regimes.calm.transitions: value {'stress': 0.0}", "at least one weight above 0"),
        ),
        (
            {"regimes": [{"name": "calm", "transitions": {"calm": 1.0, "stress": 1.0}}, {"name": "stress"}]},
            ("regimes.calm.transitions.calm: value 1.0", "cannot follow itself"),
        ),
        (
            {"venues": [{"name": "V", "latency_ms": 3001.0}]},
            ("venues.V.latency_ms: value 3001.0", "at most 3 decision step(s), 3000 ms"),
        ),
        (
            {"venues": [{"name": "V", "data_latency_ms": 501.0}], "episode": {"step_seconds": 0.5}},
            ("venues.V.data_latency_ms: value 501.0", "at most 1 decision step(s), 500 ms"),
        ),
    ],
)
def test_refuses_keys_that_disagree(content, expected):
    message = refused(content)
    assert message.startswith(f"configuration: {expected[0]}: ")
    assert expected[1] in message
    assert message.count("\n") == 0


def test_latencies_may_reach_their_bounds():
    venue = {"name": "V", "latency_ms": 300.0, "data_latency_ms": 100.0}
    assert load_config({"venues": [venue], "episode": {"step_seconds": 0.1}}).venues[0].latency_ms == 300.0


def test_bounds_the_move_of_a_microstep_in_the_wildest_regime():
    content = {
        "symbols": [{"name": "A", "volatility_bps_per_sqrt_second": 20.0}],
        "regimes": [{"name": "calm"}, {"name": "wild", "volatility_multiplier": 10.0}],
        "episode": {"step_seconds": 50.0, "microsteps": 2},
    }
    # 20 bp x 10 x sqrt(25 s) is 10 % exactly.
    load_config(content)
    content["episode"]["microsteps"] = 1
    message = refused(content)
    assert "symbols.A.volatility_bps_per_sqrt_second: value 20.0" in message
    assert "14.1%: use more microsteps" in message


def test_wants_a_first_regime_where_regimes_never_meet():
    regimes = [{"name": a, "transitions": {b: 1.0}} for a, b in ("ab", "ba", "cd", "dc")]
    assert "episode.initial_regime: value null: expected a regime's name" in refused({"regimes": regimes})
    assert load_config({"regimes": regimes, "episode": {"initial_regime": "c"}}).episode.initial_regime == "c"
    transient = [*regimes[:2], *({"name": name, "transitions": {"a": 1.0}} for name in "cd")]
    assert len(load_config({"regimes": transient}).regimes) == 4


class TestCorrelation:
    def test_one_number_fills_the_matrix(self):
        config = load_config({"symbols": ["A", "B", "C"], "correlation": -0.4})
        expected = [[1.0, -0.4, -0.4], [-0.4, 1.0, -0.4], [-0.4, -0.4, 1.0]]
        np.testing.assert_array_equal(config.correlation_matrix(), expected)
        assert load_config({"symbols": ["A"]}).correlation_matrix().tolist() == [[1.0]]

    def test_a_matrix_is_itself_and_has_a_factor(self):
        matrix = [[1.0, 0.3, 0.2], [0.3, 1.0, -0.5], [0.2, -0.5, 1.0]]
        found = load_config({"symbols": ["A", "B", "C"], "correlation": matrix}).correlation_matrix()
        np.testing.assert_array_equal(found, matrix)
        factor = np.linalg.cholesky(found)
        np.testing.assert_allclose(factor @ factor.T, matrix, atol=1e-15)

    @pytest.mark.parametrize("value, eigenvalue", [(-0.6, "-0.2"), (1.0, "0"), (-0.5, "0")])
    def test_refuses_one_number_out_of_range(self, value, eigenvalue):
        message = refused({"symbols": ["A", "B", "C"], "correlation": value})
        assert f"correlation: value {value}: expected a number above -0.5 and below 1" in message
        # The last of the cases is zero only up to rounding.
        assert "smallest eigenvalue is" in message
        assert abs(float(message.rpartition(" ")[2]) - float(eigenvalue)) < 1e-12

    @pytest.mark.parametrize("value", [-1.0, 1.0])
    def test_refuses_one_number_out_of_range_even_when_unused(self, value):
        assert "above -1 and below 1" in refused({"symbols": ["A"], "correlation": value})

    @pytest.mark.parametrize(
        "value, allowed",
        [
            ([[1.0, 0.5]], "one number, or a matrix of 2 rows of 2 numbers"),
            ([[1.0, 0.5], [0.5]], "one number, or a matrix of 2 rows of 2 numbers"),
            ([[1.0, 0.5], [0.5, 0.9]], "a matrix with ones on its diagonal"),
            ([[1.0, 0.5], [0.4, 1.0]], "a symmetric matrix; [0][1] is 0.5, [1][0] is 0.4"),
            ([[1.0, 1.0], [1.0, 1.0]], "a positive definite matrix; its smallest eigenvalue is 0"),
        ],
    )
    def test_refuses_what_is_no_correlation_matrix(self, value, allowed):
        assert refused({"correlation": value}) == f"configuration: correlation: value {value}: expected {allowed}"

    @pytest.mark.parametrize("value", ["x", [0.5, 0.5], [["x"]], True, 1.5, None])
    def test_one_message_for_what_is_neither_number_nor_matrix(self, value):
        message = refused({"correlation": value})
        assert message.count("configuration: correlation: value") == 1 == len(message.splitlines())
        assert "a number from -1 to 1 or a list of lists of numbers from -1 to 1" in message


class TestHawkes:
    def test_numbers_expand_to_both_sides_and_all_symbols(self):
        flow = Flow(
            hawkes_mu=0.5,
            hawkes_alpha=[1.0, 10.0],
            hawkes_beta=[4.0, 100.0],
            hawkes_cross_side=0.5,
            hawkes_cross_symbol=0.25,
        )
        pattern = np.array([[1.0, 0.5, 0.25, 0.0], [0.5, 1.0, 0.0, 0.25], [0.25, 0.0, 1.0, 0.5], [0.0, 0.25, 0.5, 1.0]])
        np.testing.assert_array_equal(flow.hawkes_matrices(2), [pattern, 10.0 * pattern])
        np.testing.assert_array_equal(flow.hawkes_decays(), [4.0, 100.0])
        np.testing.assert_array_equal(flow.hawkes_baseline(2), [0.5] * 4)
        # Eigenvalues of the pattern: 1 ± 0.5 ± 0.25; each exponential counts alpha / beta.
        assert flow.branching_ratio(2) == pytest.approx((1.0 / 4.0 + 10.0 / 100.0) * 1.75)
        assert flow.hawkes_matrices(3).shape == (2, 6, 6)

    def test_matrices_are_taken_as_they_stand(self):
        alpha = np.zeros((2, 2, 2))
        alpha[0, 0, 1], alpha[1, 1, 0] = 0.5, 8.0
        flow = {"hawkes_alpha": alpha, "hawkes_beta": [1.0, 5.0], "hawkes_mu": [0.1, 0.2]}
        config = load_config({"symbols": ["A"], "flow": flow})
        np.testing.assert_array_equal(config.flow.hawkes_matrices(1), alpha)
        np.testing.assert_array_equal(config.flow.hawkes_baseline(1), [0.1, 0.2])
        # [[0, 0.5], [1.6, 0]]: one way it multiplies, but around the loop it is the root of 0.5 x 1.6.
        assert config.flow.branching_ratio(1) == pytest.approx(np.sqrt(0.5 * 1.6))

    @pytest.mark.parametrize("use_hawkes", [True, False])
    def test_refuses_a_branching_ratio_of_one_or_more(self, use_hawkes):
        flow = {"hawkes_alpha": 0.8, "hawkes_beta": 1.0, "hawkes_cross_side": 0.25, "use_hawkes": use_hawkes}
        message = refused({"symbols": ["A"], "flow": flow})
        assert message.startswith(
            "configuration: flow.hawkes_alpha: value 0.8: expected a branching ratio below 1; here it is 1 "
        )
        load_config({"symbols": ["A"], "flow": flow | {"hawkes_alpha": 0.79}})
        # A second symbol adds hawkes_cross_symbol.
        assert "here it is 1.027 " in refused({"symbols": ["A", "B"], "flow": flow | {"hawkes_alpha": 0.79}})

    @pytest.mark.parametrize(
        "flow, expected",
        [
            (
                {"hawkes_alpha": [0.1] * 3},
                "flow.hawkes_beta: value [0.4, 20.0]: expected as many decays as hawkes_alpha has",
            ),
            (
                {"hawkes_mu": [0.1] * 3},
                "flow.hawkes_mu: value [0.1, 0.1, 0.1]: expected one number, or 4: buy and sell of 2",
            ),
            (
                {"hawkes_alpha": [[[0.1]]], "hawkes_beta": 1},
                "flow.hawkes_alpha: value [[[0.1]]]: expected matrices of 4 rows of 4",
            ),
            (
                {"hawkes_beta": [0.4, 0.0]},
                "flow.hawkes_beta: value [0.4, 0.0]: expected a number from 1e-06 to 1e+06 or a list of 1",
            ),
            (
                {"hawkes_alpha": [0.1, -0.1]},
                "flow.hawkes_alpha: value [0.1, -0.1]: expected a number from 0 to 1e+06, a list of",
            ),
            (
                {"hawkes_alpha": []},
                "flow.hawkes_alpha: value []: expected a number from 0 to 1e+06, a list of 1 to 4 numbers",
            ),
        ],
    )
    def test_refuses_shapes_and_values_that_make_no_kernel(self, flow, expected):
        message = refused({"flow": flow})
        assert message.startswith(f"configuration: {expected}")
        assert "\n" not in message

    def test_at_most_four_exponentials(self):
        four = {"hawkes_alpha": [0.1] * 4, "hawkes_beta": [1.0] * 4}
        assert load_config({"flow": four}).flow.hawkes_matrices(2).shape == (4, 4, 4)
        lines = refused({"flow": {"hawkes_alpha": [0.1] * 5, "hawkes_beta": [1.0] * 5}}).splitlines()
        assert [line.split(": ")[1] for line in lines] == ["flow.hawkes_alpha", "flow.hawkes_beta"]

    def test_matrices_of_another_size_are_refused_when_asked_for(self):
        flow = Flow(hawkes_mu=[0.1, 0.1], hawkes_alpha=[[[0.1, 0.0], [0.0, 0.1]]], hawkes_beta=[1.0])
        with pytest.raises(ValueError, match="matrices of 4 rows"):
            flow.hawkes_matrices(2)
        with pytest.raises(ValueError, match="one number, or 4"):
            flow.hawkes_baseline(2)


def test_import_is_light():
    heavy = "{'pandas', 'matplotlib', 'vaderSentiment'}"
    code = f"import sys, mm_env.config, mm_env.config.io; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_mean_size_of_takers_that_no_law_can_have_is_refused():
    said = refused({"flow": {"taker_size_mean_lots": 100.0, "taker_size_max_lots": 10}})
    assert said == (
        "configuration: flow.taker_size_mean_lots: value 100.0: expected below "
        "taker_size_max_lots, 10, past which no size goes"
    )
    load_config({"flow": {"taker_size_mean_lots": 9.0, "taker_size_max_lots": 10}})


def test_a_horizon_that_history_does_not_hold_is_refused():
    for seconds in (256.0, 0.5, 0.2):  # half a step would be rounded to none
        with pytest.raises(ConfigError, match=r"var_covariance.*horizon for 1 to 255"):
            override(load_config(None), {"risk.var_covariance": "horizon", "risk.var_horizon_seconds": seconds})


def test_a_negative_reach_is_refused():
    with pytest.raises(ConfigError, match="taker_reach_ticks"):
        load_config({"flow": {"taker_reach_ticks": -1}})
