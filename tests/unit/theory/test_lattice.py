"""The exact moments on the classic lattice: the published table, limiting cases, other conventions, and mistakes."""

import math

import numpy as np
import pytest

from mm_env.config import ClassicConfig
from mm_env.theory.lattice import Lattice, exact_moments

PUBLISHED = Lattice()


def avellaneda_stoikov(lattice, risk_aversion, late=0):
    """(bid, ask) depths (steps, 2Q+1) and the symmetric half spread, from the paper's formulas; `late` steps late."""
    left = (lattice.time_left - late * lattice.step)[:, None]
    half = (
        0.5 * risk_aversion * lattice.volatility**2 * left + math.log1p(risk_aversion / lattice.fill_decay) / risk_aversion
    )
    skew = lattice.inventories * risk_aversion * lattice.volatility**2 * left
    return half + skew, half - skew, float(half.mean())


def test_the_published_table():
    bid, ask, half = avellaneda_stoikov(PUBLISHED, 0.1)
    found = exact_moments(PUBLISHED, bid, ask)
    assert (found.profit, found.profit_sd, found.inventory_sd) == pytest.approx((64.893, 6.543, 2.927), abs=5e-4)
    assert abs(found.inventory) < 1e-12
    found = exact_moments(PUBLISHED, half, half)
    assert (found.profit, found.profit_sd, found.inventory_sd) == pytest.approx((68.223, 13.456, 8.399), abs=5e-4)
    assert found.profit_kurtosis == pytest.approx(5.4, abs=0.05)
    assert 2.0 * half == pytest.approx(1.49, abs=5e-3)


def test_the_other_fill_rule_earns_less():
    lattice = Lattice(linear=False)
    bid, ask, _ = avellaneda_stoikov(lattice, 0.1)
    assert exact_moments(lattice, bid, ask).profit == pytest.approx(57.2, abs=0.05)


def test_without_risk_aversion_both_strategies_are_one():
    bid, ask, half = avellaneda_stoikov(PUBLISHED, 1e-10)
    inventory, symmetric = exact_moments(PUBLISHED, bid, ask), exact_moments(PUBLISHED, half, half)
    assert half == pytest.approx(1.0 / 1.5)
    for name in ("profit", "profit_sd", "inventory_sd", "profit_kurtosis"):
        assert getattr(inventory, name) == pytest.approx(getattr(symmetric, name), rel=1e-5)
    # independent binomial fills either side: mean 2 n p δ; the inventory is a difference of two binomials
    p = 0.7 * math.exp(-1.0)
    assert symmetric.profit == pytest.approx(2 * 200 * p / 1.5)
    assert symmetric.inventory_sd == pytest.approx(math.sqrt(2 * 200 * p * (1 - p)))


def test_a_policy_that_never_trades_keeps_what_it_has():
    lattice = Lattice(steps=50, largest=5, initial=-3, volatility=1.5)
    found = exact_moments(lattice, np.inf, np.inf)
    assert (found.profit, found.inventory, found.inventory_sd) == (0.0, -3.0, 0.0)
    assert found.profit_sd == pytest.approx(3 * 1.5 * math.sqrt(50 * 0.005))
    # a sum of 50 signs has kurtosis 3 - 2/50, one of normals 3
    assert found.profit_kurtosis == pytest.approx(3 - 2 / 50)
    normal = Lattice(steps=50, largest=5, initial=-3, volatility=1.5, normal=True)
    assert exact_moments(normal, np.inf, np.inf).profit_kurtosis == pytest.approx(3.0)
    assert found.inventory_square_time == pytest.approx(9 * 50 * 0.005)
    assert math.isnan(found.inventory_kurtosis) and found.standard_errors(100)["inventory_sd"] == 0.0


def test_certain_fills_have_no_variance_beside_their_moves():
    """Depth 0.5 with λ dt of 5: both sides fill in every step."""
    found = exact_moments(Lattice(arrival_rate=1000.0, fill_decay=0.1, steps=20, largest=30), 0.5, 0.25)
    assert (found.profit, found.profit_sd, found.inventory_sd) == pytest.approx((15.0, 0.0, 0.0), abs=1e-9)


