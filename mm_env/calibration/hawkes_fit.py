"""Maximum likelihood for Hawkes processes with sums of exponentials, in any number of dimensions.

The intensity of dimension i is μ_i + Σ_k Σ_j α_k,ij Σ_{t_j < t} exp(-β_k (t - t_j)). The log-likelihood and its gradient
take one pass over the events: the sums over the past decay by a factor from one event to the next, and so do their
derivatives by β. Parameters are optimised as logarithms by L-BFGS-B from several decays; errors are those of the observed
information. Events of one time do not excite one another.

Source: Ozaki 1979 (recursive likelihood and gradient); Ogata 1978 (asymptotics), 1988 (rescaled times); Bacry, Bompaire,
Gaïffas & Muzy 2017 (sums of exponentials); Schwarz 1978 (BIC).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.errors import EstimationError
from mm_env.extras import require
from mm_env.sim.compiling import entry_point
from mm_env.theory.hawkes import Hawkes, exponential_fit, rescaled_times

Floats = NDArray[np.float64]

Structure = Literal["shared", "diagonal", "symmetric", "full"]
STRUCTURES: tuple[Structure, ...] = ("shared", "diagonal", "symmetric", "full")

_FEWEST = 20  # events of a dimension
_FASTEST, _SLOWEST = 1e7, 1e-6  # decays, in units of the mean rate
_LEAST_JUMP = 1e-9  # share of a decay


@dataclass(frozen=True, eq=False)
class HawkesFit:
    """A fitted process, and how good it is.

    process: baseline (D,), jump (K, D, D), decay (K,), decays ascending
    baseline_error, jump_error, decay_error: standard errors, NaN where the information is not positive
    branching_ratio_error: by the delta method
    log_likelihood; parameters: their number; bic: parameters × log(events) - 2 × log-likelihood, smaller is better
    distances, p_values: (D,) Kolmogorov and Smirnov's, of the rescaled times against Exp(1)
    """

    process: Hawkes
    structure: Structure
    events: int
    window: float
    log_likelihood: float
    parameters: int
    baseline_error: Floats
    jump_error: Floats
    decay_error: Floats
    branching_ratio_error: float
    distances: Floats
    p_values: Floats

    @property
    def bic(self) -> float:
        """Bayesian information criterion."""
        return self.parameters * math.log(self.events) - 2.0 * self.log_likelihood


def log_likelihood(times: ArrayLike, dims: ArrayLike, process: Hawkes, window: float) -> float:
    """Log-likelihood of events in [0, window] with nothing before.

    times: (n,) [time] rising; dims: (n,) int

    Raises EstimationError for times that fall or lie outside, or dimensions that there are not.
    """
    t, d = _checked(times, dims, window, process.baseline.size)
    return _value_and_gradient(t, d, window, process.baseline, process.jump, process.decay)[0]


def fit_hawkes(
    times: ArrayLike,
    dims: ArrayLike,
    window: float,
    exponentials: int,
    structure: Structure = "shared",
    starts: int = 3,
) -> HawkesFit:
    """Fit K exponentials whose decays all dimensions share.

    times: (n,) [time] of all dimensions, rising, in [0, window]; dims: (n,) int from 0
    structure: of each α_k: "shared" one number on the diagonal; "diagonal" one a dimension; "symmetric" one on the diagonal
        and one beside it; "full" D × D numbers
    starts: sets of decays that the search begins from

    Raises EstimationError for events that do not fit the window, dimensions with fewer than 20 events, and where no
    stationary process does (a branching ratio of 1 or more).
    """
    number = int(np.max(np.asarray(dims), initial=-1)) + 1
    t, d = _checked(times, dims, window, max(1, number))
    counts = np.bincount(d, minlength=max(1, number))
    if counts.min() < _FEWEST:
        raise EstimationError(f"events {counts.tolist()} of the dimensions; expected at least {_FEWEST} of each")
    if exponentials < 1 or starts < 1 or structure not in STRUCTURES:
        raise EstimationError(
            f"exponentials {exponentials}, starts {starts}, structure {structure!r}; expected 1 or more of the first two, "
            f"one of {', '.join(STRUCTURES)}"
        )
    problem = _Problem(t, d, window, exponentials, _groups(structure, exponentials, number))
    best = max((problem.search(start) for start in problem.starts(starts)), key=lambda found: found[1])
    return problem.result(best[0], structure)


def select_hawkes(
    times: ArrayLike,
    dims: ArrayLike,
    window: float,
    most: int = 4,
    structure: Structure = "shared",
) -> list[HawkesFit]:
    """Fits with 1 to `most` exponentials, until one more does not lower the BIC; the best is that with the lowest.

    Raises EstimationError as `fit_hawkes` does.
    """
    fits: list[HawkesFit] = []
    for k in range(1, most + 1):
        fits.append(fit_hawkes(times, dims, window, k, structure))
        if k > 1 and fits[-1].bic >= fits[-2].bic:
            break
    return fits


def _checked(times: ArrayLike, dims: ArrayLike, window: float, number: int) -> tuple[Floats, NDArray[np.int64]]:
    t = np.ascontiguousarray(times, dtype=np.float64)
    d = np.ascontiguousarray(dims, dtype=np.int64)
    if t.shape != d.shape or t.ndim != 1 or t.size == 0 or not np.isfinite(t).all():
        raise EstimationError(f"times {t.shape} and dimensions {d.shape}; expected two of one length, times finite")
    if (np.diff(t) < 0).any() or t[0] < 0.0 or t[-1] > window:
        raise EstimationError(f"times from {t[0]:g} to {t[-1]:g}; expected rising, from 0 to the window's {window:g}")
    if d.min() < 0 or d.max() >= number:
        raise EstimationError(f"dimensions {d.min()} to {d.max()}; expected a number from 0 to {number - 1}")
    return t, d


def _groups(structure: Structure, exponentials: int, number: int) -> NDArray[np.int64]:
    """(K, D, D) which parameter each α is; -1 for one that is 0."""
    one = np.full((number, number), -1, dtype=np.int64)
    diagonal = np.arange(number)
    if structure == "shared":
        one[diagonal, diagonal] = 0
    elif structure == "diagonal":
        one[diagonal, diagonal] = diagonal
    elif structure == "symmetric":
        one[:] = 1
        one[diagonal, diagonal] = 0
    else:
        one = np.arange(number * number).reshape(number, number)
    size = int(one.max()) + 1
    return np.stack([np.where(one >= 0, one + k * size, -1) for k in range(exponentials)])


@dataclass(frozen=True, eq=False)
class _Problem:
    """The likelihood of some events as a function of logarithms: D baselines, the α that there are, K decays."""

    times: Floats
    dims: NDArray[np.int64]
    window: float
    exponentials: int
    groups: NDArray[np.int64]

    @property
    def number(self) -> int:
        return int(self.groups.shape[1])

    @property
    def jumps(self) -> int:
        return int(self.groups.max()) + 1

    def starts(self, number: int) -> list[Floats]:
        """Points to search from: decays between the mean rate and one over the short gaps, a branching ratio of a half."""
        counts = np.bincount(self.dims, minlength=self.number)
        gaps = np.diff(self.times)
        gaps = gaps[gaps > 0.0]
        fast = 1.0 / max(float(np.quantile(gaps, 0.1)), 1e-9)
        slow = min(len(self.times) / self.window, fast / 10.0)
        k = self.exponentials
        points = []
        for s in range(number):
            shift = (s + 1.0) / (number + 1.0)
            decays = np.exp(np.log(slow) + (np.arange(k) + shift) / k * (np.log(fast) - np.log(slow)))
            per_row = (self.groups[0] >= 0).sum(axis=1).max()
            jumps = np.empty(self.jumps)
            for c in range(k):
                jumps[np.unique(self.groups[c][self.groups[c] >= 0])] = 0.5 * decays[c] / (k * per_row)
            points.append(np.log(np.concatenate([0.5 * counts / self.window, jumps, decays])))
        return points

    def unpack(self, theta: Floats) -> tuple[Floats, Floats, Floats]:
        values = np.exp(theta)
        baseline, rest = values[: self.number], values[self.number :]
        flat = np.append(rest[: self.jumps], 0.0)  # what -1 picks
        return baseline, flat[self.groups], rest[self.jumps :]

    def negative(self, theta: Floats) -> tuple[float, Floats]:
        """Minus the log-likelihood and its gradient."""
        baseline, jump, decay = self.unpack(theta)
        value, by_baseline, by_jump, by_decay = _value_and_gradient(
            self.times, self.dims, self.window, baseline, jump, decay
        )
        inside = self.groups >= 0
        grouped = np.bincount(self.groups[inside], by_jump[inside], minlength=self.jumps)
        return -value, -np.concatenate([by_baseline, grouped, by_decay]) * np.exp(theta)

    def search(self, start: Floats) -> tuple[Floats, float]:
        """Best point from a start, and its log-likelihood."""
        require("scipy")
        from scipy.optimize import minimize

        rate = len(self.times) / self.window
        bounds = [(math.log(1e-9 * rate), math.log(10.0 * rate))] * self.number
        bounds += [(math.log(_LEAST_JUMP * rate * _SLOWEST), math.log(_FASTEST * rate))] * self.jumps
        bounds += [(math.log(_SLOWEST * rate), math.log(_FASTEST * rate))] * self.exponentials
        found = minimize(
            self.negative,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 500, "ftol": 1e-12, "maxcor": 20},
        )
        return np.asarray(found.x), -float(found.fun)

    def result(self, theta: Floats, structure: Structure) -> HawkesFit:
        baseline, jump, decay = self.unpack(theta)
        order = np.argsort(decay)
        try:
            process = Hawkes(baseline, jump[order], decay[order])
        except ValueError as error:
            raise EstimationError(f"the fit is not stationary: {error}") from error
        covariance = self.covariance(theta)
        errors = np.sqrt(np.maximum(np.diag(covariance), 0.0)) * np.exp(theta)
        by_jump = np.append(errors[self.number : self.number + self.jumps], 0.0)[self.groups]
        relaxed = rescaled_times(self.times, self.dims, process, start=0.0)
        tests = [exponential_fit(one) for one in relaxed]
        return HawkesFit(
            process=process,
            structure=structure,
            events=len(self.times),
            window=self.window,
            log_likelihood=-self.negative(theta)[0],
            parameters=len(theta),
            baseline_error=errors[: self.number],
            jump_error=by_jump[order],
            decay_error=errors[self.number + self.jumps :][order],
            branching_ratio_error=self.ratio_error(theta, covariance),
            distances=np.array([distance for distance, _ in tests]),
            p_values=np.array([p for _, p in tests]),
        )

    def covariance(self, theta: Floats) -> Floats:
        """Inverse of the observed information about the logarithms, by central differences of the gradient."""
        size = len(theta)
        information = np.zeros((size, size))
        for k in range(size):
            step = np.zeros(size)
            step[k] = 1e-4
            information[k] = (self.negative(theta + step)[1] - self.negative(theta - step)[1]) / 2e-4
        information = 0.5 * (information + information.T)
        if np.linalg.eigvalsh(information).min() <= 0.0:
            return np.full((size, size), np.nan)
        return np.asarray(np.linalg.inv(information))

    def ratio_error(self, theta: Floats, covariance: Floats) -> float:
        def ratio(point: Floats) -> float:
            _, jump, decay = self.unpack(point)
            return float(np.abs(np.linalg.eigvals((jump / decay[:, None, None]).sum(axis=0))).max())

        gradient = np.array([(ratio(theta + step) - ratio(theta - step)) / 2e-5 for step in 1e-5 * np.eye(len(theta))])
        return (
            float(np.sqrt(max(float(gradient @ covariance @ gradient), 0.0))) if np.isfinite(covariance).all() else math.nan
        )


def _value_and_gradient(
    times: Floats, dims: NDArray[np.int64], window: float, baseline: Floats, jump: Floats, decay: Floats
) -> tuple[float, Floats, Floats, Floats]:
    """Log-likelihood, and its derivatives by baseline (D,), jump (K, D, D) and decay (K,)."""
    gradient = np.zeros_like(baseline), np.zeros_like(jump), np.zeros_like(decay)
    scratch = np.zeros((2, decay.size, baseline.size))
    value = np.zeros(1)
    _likelihood(times, dims, window, baseline, np.ascontiguousarray(jump), decay, *gradient, scratch[0], scratch[1], value)
    return float(value[0]), *gradient


@entry_point
def _likelihood(
    times: Floats,
    dims: NDArray[np.int64],
    window: float,
    baseline: Floats,
    jump: Floats,
    decay: Floats,
    by_baseline: Floats,
    by_jump: Floats,
    by_decay: Floats,
    past: Floats,
    aged: Floats,
    value: Floats,
) -> None:
    """Put the log-likelihood into value (1,), and add its gradient to by_baseline (D,), by_jump (K, D, D), by_decay (K,).

    past: (K, D) zeros; sums of exp(-beta (t - t_j)) over the events of a dimension before t
    aged: (K, D) zeros; the same with (t - t_j) in front, minus the derivative by beta
    """
    number, size = baseline.size, decay.size
    total = 0.0
    last = 0.0
    n = 0
    while n < times.size:
        t = times[n]
        gap = t - last
        last = t
        for k in range(size):
            kept = math.exp(-decay[k] * gap)
            for j in range(number):
                aged[k, j] = kept * (aged[k, j] + gap * past[k, j])
                past[k, j] *= kept
        end = n
        while end < times.size and times[end] == t:
            i = dims[end]
            rate = baseline[i]
            for k in range(size):
                for j in range(number):
                    rate += jump[k, i, j] * past[k, j]
            total += math.log(rate)
            by_baseline[i] += 1.0 / rate
            for k in range(size):
                for j in range(number):
                    by_jump[k, i, j] += past[k, j] / rate
                    by_decay[k] -= jump[k, i, j] * aged[k, j] / rate
            end += 1
        for event in range(n, end):
            left = window - t
            for k in range(size):
                past[k, dims[event]] += 1.0
                gone = math.exp(-decay[k] * left)
                share = (1.0 - gone) / decay[k]
                for i in range(number):
                    total -= jump[k, i, dims[event]] * share
                    by_jump[k, i, dims[event]] -= share
                    by_decay[k] -= jump[k, i, dims[event]] * (left * gone - share) / decay[k]
        n = end
    for i in range(number):
        total -= baseline[i] * window
        by_baseline[i] -= window
    value[0] = total
