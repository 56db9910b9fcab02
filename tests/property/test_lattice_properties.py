"""Moments and optimal values on tiny lattices against the enumeration of every path, and laws that hold on any lattice."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_env.theory.lattice import Lattice, exact_moments
from mm_env.theory.optimal import best_constant_depth, optimal_policy, policy_value, recovered_share


@st.composite
def lattices(draw, steps=3, largest=3):
    """Small lattices of every kind."""
    limit = draw(st.integers(1, largest))
    return Lattice(
        volatility=draw(st.floats(0.0, 3.0)),
        step=draw(st.floats(0.01, 1.0)),
        steps=draw(st.integers(1, steps)),
        arrival_rate=draw(st.floats(0.0, 5.0)),
        fill_decay=draw(st.floats(0.1, 4.0)),
        linear=draw(st.booleans()),
        largest=limit,
        initial=draw(st.integers(-limit, limit)),
        normal=draw(st.booleans()),
    )


def tables(lattice, seed):
    """Random depths (steps, 2Q+1) of either side, some of them inf."""
    rng = np.random.default_rng(seed)
    shape = (2, lattice.steps, 2 * lattice.largest + 1)
    depths = rng.uniform(-0.5, 2.0, shape)
    depths[rng.uniform(size=shape) < 0.1] = np.inf
    return depths[0], depths[1]


def paths(lattice, bid, ask):
    """(probability, profit, final inventory, Σ q² dt) of every path; a normal move is its three-point quadrature."""
    root = np.sqrt(lattice.move_variance)
    moves = ((1 / 6, -np.sqrt(3)), (2 / 3, 0.0), (1 / 6, np.sqrt(3))) if lattice.normal else ((0.5, -1.0), (0.5, 1.0))
    for path in product(product((0, 1), (0, 1), moves), repeat=lattice.steps):
        chance, cash, mid, q, square = 1.0, 0.0, 0.0, lattice.initial, 0.0
        for step, (buys, sells, (weight, move)) in enumerate(path):
            for side, filled in ((0, buys), (1, sells)):
                depth = (bid, ask)[side][step, q + lattice.largest]
                quotes = np.isfinite(depth) and (q < lattice.largest if side == 0 else q > -lattice.largest)
                p = float(lattice.fill_probability(np.array(depth))) if quotes else 0.0
                chance *= p if filled else 1.0 - p
            if chance == 0.0:
                break
            if buys:
                cash -= mid - bid[step, q + lattice.largest]
            if sells:
                cash += mid + ask[step, q + lattice.largest]
            q += buys - sells
            mid += root * move
            chance *= weight
            square += q * q * lattice.step
        if chance > 0.0:
            yield chance, cash + q * mid, q, square


@given(lattices(), st.integers(0, 10**6), st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_moments_and_values_are_those_of_all_paths(lattice, seed, phi, alpha):
    bid, ask = tables(lattice, seed)
    chance, profit, inventory, square = (np.array(part) for part in zip(*paths(lattice, bid, ask), strict=True))
    found = exact_moments(lattice, bid, ask)
    assert chance.sum() == pytest.approx(1.0) and found.distribution.sum() == pytest.approx(1.0)
    mean, q = chance @ profit, chance @ inventory
    assert (found.profit, found.inventory) == pytest.approx((mean, q), abs=1e-9)
    for values, sd, kurtosis in (
        (profit - mean, found.profit_sd, found.profit_kurtosis),
        (inventory - q, found.inventory_sd, found.inventory_kurtosis),
    ):
        second, fourth = chance @ values**2, chance @ values**4
        assert sd == pytest.approx(np.sqrt(second), abs=1e-6)
        assert second < 1e-6 or kurtosis == pytest.approx(fourth / second**2, rel=1e-5)
    assert found.inventory_square_time == pytest.approx(chance @ square, abs=1e-9)
    value = chance @ (profit - phi * square - alpha * inventory**2)
    assert found.value(phi, alpha) == pytest.approx(value, abs=1e-9)
    assert policy_value(lattice, bid, ask, phi, alpha) == pytest.approx(value, abs=1e-9)


@given(lattices(steps=6, largest=4), st.integers(0, 10**6), st.floats(0.0, 2.0), st.floats(0.0, 3.0))
def test_no_policy_beats_the_optimal_one(lattice, seed, phi, alpha):
    best = optimal_policy(lattice, phi, alpha)
    assert policy_value(lattice, best.bid, best.ask, phi, alpha) == pytest.approx(best.start, abs=1e-9)
    bid, ask = tables(lattice, seed)
    assert policy_value(lattice, bid, ask, phi, alpha) <= best.start + 1e-9
    rng = np.random.default_rng(seed)
    for spread in (1e-3, 0.3):
        near = [side + rng.normal(0.0, spread, side.shape) for side in (best.bid, best.ask)]
        assert policy_value(lattice, near[0], near[1], phi, alpha) <= best.start + 1e-9
    _, constant = best_constant_depth(lattice, phi, alpha)
    assert constant <= best.start + 1e-9
    if best.start > constant + 1e-6:
        assert recovered_share(best.start, constant, best.start) == 1.0


@given(lattices(steps=6, largest=4), st.floats(0.0, 2.0), st.floats(0.0, 2.0), st.floats(-1.0, 4.0))
def test_no_constant_depth_beats_the_best(lattice, phi, alpha, depth):
    _, value = best_constant_depth(lattice, phi, alpha)
    assert policy_value(lattice, depth, depth, phi, alpha) <= value + 1e-6 * (1.0 + abs(value))


@given(lattices(steps=6, largest=4), st.integers(0, 10**6))
def test_mirrored_policies_have_mirrored_laws(lattice, seed):
    """Bid for ask and q for -q: the same profit, the opposite inventory."""
    bid, ask = tables(lattice, seed)
    found = exact_moments(lattice, bid, ask)
    mirror = Lattice(**{**lattice.__dict__, "initial": -lattice.initial})
    other = exact_moments(mirror, ask[:, ::-1], bid[:, ::-1])
    assert other.profit == pytest.approx(found.profit, abs=1e-12)
    assert other.profit_sd == pytest.approx(found.profit_sd, abs=1e-9)
    assert other.distribution == pytest.approx(found.distribution[::-1])
