"""The laws whose tables the kernels read."""

from __future__ import annotations

import numpy as np
import pytest

from mm_env.sim.laws import geometric_sizes, lomax_mean, lomax_scale, placement_quantiles, stationary_law


@pytest.mark.parametrize(("mean", "exponent", "largest"), [(4.0, 2.2, 200), (1.5, 1.1, 1000), (30.0, 5.0, 10_000)])
def test_taker_sizes_have_the_configured_mean(mean: float, exponent: float, largest: int) -> None:
    scale = lomax_scale(mean, exponent, largest)
    u = np.random.default_rng(0).uniform(size=400_000)
    sizes = np.minimum(1 + np.floor(scale * (u ** (-1 / exponent) - 1)), largest)
    assert lomax_mean(scale, exponent, largest) == pytest.approx(mean, rel=1e-6)
    assert sizes.mean() == pytest.approx(mean, abs=5 * sizes.std() / np.sqrt(u.size))


def test_a_mean_that_the_cap_forbids_is_an_error() -> None:
    with pytest.raises(ValueError, match="taker_size_mean_lots 50 cannot be reached"):
        lomax_scale(50.0, 2.0, 20)


def test_placement_distances_follow_the_power_law() -> None:
    quantiles = placement_quantiles(4.0, 1.6, 60.0)
    assert quantiles[0] == 0.0
    assert quantiles[-1] == pytest.approx(60.0)
    total = 1 - (1 + 60 / 4) ** -1.6
    share = (1 - (1 + quantiles / 4) ** -1.6) / total
    assert share == pytest.approx(np.linspace(0, 1, quantiles.size))


@pytest.mark.parametrize("mean", [1.0, 1.3, 4.0, 60.0])
def test_maker_sizes_have_the_configured_mean(mean: float) -> None:
    sizes = geometric_sizes(mean)
    assert sizes.min() >= 1
    assert sizes.mean() == pytest.approx(mean, rel=0.02)


def test_stationary_law_weighs_visits_by_duration() -> None:
    law = stationary_law(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([600.0, 120.0]))
    assert law == pytest.approx([5 / 6, 1 / 6])
