"""Stylised facts of returns and of trade signs: tails, memory, clustering, each with an error over independent envs.

Arrays are (T, E, S): T instants on an even grid, E independent envs, S symbols. What happens within an env is not
independent, so that every error is a jackknife that leaves out one env at a time. Symbols are weighted alike: a statistic
that has no scale is taken of each symbol and averaged, as one of them may be much livelier than another.

Source: Cont 2001, Empirical properties of asset returns; Lillo & Farmer 2004, The long memory of the efficient market.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_env.errors import UsageError

Z95 = 1.959963984540054  # half width of a two-sided 95 % interval, in standard errors
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A figure, or a curve of figures, with standard errors; NaN where the data do not say.

    value, error: () or (L,) float64
    """

    value: Floats
    error: Floats

    def at(self, k: int) -> tuple[float, float]:
        """(value, standard error) of one point of a curve."""
        return float(self.value[k]), float(self.error[k])

    def pair(self) -> tuple[float, float]:
        """(value, standard error) of a single figure."""
        return float(self.value), float(self.error)


def jackknife(sums: ArrayLike, statistic: Callable[[Floats], ArrayLike]) -> Measured:
    """A function of sums over envs, with the error of leaving out one env at a time.

    sums: (E, ...) float64 what each env adds
    statistic: of the (...) sums over envs; may return a curve

    Raises UsageError for fewer than two envs. Source: Efron & Stein 1981.
    """
    each = np.asarray(sums, np.float64)
    envs = len(each)
    if envs < 2:
        raise UsageError(f"{envs} envs; expected 2 or more, as errors are over envs")
    total = each.sum(axis=0)
    without = np.array([statistic(total - one) for one in each], np.float64)
    spread = without - without.mean(axis=0)
    return Measured(np.asarray(statistic(total), np.float64), np.sqrt((envs - 1) / envs * (spread**2).sum(axis=0)))


def moves(mid: ArrayLike, steps: int) -> Floats:
    """Changes over `steps` grid steps that do not overlap, less their mean by symbol.

    mid: (T, E, S) [ticks]; returns (n, E, S) float64 [ticks]

    Raises UsageError where the sample holds no such change.
    """
    x = np.asarray(mid, np.float64)
    if not 1 <= steps < len(x):
        raise UsageError(f"steps {steps}; expected a number from 1 to {len(x) - 1}, as there are {len(x)} instants")
    change = np.diff(x[::steps], axis=0)
    change -= change.mean(axis=(0, 1))
    return np.asarray(change)


def kurtosis(mid: ArrayLike, steps: Sequence[int]) -> Measured:
    """Excess kurtosis of mid moves by horizon: 0 is a normal law, 3 that of Laplace.

    mid: (T, E, S) [ticks]; steps: L horizons in grid steps; returns a curve (L,)

    Source: Cont 2001, section 3 (heavy tails, aggregational Gaussianity).
    """
    curves = []
    for step in steps:
        r = moves(mid, step)
        r *= r
        sums = np.stack([np.full(r.shape[1:], float(len(r))), r.sum(axis=0), products(r, r)], axis=-1)
        curves.append(jackknife(sums, _excess))
    return Measured(np.array([c.value for c in curves]), np.array([c.error for c in curves]))


def products(a: Floats, b: Floats) -> Floats:
    """(E, S) sum over time of the products of two (T, E, S), without room for all of them."""
    return np.asarray(np.einsum("tes,tes->es", a, b))


def _excess(sums: Floats) -> float:
    count, square, fourth = sums[:, 0], sums[:, 1], sums[:, 2]
    return float(np.mean(count * fourth / square**2)) - 3.0


def hill(returns: ArrayLike, share: float = 0.01) -> Measured:
    """Tail exponent of |returns|: the probability of more than x falls as x**-exponent.

    returns: (n, E, S); share: of all returns, the largest, that are the tail

    Each symbol is divided by its sd first. The threshold is a quantile of all envs, and its own error is left out.
    Source: Hill 1975; Gopikrishnan et al. 1998 find about 3 in stocks.
    """
    r = np.asarray(returns, np.float64)
    size = np.abs(r) / r.std(axis=(0, 1))
    threshold = float(np.quantile(size, 1.0 - share))
    log = np.log(np.maximum(size, threshold) / threshold)
    sums = np.stack([(size > threshold).sum(axis=(0, 2)), log.sum(axis=(0, 2))], axis=-1)
    return jackknife(sums, lambda s: s[0] / s[1] if s[1] > 0.0 else math.nan)


