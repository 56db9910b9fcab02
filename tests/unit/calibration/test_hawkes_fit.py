"""Maximum likelihood for Hawkes processes: a likelihood that can be summed by hand, its gradient, and parameters put in."""

import numpy as np
import pytest

from mm_env.calibration import hawkes_fit
from mm_env.calibration.hawkes_fit import fit_hawkes, log_likelihood, select_hawkes
from mm_env.data.events import ReadReport
from mm_env.data.readers import open_data
from mm_env.errors import EstimationError
from mm_env.theory.hawkes import Hawkes

TWO = Hawkes(
    np.array([0.4, 0.7]),
    np.array([[[0.3, 0.1], [0.2, 0.25]], [[2.0, 0.5], [1.0, 3.0]]]),
    np.array([1.0, 12.0]),
)


def simulated(process, window, seed):
    """Events by Ogata's thinning, in plain Python: slow, and independent of what is tested."""
    rng = np.random.default_rng(seed)
    size, number = process.jump.shape[:2]
    excitation, t = np.zeros((size, number)), 0.0
    times, dims = [], []
    while True:
        bound = process.baseline.sum() + excitation.sum()
        wait = rng.exponential(1.0 / bound)
        t += wait
        if t > window:
            return np.array(times), np.array(dims)
        excitation *= np.exp(-process.decay * wait)[:, None]
        rates = process.baseline + excitation.sum(axis=0)
        pick = rng.uniform() * bound
        if pick < rates.sum():
            d = int(np.searchsorted(np.cumsum(rates), pick, side="right"))
            times.append(t)
            dims.append(d)
            excitation += process.jump[:, :, d]


def by_hand(times, dims, process, window):
    total = 0.0
    for n, (t, i) in enumerate(zip(times, dims, strict=True)):
        past = [(s, j) for s, j in zip(times[:n], dims[:n], strict=True) if s < t]
        total += np.log(
            process.baseline[i] + sum((process.jump[:, i, j] * np.exp(-process.decay * (t - s))).sum() for s, j in past)
        )
        total -= (process.jump[:, :, i].sum(axis=1) / process.decay * (1 - np.exp(-process.decay * (window - t)))).sum()
    return total - process.baseline.sum() * window


def test_the_likelihood_is_the_sum_over_all_pairs():
    times, dims = simulated(TWO, 30.0, 1)
    assert log_likelihood(times, dims, TWO, 30.0) == pytest.approx(by_hand(times, dims, TWO, 30.0), rel=1e-10)


def test_events_of_one_time_do_not_excite_one_another():
    times, dims = np.array([1.0, 1.0, 1.0, 2.0]), np.array([0, 1, 1, 0])
    assert log_likelihood(times, dims, TWO, 3.0) == pytest.approx(by_hand(times, dims, TWO, 3.0), rel=1e-12)


@pytest.mark.parametrize("structure", hawkes_fit.STRUCTURES)
def test_the_gradient_is_that_of_the_likelihood(structure):
    times, dims = simulated(TWO, 200.0, 2)
    problem = hawkes_fit._Problem(times, dims, 200.0, 2, hawkes_fit._groups(structure, 2, 2))
    (theta,) = problem.starts(1)
    gradient = problem.negative(theta)[1]
    for k, step in enumerate(1e-6 * np.eye(len(theta))):
        slope = (problem.negative(theta + step)[0] - problem.negative(theta - step)[0]) / 2e-6
        assert gradient[k] == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_parameters_that_were_put_in_are_found_within_their_errors():
    z = []
    for seed in range(12):
        fit = fit_hawkes(*simulated(TWO, 1500.0, seed), 1500.0, 2, "full")
        z.append(
            np.concatenate(
                [
                    (fit.process.baseline - TWO.baseline) / fit.baseline_error,
                    ((fit.process.jump - TWO.jump) / fit.jump_error).ravel(),
                    (fit.process.decay - TWO.decay) / fit.decay_error,
                    [(fit.process.branching_ratio - TWO.branching_ratio) / fit.branching_ratio_error],
                ]
            )
        )
        assert fit.distances.max() < 0.06
    z = np.array(z)
    assert np.abs(z.mean(axis=0)).max() < 1.4
    assert 0.6 < np.sqrt((z**2).mean()) < 1.5


