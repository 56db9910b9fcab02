"""How well the blend of sentiment and order-book imbalance predicts the mid: weights by regression, checked out of sample.

The default policy expects a move of

    alpha = alpha_weight x sentiment + obi_weight x imbalance    [bps]

in which sentiment is the sum of headline scores, each halved every `sentiment_half_life_seconds`, and alpha an exponential
average of the newest blend at weight `alpha_smooth`. Here the move of the mid of others over a horizon, from the mid that
the agent saw, is regressed on both signals, as they stood at the end of a decision step. An episode is one observation:
errors are of the sandwich form, clustered by episode.
Source: Cont, Kukanov & Stoikov 2014 (imbalance); Tetlock 2007 (regressions of returns on news sentiment); Liang & Zeger 1986
(clustered errors).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mm_env.config import MarketConfig
from mm_env.envs.play import StepSnapshot, Watcher, make_envs, play
from mm_env.errors import ConfigError, UsageError
from mm_env.evaluation.evaluation import MOST_ENVS
from mm_env.interrupt import Stopped
from mm_env.policies.quoting import AgentView

if TYPE_CHECKING:
    from mm_env.policies.base import Policy

Floats = NDArray[np.float64]

HALF_LIVES_SECONDS = (3.0, 5.0, 7.0, 10.0, 14.0, 20.0, 30.0)
SMOOTHS = (0.2, 0.35, 0.5, 0.7, 1.0)
HORIZONS_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
BINS = 10


@dataclass(frozen=True, eq=False)
class Signals:
    """What E episodes of K steps showed of S symbols; each array (E, K, S) float64, at the ends of the steps.

    The last step of an episode is left out: the agent sells what it holds there, and moves the mid itself.

    news: sum of the scores of the headlines of the step; imbalance: [-1 to 1] of the sizes at the touch
    seen: [currency] the mid as the agent knew it; mid: [currency] that of others, as it was
    """

    news: Floats
    imbalance: Floats
    seen: Floats
    mid: Floats
    step_seconds: float


@dataclass(frozen=True)
class Blend:
    """Parameters of the default policy's alpha, under their names in a configuration, with their standard errors.

    horizon_seconds: [s] of the moves that were regressed; r_squared: share of their variance that is explained
    """

    alpha_weight: float
    obi_weight: float
    alpha_smooth: float
    sentiment_half_life_seconds: float
    alpha_weight_error: float
    obi_weight_error: float
    horizon_seconds: float
    r_squared: float


@dataclass(frozen=True, eq=False)
class Forecast:
    """Predicted against realised moves at one horizon.

    slope: of the realised move on the predicted one, with its 95 % interval; 1 where the prediction is right at this horizon
    alpha_weight, obi_weight: [bps] what a regression at this horizon gives, with 95 % half widths
    predicted, realised, realised_95: (B,) [bps] means of bins with as many predictions each, and half widths
    """

    horizon_seconds: float
    r_squared: float
    slope: float
    slope_95: float
    alpha_weight: float
    alpha_weight_95: float
    obi_weight: float
    obi_weight_95: float
    predicted: tuple[float, ...]
    realised: tuple[float, ...]
    realised_95: tuple[float, ...]


def record_signals(
    policy: Policy,
    config: MarketConfig,
    episodes: int,
    seed: int,
    *,
    evaluation: bool,
    on_progress: Callable[[int], None] = lambda steps: None,
    stop: Callable[[], bool] = lambda: False,
) -> Signals:
    """Play episodes 0 to `episodes` - 1 of a seed and keep what the agent saw and what the mid did.

    evaluation: episodes that no training plays; False: those of training
    on_progress: called after each step with the env steps done in it; stop: asked before each step

    Raises `ConfigError` for a market that is resampled at each reset, `Stopped` when asked to stop.
    """
    if config.randomize:
        raise ConfigError(f"randomize: {', '.join(config.randomize)}: a fit needs one market; expected none")
    home = policy.configure(config)
    recorder = _SignalRecorder(home, episodes)
    for first in range(0, episodes, MOST_ENVS):
        number = min(MOST_ENVS, episodes - first)
        envs = make_envs(policy, home, number)
        try:
            options = {"evaluation": evaluation, "first": first}
            played = play(
                envs, policy, number, seed, options=options, watchers=[recorder], on_progress=on_progress, stop=stop
            )
        finally:
            envs.close()
        if played.stopped:
            raise Stopped
    news, imbalance, seen, mid = recorder.values[:, :, :-1]
    return Signals(news, imbalance, seen, mid, home.episode.step_seconds)


class _SignalRecorder(Watcher):
    """Fills `values` (4, E, K, S): news, imbalance, seen mid and mid at the ends of the steps."""

    def __init__(self, config: MarketConfig, episodes: int) -> None:
        self._decay = 0.5 ** (config.episode.step_seconds / config.policy.sentiment_half_life_seconds)
        self._symbols = len(config.symbols)
        self.values = np.zeros((4, episodes, config.episode.steps, self._symbols))
        self._before = np.zeros(0)

    def reset(self, snapshot: StepSnapshot) -> None:
        self._before = snapshot.envs.batch.states["sentiment"][:, : self._symbols].copy()

    def step(self, snapshot: StepSnapshot) -> None:
        envs, step = snapshot.envs, snapshot.step - 1
        states, rows = envs.batch.states, slice(snapshot.first, snapshot.first + envs.num_envs)
        sentiment = states["sentiment"][:, : self._symbols].copy()
        self.values[0, rows, step] = sentiment / self._decay - self._before
        self.values[1, rows, step] = states["imbalance"][:, : self._symbols]
        self.values[2, rows, step] = AgentView.of(envs.batch, slice(None)).mid
        self.values[3, rows, step] = snapshot.infos["mid"]
        self._before = sentiment


def signal_paths(signals: Signals, half_life_seconds: float, smooth: float) -> Floats:
    """Return (E, K, S, 2) float64 sentiment and imbalance as they enter alpha, decayed and averaged."""
    decay = 0.5 ** (signals.step_seconds / half_life_seconds)
    paths = np.zeros((*signals.news.shape, 2))
    sentiment, average = np.zeros_like(signals.news[:, 0]), np.zeros_like(paths[:, 0])
    for step in range(paths.shape[1]):
        sentiment = decay * (sentiment + signals.news[:, step])
        average += smooth * (np.stack([sentiment, signals.imbalance[:, step]], axis=-1) - average)
        paths[:, step] = average
    return paths


def future_moves(signals: Signals, horizon_seconds: float) -> Floats:
    """Return (E, K - h, S) float64 [bps] the mid h steps later less the mid that was seen.

    Raises UsageError for a horizon of less than one step, or as long as an episode.
    """
    ahead = round(horizon_seconds / signals.step_seconds)
    steps = signals.mid.shape[1]
    if not 1 <= ahead < steps or abs(ahead * signals.step_seconds - horizon_seconds) > 1e-9 * horizon_seconds:
        low, high = signals.step_seconds, (steps - 1) * signals.step_seconds
        raise UsageError(f"horizon of {horizon_seconds:g} s: expected whole steps, from {low:g} to {high:g} s")
    seen = signals.seen[:, :-ahead]
    return np.asarray(1e4 * (signals.mid[:, ahead:] - seen) / seen)


@dataclass(frozen=True, eq=False)
class _Regression:
    weights: Floats
    errors: Floats
    r_squared: float


def _regress(paths: Floats, moves: Floats) -> _Regression:
    """Least squares through the origin, errors clustered by episode. paths: (E, K, S, P); moves: (E, K' <= K, S)."""
    x = paths[:, : moves.shape[1]].reshape(len(moves), -1, paths.shape[-1])
    y = moves.reshape(len(moves), -1)
    inverse = np.linalg.pinv(np.einsum("enp,enq->pq", x, x))
    weights = inverse @ np.einsum("enp,en->p", x, y)
    rest = y - x @ weights
    scores = np.einsum("enp,en->ep", x, rest)
    covariance = inverse @ (scores.T @ scores) @ inverse * len(y) / max(1, len(y) - 1)
    total = float((y**2).sum())
    explained = 1.0 - float((rest**2).sum()) / total if total > 0.0 else 0.0
    return _Regression(weights, np.sqrt(np.diag(covariance)), explained)


def fit_blend(
    signals: Signals,
    horizon_seconds: float,
    half_lives: Sequence[float] = HALF_LIVES_SECONDS,
    smooths: Sequence[float] = SMOOTHS,
) -> Blend:
    """The weights that explain most of the moves over a horizon, at the best half-life and smoothing of the given ones.

    Raises UsageError for a horizon that does not fit an episode, and fewer than two episodes.
    """
    if len(signals.mid) < 2:
        raise UsageError(f"{len(signals.mid)} episode: expected 2 or more, as each is one observation")
    moves = future_moves(signals, horizon_seconds)
    fits = {
        pair: _regress(signal_paths(signals, *pair), moves)
        for pair in itertools.product(half_lives, smooths)
    }  # fmt: skip
    (half_life, smooth), best = max(fits.items(), key=lambda item: item[1].r_squared)
    return Blend(
        alpha_weight=float(best.weights[0]),
        obi_weight=float(best.weights[1]),
        alpha_smooth=smooth,
        sentiment_half_life_seconds=half_life,
        alpha_weight_error=float(best.errors[0]),
        obi_weight_error=float(best.errors[1]),
        horizon_seconds=horizon_seconds,
        r_squared=best.r_squared,
    )


def forecasts(signals: Signals, blend: Blend, horizons: Sequence[float] = HORIZONS_SECONDS) -> list[Forecast]:
    """How well a blend predicts at its own horizon and at the others, as whole steps, that fit an episode.

    signals: of other episodes than those that it was fitted to
    """
    z = NormalDist().inv_cdf(0.975)
    paths = signal_paths(signals, blend.sentiment_half_life_seconds, blend.alpha_smooth)
    predicted = paths @ np.array([blend.alpha_weight, blend.obi_weight])
    longest = signals.mid.shape[1] - 1
    ahead = {max(1, round(horizon / signals.step_seconds)) for horizon in (*horizons, blend.horizon_seconds)}
    found = []
    for horizon in (k * signals.step_seconds for k in sorted(ahead) if k <= longest):
        moves = future_moves(signals, horizon)
        own = _regress(paths, moves)
        line = _regress(predicted[..., None], moves)
        found.append(
            Forecast(
                horizon_seconds=horizon,
                r_squared=_explained(predicted[:, : moves.shape[1]], moves),
                slope=float(line.weights[0]),
                slope_95=float(z * line.errors[0]),
                alpha_weight=float(own.weights[0]),
                alpha_weight_95=float(z * own.errors[0]),
                obi_weight=float(own.weights[1]),
                obi_weight_95=float(z * own.errors[1]),
                **_bins(predicted[:, : moves.shape[1]], moves, z),
            )
        )
    return found


def _explained(predicted: Floats, moves: Floats) -> float:
    total = float((moves**2).sum())
    return 1.0 - float(((moves - predicted) ** 2).sum()) / total if total > 0.0 else 0.0


def _bins(predicted: Floats, moves: Floats, z: float) -> dict[str, tuple[float, ...]]:
    """Means over bins of the prediction; the half widths are those of the episodes' means."""
    edges = np.unique(np.quantile(predicted, np.linspace(0.0, 1.0, BINS + 1)[1:-1]))
    which = np.searchsorted(edges, predicted, side="right")
    out: dict[str, list[float]] = {"predicted": [], "realised": [], "realised_95": []}
    for k in range(len(edges) + 1):
        inside = which == k
        counts = inside.sum(axis=(1, 2))
        if not counts.any():
            continue
        sums = np.where(inside, moves, 0.0).sum(axis=(1, 2))
        mean = float(sums.sum() / counts.sum())
        error = float(np.sqrt(((sums - mean * counts) ** 2).sum()) / counts.sum())
        out["predicted"].append(float(predicted[inside].mean()))
        out["realised"].append(mean)
        out["realised_95"].append(z * error)
    return {name: tuple(values) for name, values in out.items()}
