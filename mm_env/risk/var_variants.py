"""Ways to state the value at risk of a position, from what an agent has seen until then.

name | what
-------- | ----
parametric, cornish_fisher, historical | as the simulator states it, with the market's own parameters
parametric:H | normal, EWMA covariance of steps with a half-life of H seconds, scaled by the square root of time
moves:H | normal, EWMA covariance of overlapping moves over the horizon itself: no scaling, so that drifts and bounces count
fhs:H | filtered historical simulation: past moves over the horizon in units of the EWMA volatility (half-life H) of their \
time, joint over symbols, times today's
fhs:H+G | the larger figure of fhs:H and fhs:G: one quick to rise, one slow to forget

Source: RiskMetrics 1996; Barone-Adesi, Giannopoulos & Vosper 1999 (filtered historical simulation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mm_env.errors import UsageError

Floats = NDArray[np.float64]

KERNEL = ("parametric", "cornish_fisher", "historical")
OFFLINE = ("parametric", "moves", "fhs")
THIN = 4  # of the overlapping moves of a simulation every fourth is taken: its neighbours say nearly the same


@dataclass(frozen=True)
class Variant:
    """name: as `variant_of` reads it; kind: "kernel" or one of OFFLINE; half_lives: [s], none for the kernel's own."""

    name: str
    kind: str
    half_lives: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class AgentView:
    """What was seen of N blocks, and when their positions are frozen.

    mids: (K, N, S) [currency] as seen at the ends of the steps
    covariance: (N, S, S) [currency²/s] the simulator's EWMA at the first of them
    times: (M,) int steps at which positions are frozen
    shares: (M, N, S) held at these
    value_at_risk: (M, N, 3) [currency] as the simulator states it, KERNEL
    step_seconds, horizon_steps, window_steps: window: of past moves that a simulation draws from
    conf, es_conf: confidence of the value at risk, and of the expected shortfall
    es_window: steps behind the simulator's historical figures
    """

    mids: Floats
    covariance: Floats
    times: NDArray[np.int64]
    shares: Floats
    value_at_risk: Floats
    step_seconds: float
    horizon_steps: int
    window_steps: int
    conf: float
    es_conf: float
    es_window: int


@dataclass(frozen=True, eq=False)
class Figures:
    """Of each frozen position (M, N) [currency]: value at risk; expected shortfall at es_conf and value at risk at that.

    The latter two are None for a method that states none.
    """

    value_at_risk: Floats
    expected_shortfall: Floats | None
    es_value_at_risk: Floats | None


def parse_variant(text: str) -> Variant:
    """The variant of a name; raises UsageError for one that does not exist."""
    kind, colon, rest = text.strip().partition(":")
    allowed = f"{', '.join(KERNEL)}, {', '.join(f'{kind}:H' for kind in OFFLINE)} or fhs:H+G, H and G half-lives in seconds"
    if not colon and kind in KERNEL:
        return Variant(kind, "kernel")
    try:
        half_lives = tuple(float(part) for part in rest.split("+"))
    except ValueError:
        half_lives = ()
    good = half_lives and all(0.0 < one < math.inf for one in half_lives) and (kind == "fhs" or len(half_lives) == 1)
    if kind not in OFFLINE or not good:
        raise UsageError(f"variant {text!r}; expected {allowed}")
    return Variant(text.strip(), kind, half_lives)


def figures_of(variant: Variant, seen: AgentView) -> Figures:
    """State the risk of all frozen positions."""
    if variant.kind == "kernel":
        return _kernel(variant.name, seen)
    if variant.kind == "fhs":
        parts = [_simulated(seen, half_life) for half_life in variant.half_lives]
        return Figures(*(np.maximum.reduce(list(same)) for same in zip(*parts, strict=True)))
    moves = seen.horizon_steps if variant.kind == "moves" else 1
    sd = np.sqrt(_quadratic(ewma_covariance(seen, variant.half_lives[0], moves)[seen.times], seen.shares))
    return _normal(sd * math.sqrt(seen.horizon_steps / moves), seen)