def test_at_the_limit_the_side_that_adds_is_not_quoted():
    lattice = Lattice(arrival_rate=1000.0, fill_decay=0.1, steps=10, largest=3)
    found = exact_moments(lattice, 1.0, np.inf)  # buys for certain until it holds 3
    assert found.distribution[-1] == pytest.approx(1.0) and found.profit == pytest.approx(3.0)


def test_a_large_mean_hides_no_variance():
    """Certain fills at a depth of 1e9, and one unit held throughout: a second moment about zero holds no digit of the sd."""
    lattice = Lattice(volatility=0.1, steps=100, largest=20, initial=1, arrival_rate=1e6, fill_decay=1e-12)
    found = exact_moments(lattice, 1e9, 1e9)
    assert found.profit == pytest.approx(2e11)
    assert found.profit_sd == pytest.approx(0.1 * math.sqrt(0.5))
    assert found.profit_kurtosis == pytest.approx(3 - 2 / 100)


def test_depths_may_be_tables_rows_numbers_or_functions():
    bid, ask, _ = avellaneda_stoikov(PUBLISHED, 0.1)
    expected = exact_moments(PUBLISHED, bid, ask).profit
    assert exact_moments(PUBLISHED, lambda step: bid[step], lambda step: ask[step]).profit == expected
    row = np.full(401, 0.7)
    assert exact_moments(PUBLISHED, row, 0.7).profit == exact_moments(PUBLISHED, 0.7, row[None, :]).profit


def test_standard_errors_know_the_kurtosis():
    """The sd of a sample sd, over 4000 samples of 200 episodes of the exact law of a final inventory."""
    lattice = Lattice(steps=12, largest=12, arrival_rate=40.0, initial=4)
    found = exact_moments(lattice, 0.2, 0.9)
    rng = np.random.default_rng(3)
    samples = rng.choice(lattice.inventories, size=(4000, 200), p=found.distribution)
    errors = found.standard_errors(200)
    # the sd of 4000 estimates is known to about 1.1 %: 5 % is more than four of that
    assert samples.mean(axis=1).std() == pytest.approx(errors["inventory"], rel=0.05)
    assert samples.std(axis=1, ddof=1).std() == pytest.approx(errors["inventory_sd"], rel=0.05)
    assert errors["inventory_sd"] != pytest.approx(found.inventory_sd / math.sqrt(400), rel=0.02)  # the normal law's


def test_the_lattice_of_a_configuration():
    config = ClassicConfig.model_validate(
        {
            "mid": {"volatility": 3.0, "move": "brownian"},
            "flow": {"arrival_rate": 50.0, "fill_decay": 2.0, "fill_rule": "exponential"},
            "episode": {"horizon": 2.0, "step": 0.01, "initial_inventory": 4, "inventory_limit": 30},
        }
    )
    assert Lattice.of(config) == Lattice(3.0, 0.01, 200, 50.0, 2.0, False, 30, 4, True)
    assert Lattice.of(ClassicConfig()) == PUBLISHED


def test_hawkes_arrivals_have_no_lattice():
    with pytest.raises(ValueError, match=r"'hawkes' has no exact moments.*expected 'poisson'"):
        Lattice.of(ClassicConfig.model_validate({"flow": {"arrivals": "hawkes"}}))


@pytest.mark.parametrize("fields", [{"steps": 0}, {"largest": 0}, {"initial": 201}])
def test_an_impossible_lattice_is_refused(fields):
    with pytest.raises(ValueError, match="expected at least one step, a limit of at least 1, an inventory within it"):
        Lattice(**fields)


@pytest.mark.parametrize(
    "depths, said",
    [
        (np.zeros((199, 401)), r"shape \(199, 401\); expected \(200, 401\)"),
        (np.zeros(7), r"shape \(7,\) at step 0; expected \(401,\)"),
        (math.nan, "401 are no number"),
    ],
)
def test_depths_of_another_lattice_are_refused(depths, said):
    with pytest.raises(ValueError, match=said):
        exact_moments(PUBLISHED, depths, 0.7)
