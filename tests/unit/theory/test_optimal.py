"""Optimal values on the classic lattice: closed forms, the limit of continuous time, and brute force."""

import math

import numpy as np
import pytest

from mm_env.theory.lattice import Lattice, exact_moments
from mm_env.theory.optimal import best_constant_depth, optimal_policy, policy_value, recovered_share


def test_without_penalties_the_best_depth_is_constant():
    """Each quote maximises p(δ)δ: δ = 1/k, worth A dt / (e k)."""
    best = optimal_policy(Lattice())
    assert best.start == pytest.approx(2 * 140 / math.e / 1.5)
    # far from the limit, at which the side that works off what is held is quoted nearer
    assert best.bid[:, 150:251] == pytest.approx(2 / 3) and best.ask[:, 150:251] == pytest.approx(2 / 3)
    assert np.isinf(best.bid[:, -1]).all() and best.ask[0, -1] < 0.5
    assert best_constant_depth(Lattice()) == pytest.approx((2 / 3, best.start), rel=1e-7)


def test_the_other_fill_rule_without_penalties():
    """δ = (exp(x) - 1) / (k x) with x = λ dt at δ."""
    lattice = Lattice(linear=False)
    best = optimal_policy(lattice)
    depth = best.bid[0, 200]
    x = 0.7 * math.exp(-1.5 * depth)
    assert depth == pytest.approx(math.expm1(x) / (1.5 * x), rel=1e-12)
    assert best.start == pytest.approx(2 * 200 * -math.expm1(-x) * depth)
    assert best_constant_depth(lattice) == pytest.approx((depth, best.start), rel=1e-7)


@pytest.mark.parametrize(
    ("phi", "alpha", "limit", "share"),
    # h(0, 0) of VALIDATION section 3; a constant depth's share of the optimum: 99.7 % and 44 % in continuous time
    [(0.01, 0.001, 68.255835, 0.997), (1.0, 0.1, None, 0.445)],
)
def test_continuous_time_is_the_limit_of_small_steps(phi, alpha, limit, share):
    """The error is linear in the step, so that two values give the limit by extrapolation."""
    found = []
    for steps in (1600, 3200):
        lattice = Lattice(step=1.0 / steps, steps=steps, largest=60)
        found.append((optimal_policy(lattice, phi, alpha).start, best_constant_depth(lattice, phi, alpha)[1]))
    optimal, constant = (2 * fine - coarse for coarse, fine in zip(*found, strict=True))
    assert limit is None or optimal == pytest.approx(limit, abs=2e-4)
    assert constant / optimal == pytest.approx(share, abs=5e-4)


def test_a_constant_depth_in_continuous_time_by_hand():
    """Profit 2Λδ, E[q²] = 2Λt with Λ = A exp(-kδ): the best δ is 1/k + (φT + 2α)/2."""
    lattice = Lattice(step=1e-4, steps=10_000, largest=60)
    depth, value = best_constant_depth(lattice, 1.0, 0.1)
    assert depth == pytest.approx(1 / 1.5 + 0.6, abs=3e-3)
    assert value == pytest.approx(140 * math.exp(-1 - 0.9) * 2 / 1.5, rel=2e-3)


def test_shares_on_the_published_step():
    """On steps of 0.005 both sides may fill at once, and a constant depth reaches more of the optimum: 48.7 %, 99.8 %."""
    for limit, phi, alpha, share in ((20, 1.0, 0.1, 0.4865), (100, 0.01, 0.001, 0.9978)):
        lattice = Lattice(largest=limit)
        best = optimal_policy(lattice, phi, alpha)
        assert best_constant_depth(lattice, phi, alpha)[1] / best.start == pytest.approx(share, abs=5e-5)
        assert exact_moments(lattice, best.bid, best.ask).value(phi, alpha) == pytest.approx(best.start, rel=1e-12)


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("alpha", [0.3, 3.0, 30.0])
def test_one_step_by_brute_force(linear, alpha):
    """Strongly coupled sides too: at α = 30, C k is 120 and several pairs are each other's best."""
    lattice = Lattice(step=1.0, steps=1, arrival_rate=0.9, fill_decay=2.0, linear=linear, largest=2)
    best = optimal_policy(lattice, 0.0, alpha)
    grid = np.concatenate([np.linspace(-0.2, 3.0, 641), [np.inf]])
    for start in (-2, -1, 0, 1, 2):
        here = Lattice(**{**lattice.__dict__, "initial": start})
        values = [[policy_value(here, bid, ask, 0.0, alpha) for bid in grid[::8]] for ask in grid[::8]]
        assert best.value[0, 2 + start] >= np.max(values) - 1e-12
        if best.bid[0, 2] < 3.0 and start == 0:
            assert best.value[0, 2] == pytest.approx(np.max(values), abs=0.01)


def test_no_arrivals_are_worth_the_penalty_alone():
    lattice = Lattice(arrival_rate=0.0, steps=10, largest=4, initial=3)
    assert optimal_policy(lattice, 1.0, 0.5).start == pytest.approx(-9 * 0.05 - 4.5)
    assert best_constant_depth(lattice, 1.0, 0.5)[1] == pytest.approx(-9 * 0.05 - 4.5)


def test_recovered_share():
    assert recovered_share(31.0, 30.0, 34.0) == 0.25 and recovered_share(29.0, 30.0, 34.0) == -0.25
    with pytest.raises(ValueError, match=r"expected the first above the other"):
        recovered_share(1.0, 2.0, 2.0)
