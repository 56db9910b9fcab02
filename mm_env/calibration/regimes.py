"""Regimes of a market: states with volatility, taker rate, spread and depth of their own, and how long they last.

Windows of time have the logarithms of the four as features. A Gaussian mixture (scikit-learn's) finds the states, and its
BIC how many there are. The mixture knows no time; with its densities held, the transitions are those under which the
sequence of windows is likeliest, as in a hidden Markov model. Counting the changes of the likeliest state would do the
same where states never overlap; where they do, each misclassified window would cut a regime in two. A window is the
shortest regime that can be seen, and a rare state whose densities overlap another's seems to end sooner than it does. What
changes with the time of the day looks like a regime: a polynomial in it can be taken off first.
Source: Hamilton 1989 (Markov switching); Fraley & Raftery 2002 (mixtures, number of states by BIC).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.intraday import DAY_SECONDS, Windows
from mm_env.calibration.queues import BLOCKS
from mm_env.errors import DataError
from mm_env.extras import require

Floats = NDArray[np.float64]
FEATURES = ("volatility", "takers", "spread", "depth")
_FEWEST = 30  # windows
_COARSE = 0.2  # share of the windows with one value
_SMALLEST = 10.0  # windows in a state; fewer are outliers
_LEAST_VARIANCE = 1e-3  # of a state, of the variance of all windows
_RARE, _OFTEN = math.log(1e-4), math.log(1e4)  # odds of a transition against none


@dataclass(frozen=True, eq=False)
class Regimes:
    """States in order of volatility, k of them.

    window_seconds: [s]; windows: how many; features: those that distinguish states; bic: by number of states tried
    share: (k,) of the time, with standard errors by blocks of time
    duration: (k,) [s] mean, NaN where the state is not seen to end, with standard errors for densities that are known
    transition: (k, k) probabilities from row to column, from one window to the next
    multiplier: feature -> (k,) its mean in the state over that of all windows, profile taken off; its errors by blocks
    score: (n,) log volatility of the windows, standardised; middle, width: (k,) its mean and standard deviation by state
    """

    window_seconds: float
    windows: int
    features: tuple[str, ...]
    bic: dict[int, float]
    share: Floats
    share_error: Floats
    duration: Floats
    duration_error: Floats
    transition: Floats
    multiplier: dict[str, Floats]
    multiplier_error: dict[str, Floats]
    score: Floats
    middle: Floats
    width: Floats


def fit_regimes(windows: Windows, most: int = 3, profile_degree: int = 2) -> Regimes:
    """Find the states of windows, as `window_sums` makes them; a minute is a good length.

    most: states that are tried; profile_degree: of the polynomial in the time of the day that is taken off the logarithms; 0
    takes nothing off

    Windows that are open for less than half their length are left out. So is a feature with one value in a fifth of them or
    more: the mixture would take the value for a state. Raises DataError for most or a degree out of range, fewer than 30
    windows, and where volatility is such a feature.
    """
    require("sklearn")
    from threadpoolctl import threadpool_limits  # scikit-learn brings it

    if not 1 <= most <= 5 or not 0 <= profile_degree <= 6:
        raise DataError(f"{most} states, degree {profile_degree}; expected 1 to 5, 0 to 6")
    step = int(np.diff(windows.start[:2]).sum())
    kept = (windows.seconds * 1e9 > 0.5 * step) & (windows.moves > 0.0)
    if np.count_nonzero(kept) < _FEWEST:
        raise DataError(f"{np.count_nonzero(kept)} windows that are open; expected {_FEWEST} or more")
    start, raw = windows.start[kept], _features(windows, kept)
    clock = start / 1e9 % DAY_SECONDS
    clock = 2.0 * (clock - clock.min()) / max(float(np.ptp(clock)), 1.0) - 1.0
    logs, flat = {}, {}
    for name, value in raw.items():
        if _commonest(value) >= _COARSE * len(value):
            flat[name] = value
            continue
        log = np.log(np.maximum(value, 0.5 * value[value > 0.0].min()))
        profile = np.polynomial.Polynomial.fit(clock, log, profile_degree)(clock)
        logs[name] = (log - profile) / max(float(np.std(log - profile)), 1e-12)
        flat[name] = value * np.exp(profile.mean() - profile)
    if "volatility" not in logs:
        raise DataError(
            f"{len(start)} windows of {step / 1e9:g} s, {_commonest(raw['volatility'])} of the same volatility; "
            f"expected fewer than {_COARSE:.0%}; windows may be too short"
        )
    table = np.stack(list(logs.values()), axis=1)
    with threadpool_limits(1):  # matrices of 4 by 4: threads would wait for each other far longer than they work
        mixture, bic = _mixture(table, most)
        return _described(mixture, bic, table, tuple(logs), flat, start, step)


def _features(windows: Windows, kept: NDArray[np.bool_]) -> dict[str, Floats]:
    seconds = windows.seconds[kept]
    return {
        "volatility": np.sqrt(windows.variance[kept] / windows.moves[kept]),
        "takers": windows.takers[kept] / seconds,
        "spread": windows.spread[kept] / seconds,
        "depth": windows.depth[kept] / seconds,
    }


def _commonest(value: Floats) -> int:
    """How many have the commonest value."""
    return int(np.unique(np.round(value, 9), return_counts=True)[1].max())


def _mixture(table: Floats, most: int) -> tuple[Any, dict[int, float]]:
    """The mixture of the lowest BIC among those whose states all have some windows, and the BICs of these."""
    from sklearn.mixture import GaussianMixture

    fits = {}
    for k in range(1, most + 1):
        rough = GaussianMixture(k, reg_covar=_LEAST_VARIANCE, max_iter=1000, n_init=5, random_state=0).fit(table)
        fit = _refined(rough, table)  # where states overlap, a step may be small far from the end
        if k == 1 or fit.weights_.min() * len(table) >= _SMALLEST:
            fits[k] = fit
    bic = {k: float(fit.bic(table)) for k, fit in fits.items()}
    return fits[min(bic, key=lambda k: bic[k])], bic


def _refined(mixture: Any, table: Floats) -> Any:
    """The mixture that fits a table best near to another, so that its states are in the same order."""
    from sklearn.mixture import GaussianMixture

    return GaussianMixture(
        mixture.n_components, reg_covar=_LEAST_VARIANCE, tol=1e-5, max_iter=5000, random_state=0,
        weights_init=mixture.weights_, means_init=mixture.means_, precisions_init=mixture.precisions_,
    ).fit(table)  # fmt: skip


def _described(
    mixture: Any,
    bic: dict[int, float],
    table: Floats,
    names: tuple[str, ...],
    flat: dict[str, Floats],
    start: NDArray[np.int64],
    step: int,
) -> Regimes:
    values = np.stack([flat[name] for name in FEATURES])
    belief = mixture.predict_proba(table)
    order = np.argsort((values[0] @ belief) / belief.sum(axis=0))
    share, multiplier = _levels(belief[:, order], values)
    without = []
    for block in np.array_split(np.arange(len(table)), BLOCKS):
        rest = np.delete(table, block, axis=0)
        again = _refined(mixture, rest).predict_proba(rest)[:, order]
        without.append(_levels(again, np.delete(values, block, axis=1)))
    share_error, multiplier_error = (_jackknife(np.array(part)) for part in zip(*without, strict=True))
    begins = np.diff(start, prepend=start[0] - 2 * step) != step
    transition, duration, error = _transitions(belief[:, order] / share, share, begins)
    first = names.index("volatility")
    return Regimes(
        window_seconds=step / 1e9,
        windows=len(table),
        features=names,
        bic=bic,
        share=share,
        share_error=share_error,
        duration=duration * step / 1e9,
        duration_error=error * step / 1e9,
        transition=transition,
        multiplier=dict(zip(FEATURES, multiplier, strict=True)),
        multiplier_error=dict(zip(FEATURES, multiplier_error, strict=True)),
        score=table[:, first],
        middle=mixture.means_[order, first],
        width=np.sqrt(mixture.covariances_[order, first, first]),
    )


def _levels(belief: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Shares (k,) of the states, and means (features, k) of the features in each over those of all windows, NaN of zeros."""
    means = values.mean(axis=1, keepdims=True)
    inside = (values @ belief) / belief.sum(axis=0)
    return belief.mean(axis=0), np.divide(inside, means, out=np.full_like(inside, np.nan), where=means > 0.0)


