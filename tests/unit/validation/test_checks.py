"""Verdicts, tables and parameters of the validation, and its own solution of the finite horizon against scipy."""

import json
import math

import numpy as np
import pytest
from scipy.linalg import expm

from mm_env.errors import UsageError
from mm_env.theory.lattice import Lattice
from mm_env.validation.as2008 import strategy_depths
from mm_env.validation.checks import Check, Report, inside
from mm_env.validation.hawkes import dispersion_of
from mm_env.validation.sections import SECTIONS, chosen, sections_with
from mm_env.validation.var import VaR
from mm_env.validation.weights import depths, log_weights

OPTIONS = {"gamma": "--gamma", "phi": "--phi"}


@pytest.mark.parametrize(
    "check, passed",
    [
        (Check("sampled", 1.39, 1.0, error=0.1), True),
        (Check("sampled", 1.41, 1.0, error=0.1), False),
        (Check("sampled", math.nan, 1.0, error=0.1), False),
        (Check("without variance", 1.0, 1.0, error=0.0), True),
        (Check("without variance", 1.001, 1.0, error=0.0), False),
        (Check("computed", 1.0 + 1e-10, 1.0, tolerance=1e-9), True),
        (Check("computed", 1.0 + 1e-8, 1.0, tolerance=1e-9), False),
        (Check("rounds to it", 64.8934, published="64.893"), True),
        (Check("rounds to it", 64.8936, published="64.893"), False),
        (Check("whole", 6, 6, tolerance=0.0, published="6"), True),
        (Check("what is exact rounds to it", 2.41, 2.4064, error=0.01, published="2.406"), True),
        (Check("what is exact does not", 2.41, 2.4064, error=0.01, published="2.407"), False),
        (Check("a noisy publication is shown only", 64.9, 64.893, error=0.02, published="65.0", noisy=True), True),
        (Check("p-value", 0.2, least=1e-4), True),
        (Check("p-value", 1e-5, least=1e-4), False),
    ],
)
def test_verdicts(check, passed):
    assert check.passed is passed and check.verdict == ("ok" if passed else "MISS")


@pytest.mark.parametrize("fields", [{}, {"exact": 1.0}, {"published": "1.0", "noisy": True}, {"error": 0.1}])
def test_a_figure_that_nothing_is_compared_with_is_no_check(fields):
    with pytest.raises(ValueError, match="nothing to compare with"):
        Check("lonely", 1.0, **fields)


def test_tables_and_json_of_a_report():
    checks = [Check("one", 2.0, 2.0004, error=0.1, published="2.0"), Check("two", -1e-9, least=-1.0)]
    report = Report("part", "Title", {"gamma": 0.1, "q": (0, 5)}, checks, {"inventory": {"kurtosis": math.nan}}, ["Note."])
    assert report.passed
    assert report.text().splitlines() == [
        "Title",
        "gamma 0.1, q 0 5",
        "",
        "check  published  exact   ours  standard error  verdict",
        "-----  ---------  -----  -----  --------------  -------",
        "one          2.0  2.000  2.000           0.100       ok",
        "two                ≥ -1  0.000                       ok",
        "Note.",
    ]
    assert "| one | 2.0 | 2.000 | 2.000 | 0.100 | ok |" in report.text(markdown=True)
    assert "two" not in report.text(markdown=True, published=True)
    found = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert list(found) == ["inventory", "section", "parameters", "checks", "passed"]
    assert found["inventory"]["kurtosis"] is None and found["checks"][0]["passed"] is True


def test_sections_are_chosen_by_name_in_lists_or_one_by_one():
    assert chosen([]) == list(SECTIONS) == ["as2008", "glft", "cj", "hawkes", "signature", "var"]
    assert chosen(["cj,as2008", "cj"]) == ["cj", "as2008"]
    with pytest.raises(UsageError, match=r"--section 'as208': expected one of 'as2008', .*nearest: 'as2008'"):
        chosen(["as208"])