def exceedance(returns: ArrayLike, deviations: ArrayLike) -> Floats:
    """Share of |returns| beyond each of so many standard deviations: (L,) float64.

    returns: (n, E, S); deviations: (L,) [sd] of each symbol
    """
    r = np.asarray(returns, np.float64)
    size = np.sort((np.abs(r) / r.std(axis=(0, 1))).ravel())
    return np.asarray(1.0 - np.searchsorted(size, np.asarray(deviations), side="right") / size.size)


def autocorrelation(values: ArrayLike, lags: Sequence[int]) -> Measured:
    """Autocorrelation by lag, the mean of all envs being taken off; the band is `Z95` errors to each side.

    values: (n, E, S); lags: L of them, in rows of values; returns a curve (L,)

    The mean is that of all envs: an env's own would bias the correlation of a long memory towards the negative.
    Raises UsageError for a lag that does not fit.
    """
    x = np.asarray(values, np.float64)
    x = x - x.mean(axis=(0, 1))
    _check_lags(lags, len(x))
    lagged = [products(x[lag:], x[: len(x) - lag]) / (len(x) - lag) for lag in lags]
    sums = np.stack([products(x, x) / len(x), *lagged], axis=-1)
    return jackknife(sums, lambda s: (s[:, 1:] / s[:, :1]).mean(axis=0))


def _check_lags(lags: Sequence[int], rows: int) -> None:
    if not lags or min(lags) < 1 or max(lags) >= rows:
        raise UsageError(f"lags {list(lags)}; expected one or more, from 1 to {rows - 1}")


def log_log_slope(x: ArrayLike, y: ArrayLike) -> float:
    """Slope of ln y on ln x by least squares; NaN where some y is not above zero, as no power law is."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(x) < 2 or not (y > 0.0).all():
        return math.nan
    u = np.log(x) - np.log(x).mean()
    return float((u * np.log(y)).sum() / (u * u).sum())


@dataclass(frozen=True)
class SignMemory:
    """How long trade signs remember.

    lags: (L,) float64 [trades] geometric mean of each group of lags
    curve: (L,) mean autocorrelation of each group
    exponent: the autocorrelation falls as lag**-exponent over these lags; NaN where it does not stay above zero
    hurst: 1 - exponent / 2
    """

    lags: Floats
    curve: Measured
    exponent: Measured
    hurst: Measured


def sign_memory(flow: ArrayLike, first: int, last: int, groups: int = 8) -> SignMemory:
    """Autocorrelation of trade signs in trade time, and the power law fitted to it over the lags `first` to `last`.

    flow: (T, E, S) takers that bought less those that sold, by grid step; a step with as many of both, or none, is left
        out, and what came together counts as one trade, as does what carries one time stamp in a record of trades
    first, last: [trades] lags, both included, which are averaged in `groups` of even logarithmic width

    Buys and sells are alike by symmetry, so that the mean is known to be zero.
    Source: Lillo & Farmer 2004: exponent about 0.6, Hurst exponent 0.7.
    """
    signs = np.sign(np.asarray(flow)).astype(np.int8)
    edges = np.unique(np.geomspace(first, last + 1, groups + 1).round().astype(int))
    envs, symbols = signs.shape[1:]
    sums = np.zeros((envs, len(edges) - 1, 2))
    for e in range(envs):
        for s in range(symbols):
            x = signs[:, e, s]
            x = x[x != 0].astype(np.float64)
            lagged = _lagged(x, int(edges[-1]))
            counts = np.maximum(len(x) - np.arange(edges[-1]), 0)
            for k, (low, high) in enumerate(pairwise(edges)):
                sums[e, k] += lagged[low:high].sum(), counts[low:high].sum()
    lags = np.array([math.exp(np.log(np.arange(a, b)).mean()) for a, b in pairwise(edges)])
    curve = jackknife(sums, lambda s: s[:, 0] / np.maximum(s[:, 1], 1.0))
    exponent = jackknife(sums, lambda s: -log_log_slope(lags, s[:, 0] / np.maximum(s[:, 1], 1.0)))
    return SignMemory(lags, curve, exponent, hurst_of(exponent))


def hurst_of(exponent: Measured) -> Measured:
    """Hurst exponent of a process whose autocorrelation falls as lag**-exponent, exponent below 1: 1 - exponent / 2.

    Source: Beran 1994, section 2.3.
    """
    return Measured(1.0 - 0.5 * exponent.value, 0.5 * exponent.error)


def _lagged(x: Floats, lags: int) -> Floats:
    """(lags,) sums of x[t] x[t + lag], by Fourier transform; zero at lags that do not fit."""
    size = 1 << (2 * max(len(x), lags, 1)).bit_length()
    spectrum = np.fft.rfft(x, size)
    return np.asarray(np.fft.irfft(spectrum * spectrum.conj(), size)[:lags])
