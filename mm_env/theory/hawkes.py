"""Theory of Hawkes processes whose kernels are sums of exponentials: means, counts, signature plots, rescaled times.

The intensity of dimension i is μ_i + Σ_k Σ_j α_k,ij Σ_{t_j < t} exp(-β_k (t - t_j)), t_j the events of dimension j. The
excitations x_k,i are a linear Markov process, dx = M x dt + J dN and λ = μ + E x, so that the second moments of counts are
matrix exponentials: with S the stationary covariance of x (M S + S M' + J diag(Λ) J' = 0), the covariance density of events
a time u > 0 apart is E exp(M u) (S E' + J diag(Λ)).

Source: Hawkes 1971 (means, covariance density); Ogata 1988 (time rescaling); Bacry, Delattre, Hoffmann & Muzy 2013
(signature plot).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.sim.compiling import entry_point
from mm_env.theory.matrices import exponential

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Hawkes:
    """A stationary process of D dimensions with K exponentials.

    baseline: (D,) [1/time] μ; jump: (K, D, D) [1/time] α, of the intensity of the first dimension at an event of the
    second; decay: (K,) [1/time] β
    """

    baseline: Floats
    jump: Floats
    decay: Floats

    def __post_init__(self) -> None:
        """Raise ValueError for shapes that do not agree, negative parameters, or a branching ratio of 1 or more."""
        for name in ("baseline", "jump", "decay"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        d, k = self.baseline.size, self.decay.size
        if self.baseline.shape != (d,) or self.decay.shape != (k,) or self.jump.shape != (k, d, d):
            raise ValueError(
                f"baseline {self.baseline.shape}, jump {self.jump.shape}, decay {self.decay.shape}; "
                "expected (D,), (K, D, D) and (K,)"
            )
        if not (np.isfinite(self.jump).all() and (self.jump >= 0).all() and (self.baseline >= 0).all()):
            raise ValueError(f"baseline {self.baseline.tolist()}, jump {self.jump.tolist()}; expected 0 or more, finite")
        if not (self.decay > 0).all():
            raise ValueError(f"decay {self.decay.tolist()}; expected a number above 0")
        if self.branching_ratio >= 1.0:
            raise ValueError(
                f"branching ratio {self.branching_ratio:.6g}; expected a number below 1, else no stationary process exists"
            )

    @classmethod
    def one(cls, mu: float, alpha: float, beta: float) -> Hawkes:
        """Return the process of one dimension and one exponential."""
        return cls(np.array([mu]), np.array([[[alpha]]]), np.array([beta]))

    @classmethod
    def crossing(cls, mu: float, alpha: float, beta: float) -> Hawkes:
        """Return two streams that excite each other and not themselves: buys and sells of Bacry et al. 2013."""
        return cls(np.array([mu, mu]), np.array([[[0.0, alpha], [alpha, 0.0]]]), np.array([beta]))

    @property
    def norm(self) -> Floats:
        """(D, D) ‖Φ‖: mean number of events of the first dimension that one of the second causes directly."""
        return np.asarray((self.jump / self.decay[:, None, None]).sum(axis=0))

    @property
    def branching_ratio(self) -> float:
        """Spectral radius of `norm`."""
        return float(np.abs(np.linalg.eigvals(self.norm)).max())

    @property
    def rates(self) -> Floats:
        """(D,) [1/time] mean intensities (I - ‖Φ‖)⁻¹ μ."""
        return np.asarray(np.linalg.solve(np.eye(self.baseline.size) - self.norm, self.baseline), dtype=np.float64)

    def count_covariance(self, window: float) -> Floats:
        """(D, D) covariance of the counts of a stationary process within a window [time]."""
        k, d = self.decay.size, self.baseline.size
        size = k * d
        pick = np.tile(np.eye(d), k)  # E
        jump = self.jump.reshape(size, d)  # J
        drift = jump @ pick - np.diag(np.repeat(self.decay, d))  # M
        rates = np.diag(self.rates)
        eye = np.eye(size)
        noise = jump @ rates @ jump.T
        stationary = np.linalg.solve(np.kron(eye, drift) + np.kron(drift, eye), -noise.ravel()).reshape(size, size)
        # exp of this block matrix holds the integral of (window - u) exp(M u) over the window in its last block column
        block = np.zeros((3 * size, 3 * size))
        block[:size, :size] = drift
        block[:size, size : 2 * size] = block[size : 2 * size, 2 * size :] = eye
        twice = exponential(block * window)[:size, 2 * size :]
        apart = pick @ twice @ (stationary @ pick.T + jump @ rates)
        return np.asarray(rates * window + apart + apart.T)

    def signature(self, window: float, up: int = 0, down: int = 1) -> float:
        """Variance of (events of `up` less those of `down`) within a window, over the window [1/time]."""
        v = self.count_covariance(window)
        return float(v[up, up] + v[down, down] - v[up, down] - v[down, up]) / window


def _spread(kappa: float, omega: float, window: float) -> float:
    """κ² + (1 - κ²)(1 - exp(-ωτ)) / (ωτ)."""
    x = omega * window
    return kappa**2 + (1.0 - kappa**2) * (-math.expm1(-x) / x if x > 0.0 else 1.0)


def count_dispersion(alpha: float, beta: float, window: float) -> float:
    """Variance over mean of the counts of one dimension and one exponential within a window [time].

    κ² + (1 - κ²)(1 - exp(-ωτ)) / (ωτ), κ = 1/(1 - α/β), ω = β - α. Source: Hawkes 1971; Da Fonseca & Zaatour 2014.
    """
    return _spread(1.0 / (1.0 - alpha / beta), beta - alpha, window)


def signature_plot(mu: float, alpha: float, beta: float, window: float) -> float:
    """`Hawkes.crossing(…).signature(window)` in closed form [1/time].

    Λ (κ² + (1 - κ²)(1 - exp(-ωτ)) / (ωτ)), Λ = 2μ/(1 - n), κ = 1/(1 + n), ω = α + β, n = α/β. Source: Bacry et al. 2013.
    """
    ratio = alpha / beta
    return 2.0 * mu / (1.0 - ratio) * _spread(1.0 / (1.0 + ratio), alpha + beta, window)


def rescaled_times(times: ArrayLike, dims: ArrayLike, process: Hawkes, start: float | None = None) -> list[Floats]:
    """Integral of each dimension's intensity between its events: independent Exp(1) if the process is the right one.

    times: (n,) [time] of all dimensions, rising; dims: (n,) int
    start: [time] since when there were no events before `times`; None leaves out the first of each dimension

    With events before `start` that are not given the first few relaxation times are wrong: start late, or from nothing.
    Raises ValueError for times that fall, or a dimension that there is not.
    """
    t, d = np.asarray(times, dtype=np.float64), np.asarray(dims, dtype=np.int64)
    if t.shape != d.shape or t.ndim != 1 or (np.diff(t) < 0).any():
        raise ValueError(f"times {t.shape} and dimensions {d.shape}; expected two of one length, times rising")
    if d.size and not 0 <= d.min() <= d.max() < process.baseline.size:
        raise ValueError(f"dimensions {d.min()} to {d.max()}; expected a number from 0 to {process.baseline.size - 1}")
    begin = start if start is not None else float(t[0]) if t.size else 0.0
    values, excitation = np.zeros(t.size), np.zeros(process.jump.shape[:2])
    _compensate(
        t, d, begin, process.baseline, process.jump, process.decay, excitation, np.zeros(process.baseline.size), values
    )
    parts = [values[d == k] for k in range(process.baseline.size)]
    return parts if start is not None else [part[1:] for part in parts]


@entry_point
def _compensate(
    times: Floats,
    dims: NDArray[np.int64],
    start: float,
    baseline: Floats,
    jump: Floats,
    decay: Floats,
    excitation: Floats,
    total: Floats,
    found: Floats,
) -> None:
    """Fill found (n,): compensator of each event's dimension since its last event, or since `start`.

    excitation: (K, D) and total: (D,) scratch, zeros
    """
    last = start
    for n in range(times.size):
        gap = times[n] - last
        last = times[n]
        for i in range(total.size):
            total[i] += baseline[i] * gap
        for k in range(decay.size):
            lost = -math.expm1(-decay[k] * gap)
            for i in range(total.size):
                total[i] += excitation[k, i] * lost / decay[k]
                excitation[k, i] *= 1.0 - lost
        d = dims[n]
        found[n] = total[d]
        total[d] = 0.0
        for k in range(decay.size):
            for i in range(total.size):
                excitation[k, i] += jump[k, i, d]


def exponential_fit(values: ArrayLike) -> tuple[float, float]:
    """(D, p-value) of Kolmogorov and Smirnov for independent values of Exp(1).

    The p-value is that of the limiting law at D (√n + 0.12 + 0.11/√n), right to two digits from n = 20 on.
    Raises ValueError for fewer than 20 values. Source: Stephens 1970.
    """
    x = np.sort(np.asarray(values, dtype=np.float64))
    if x.ndim != 1 or x.size < 20 or not np.isfinite(x).all():
        raise ValueError(f"values of shape {x.shape}; expected at least 20 finite numbers")
    law = -np.expm1(-np.maximum(x, 0.0))
    rank = np.arange(x.size)
    distance = float(max((law - rank / x.size).max(), ((rank + 1) / x.size - law).max()))
    root = math.sqrt(x.size)
    return distance, kolmogorov_tail(distance * (root + 0.12 + 0.11 / root))


def kolmogorov_tail(x: float) -> float:
    """Probability that the supremum of a Brownian bridge's modulus passes x.

    Source: Kolmogorov 1933; below 1 by its theta-function counterpart, which converges there.
    """
    if x <= 0.0:
        return 1.0
    if x < 1.0:
        factor = math.sqrt(2.0 * math.pi) / x
        return 1.0 - factor * sum(math.exp(-((2 * k - 1) ** 2) * math.pi**2 / (8.0 * x * x)) for k in range(1, 20))
    return max(0.0, 2.0 * sum((-1.0) ** (k - 1) * math.exp(-2.0 * (k * x) ** 2) for k in range(1, 20)))