def test_parameters_go_to_the_sections_that_have_them():
    found = sections_with(["as2008", "cj"], {"gamma": 0.5}, OPTIONS)
    assert found["as2008"].gamma == 0.5 and found["cj"] == SECTIONS["cj"]()
    with pytest.raises(UsageError, match=r"--phi 1.0: no parameter of section as2008, glft; expected with 'cj'"):
        sections_with(["as2008", "glft"], {"phi": 1.0}, OPTIONS)


def test_inventories_beyond_the_limit_are_refused_unless_nobody_asked_for_them():
    assert inside((-5, 0, 5), 30, (-5, 0, 5)) == [-5, 0, 5]
    assert inside((-5, 0, 5), 5, (-5, 0, 5)) == [0]
    with pytest.raises(ValueError, match="q 5; expected a number from -4 to 4"):
        inside((0, 5), 5, (-5, 0, 5))


@pytest.mark.parametrize(
    "curvature, off, terminal, horizon", [(0.015, 51.5, 0.0015, 1.0), (1.5, 5.0, 0.3, 0.7), (0.0, 2.0, 0.0, 3.0)]
)
def test_weights_are_those_of_scipy(curvature, off, terminal, horizon):
    q = np.arange(-6, 7)
    matrix = np.diag(-curvature * q**2.0) + off * (np.eye(13, k=1) + np.eye(13, k=-1))
    expected = np.log(expm(matrix * horizon) @ np.exp(-terminal * q**2.0))
    found = log_weights(curvature, off, terminal, horizon, 6)
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-11)
    bid, ask = depths(found, 1.5, 0.7)
    assert bid[-1] == ask[0] == np.inf and bid[:-1] == pytest.approx(ask[::-1][:-1])
    assert bid[3] == pytest.approx(0.7 + (expected[3] - expected[4]) / 1.5)


def test_weights_neither_overflow_nor_lose_their_sign():
    """At λT of 140,000 and |q| of 100: an eigendecomposition gives negative weights, a plain exponential infinite ones."""
    found = log_weights(0.015, 140_000 / math.e, 0.0015, 1.0, 100)
    assert np.isfinite(found).all() and 1e5 < found[100] < 1.1e5


def test_strategies_of_2008():
    lattice = Lattice(steps=4, step=0.25, largest=3)
    bid, ask, spread = strategy_depths(lattice, 0.1, 2.0, "inventory")
    risk = 0.4 * np.array([1.0, 0.75, 0.5, 0.25])
    assert bid + ask == pytest.approx(np.repeat((risk + 20 * math.log1p(0.1 / 1.5))[:, None], 7, axis=1))
    assert ask[0] - bid[0] == pytest.approx(-2 * 0.4 * np.arange(-3, 4))
    bid, ask, same = strategy_depths(lattice, 0.1, 2.0, "symmetric")
    assert same == spread == pytest.approx(risk.mean() + 20 * math.log1p(0.1 / 1.5)) and bid == ask == spread / 2
    assert strategy_depths(lattice, 0.0, 2.0, "inventory")[2] == pytest.approx(2 / 1.5)


def test_the_error_of_a_dispersion_is_its_sd_over_samples():
    rng = np.random.default_rng(4)
    found = [dispersion_of(rng.negative_binomial(3, 0.3, 400).astype(float)) for _ in range(3000)]
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(1 / 0.3, rel=0.02)  # variance / mean of this law
    assert values.std() == pytest.approx(errors.mean(), rel=0.06)  # 1.3 % is one error; the law is skewed


def test_regions_at_other_parameters_and_lost_zones():
    report = VaR(periods=(400,), probability=(0.02,), confidence=0.99).run(2000, 1)
    assert report.passed and [check.published for check in report.checks[:3]] == [None] * 3
    assert len(VaR().run(2000, 1).checks) == 18 + 5 + 11 and VaR().run(2000, 1).passed