def _jackknife(without: Floats) -> Floats:
    """Standard errors of an estimate, from what it is without each block in turn: (blocks, ...)."""
    spread = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.sqrt(spread * (len(without) - 1) / len(without)))


def _transitions(density: Floats, share: Floats, begins: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """The likeliest transitions (k, k) of a hidden Markov model, mean durations [windows], and their standard errors.

    density: (n, k) of each window in each state, up to a factor of the window; begins: (n,) windows after a gap
    """
    require("scipy")
    from scipy.optimize import minimize

    k = len(share)
    away = ~np.eye(k, dtype=bool)
    if k == 1:
        return np.ones((1, 1)), np.full(1, np.nan), np.full(1, np.nan)

    def matrices(odds: Floats) -> Floats:
        """(m, k, k) of the logarithms (m, k (k - 1)) of the odds of each transition against none."""
        weight = np.tile(np.eye(k), (len(odds), 1, 1))
        weight[:, away] = np.exp(odds)
        return np.asarray(weight / weight.sum(axis=2, keepdims=True))

    def lost(odds: Floats) -> Floats:
        return -_log_likelihood(matrices(odds), density, share, begins)

    d, step = k * (k - 1), 1e-4
    nearby = np.concatenate([np.eye(d), -np.eye(d)]) * step

    def slope(odds: Floats) -> tuple[float, Floats]:
        values = lost(np.concatenate([odds[None], odds + nearby]))
        return float(values[0]), (values[1 : d + 1] - values[d + 1 :]) / (2.0 * step)

    begin, bounds = np.full(d, math.log(0.1 / (k - 1))), [(_RARE, _OFTEN)] * d
    found = np.asarray(minimize(slope, begin, jac=True, method="L-BFGS-B", bounds=bounds).x)
    seen = (found > _RARE + 0.01) & (found < _OFTEN - 0.01)  # others stand at an end, where the likelihood has no curvature
    wide = 100.0 * step
    bend = np.array(
        [(slope(found + wide * one)[1] - slope(found - wide * one)[1]) / (2.0 * wide) for one in np.eye(d)[seen]]
    )
    covariance = np.zeros((d, d))
    covariance[np.ix_(seen, seen)] = np.linalg.pinv(bend.reshape(-1, d)[:, seen])
    odds = np.where(seen | (found > 0.0), np.exp(found), 0.0).reshape(k, k - 1)
    leaves = odds.sum(axis=1)
    unknown = np.full(k, np.nan)
    duration = 1.0 + np.divide(1.0, leaves, out=unknown.copy(), where=leaves > 0.0)
    rows = np.zeros((k, k, k - 1))  # change of the duration of a state by the odds of each transition
    rows[np.arange(k), np.arange(k)] = -odds * np.where(leaves > 0.0, duration - 1.0, 0.0)[:, None] ** 2
    spread = rows.reshape(k, d)
    error = np.sqrt(np.einsum("id,de,ie->i", spread, covariance, spread))
    return matrices(found[None])[0], duration, np.where(leaves > 0.0, error, np.nan)


def _log_likelihood(matrices: Floats, density: Floats, share: Floats, begins: NDArray[np.bool_]) -> Floats:
    """(m,) of the windows under each of the transition matrices (m, k, k): the forward recursion."""
    total = np.zeros(len(matrices))
    belief = np.tile(share, (len(matrices), 1))
    for row, begin in zip(density, begins, strict=True):
        belief = np.tile(share, (len(matrices), 1)) if begin else np.einsum("mi,mij->mj", belief, matrices)
        belief = belief * row
        scale = belief.sum(axis=1)
        total += np.log(scale)
        belief = belief / scale[:, None]
    return total