def ewma_covariance(seen: AgentView, half_life: float, moves: int = 1) -> Floats:
    """(K, N, S, S) [currency²] EWMA of the products of mid changes over `moves` steps, as known at each step.

    Before the first change of that length, as the simulator's own covariance has it.
    """
    keep = 0.5 ** (seen.step_seconds / half_life)
    now = seen.covariance * (moves * seen.step_seconds)
    found = np.empty((len(seen.mids), *now.shape))
    found[:moves] = now
    changes = seen.mids[moves:] - seen.mids[:-moves]
    for k, change in enumerate(changes):
        now = keep * now + (1.0 - keep) * (change[:, :, None] * change[:, None, :])
        found[k + moves] = now
    return found


def _quadratic(covariance: Floats, shares: Floats) -> Floats:
    variance: Floats = np.einsum("mni,mnij,mnj->mn", shares, covariance, shares)
    return np.maximum(variance, 0.0)


def _normal(sd: Floats, seen: AgentView) -> Figures:
    tail = NormalDist().inv_cdf(seen.es_conf)
    shortfall = NormalDist().pdf(tail) / (1.0 - seen.es_conf)
    return Figures(NormalDist().inv_cdf(seen.conf) * sd, shortfall * sd, tail * sd)


def _kernel(name: str, seen: AgentView) -> Figures:
    """The simulator's own figure, with the expected shortfall that belongs to its method, if one does."""
    stated = seen.value_at_risk[..., KERNEL.index(name)]
    if name == "parametric":
        own = _normal(stated / NormalDist().inv_cdf(seen.conf), seen)
        return Figures(stated, own.expected_shortfall, own.es_value_at_risk)
    if name == "cornish_fisher":
        return Figures(stated, None, None)
    scale = math.sqrt(seen.horizon_steps)
    tails = []
    for time, shares in zip(seen.times, seen.shares, strict=True):
        changes = np.diff(seen.mids[time - seen.es_window : time + 1], axis=0)
        tails.append(scale * tail_figures(-(changes * shares).sum(axis=-1), seen.es_conf))
    var, shortfall = np.moveaxis(np.array(tails), 1, 0)
    return Figures(stated, np.maximum(shortfall, 0.0), np.maximum(var, 0.0))


def tail_figures(losses: Floats, conf: float) -> Floats:
    """(2, N) value at risk and expected shortfall of (W, N) losses that are as probable as each other.

    As `mm_env.sim.risk` has them: the last loss of the tail counts in part.
    """
    size = len(losses) * (1.0 - conf)
    worst = max(1, math.ceil(size - 1e-9))
    tail = -np.sort(-np.partition(losses, len(losses) - worst, axis=0)[-worst:], axis=0)
    return np.stack([tail[-1], (tail[:-1].sum(axis=0) + tail[-1] * (size - (worst - 1))) / size])


def _simulated(seen: AgentView, half_life: float) -> tuple[Floats, Floats, Floats]:
    """Value at risk, expected shortfall, and value at risk at its confidence, by filtered historical simulation."""
    h, window = seen.horizon_steps, seen.window_steps
    sd = np.sqrt(np.maximum(np.diagonal(ewma_covariance(seen, half_life), axis1=2, axis2=3), 1e-300))  # (K, N, S)
    moves = (seen.mids[h:] - seen.mids[:-h]) / sd[:-h]  # the move that began at a step, known h steps later
    found = np.empty((3, *seen.shares.shape[:2]))
    for m, (time, shares) in enumerate(zip(seen.times, seen.shares, strict=True)):
        drawn = moves[max(0, time - h - window + 1) : time - h + 1][::-1][::THIN]
        losses = -np.einsum("wns,ns->wn", drawn, shares * sd[time])
        found[0, m] = tail_figures(losses, seen.conf)[0]
        found[2, m], found[1, m] = tail_figures(losses, seen.es_conf)
    return tuple(np.maximum(found, 0.0))


def parse_variants(names: Sequence[str]) -> list[Variant]:
    """The variants of names, each once; raises UsageError for none, one that does not exist or stands twice."""
    variants = [parse_variant(name) for name in names]
    twice = sorted({one.name for one in variants if [other.name for other in variants].count(one.name) > 1})
    if not variants or twice:
        raise UsageError(f"variants {','.join(names)!r}; expected at least one, each once")
    return variants