def test_structures_share_what_they_say():
    times, dims = simulated(TWO, 400.0, 3)
    jumps = {name: fit_hawkes(times, dims, 400.0, 1, name).process.jump[0] for name in hawkes_fit.STRUCTURES}
    assert jumps["shared"][0, 0] == jumps["shared"][1, 1] and jumps["shared"][0, 1] == 0.0
    assert jumps["diagonal"][0, 0] != jumps["diagonal"][1, 1] and jumps["diagonal"][1, 0] == 0.0
    assert (
        jumps["symmetric"][0, 0] == jumps["symmetric"][1, 1] and jumps["symmetric"][0, 1] == jumps["symmetric"][1, 0] > 0.0
    )
    assert len(set(jumps["full"].ravel())) == 4
    likelihoods = [fit_hawkes(times, dims, 400.0, 1, name).log_likelihood for name in hawkes_fit.STRUCTURES]
    assert likelihoods[0] < likelihoods[1] < likelihoods[3] and likelihoods[0] < likelihoods[2] < likelihoods[3]


def test_the_criterion_finds_the_number_of_exponentials():
    one = Hawkes.one(0.5, 1.5, 3.0)
    two = Hawkes(np.array([0.3]), np.array([[[0.2]], [[4.0]]]), np.array([0.5, 40.0]))
    for process, number in ((one, 1), (two, 2)):
        fits = select_hawkes(*simulated(process, 3000.0, 4), 3000.0)
        assert min(fits, key=lambda fit: fit.bic).process.decay.size == number
        assert len(fits) == number + 1


def test_a_poisson_process_is_hardly_excited():
    times = np.sort(np.random.default_rng(0).uniform(0, 1000, 2000))
    fit = fit_hawkes(times, np.zeros(2000, int), 1000.0, 1)
    assert fit.process.branching_ratio < 0.1
    assert fit.process.rates[0] == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize(
    ("times", "dims", "window", "number", "message"),
    [
        ([2.0, 1.0], [0, 0], 3.0, 1, "rising, from 0 to the window's 3"),
        ([1.0, 4.0], [0, 0], 3.0, 1, "rising, from 0 to the window's 3"),
        ([1.0, 2.0], [0], 3.0, 1, "two of one length"),
        ([1.0, np.nan], [0, 0], 3.0, 1, "times finite"),
        ([], [], 3.0, 1, "two of one length"),
        ([1.0, 2.0], [0, 0], 3.0, 1, r"events \[2\] of the dimensions; expected at least 20 of each"),
        (np.arange(40.0), np.repeat([0, 2], 20), 40.0, 1, r"events \[20, 0, 20\]"),
        (np.arange(40.0), np.zeros(40, int), 40.0, 0, "exponentials 0"),
    ],
)
def test_events_that_no_model_fits(times, dims, window, number, message):
    with pytest.raises(EstimationError, match=message):
        fit_hawkes(times, dims, window, number)


def test_the_published_fits_to_apple(shared_data):
    _, events = open_data(shared_data / "lobster" / "LOBSTER_SampleFile_AAPL_2012-06-21_1.zip", ReadReport())
    trades = [batch.where(batch.kind == "trade") for batch in events]
    time, side = (np.concatenate([getattr(part, name) for part in trades]) for name in ("time", "side"))
    _, first = np.unique(np.stack([time, side.astype(np.int64)]), axis=1, return_index=True)
    first.sort()
    seconds = (time[first] - time[first][0]) * 1e-9
    window = seconds[-1] + 0.5
    assert np.bincount(side[first] > 0).tolist() == [8646, 9370] or np.bincount(side[first] > 0).tolist() == [9370, 8646]
    for number, ratio, likelihood in ((1, 0.475, 4249.8), (2, 0.697, 9688), (3, 0.766, 11366)):
        fit = fit_hawkes(seconds, (side[first] > 0).astype(int), window, number, "full")
        assert fit.process.branching_ratio == pytest.approx(ratio, abs=0.003)
        assert fit.log_likelihood == pytest.approx(likelihood, rel=0.002)
    assert sorted(fit.distances.round(3)) == pytest.approx([0.034, 0.039], abs=0.002)
