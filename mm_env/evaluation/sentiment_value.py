"""Value of a sentiment scorer: the default policy in the same episodes, reading the news through each scorer.

The market is moved by true polarities and the policy sees scores alone, so that two runs of one episode differ by the scorer
and by what the policy makes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.config import MarketConfig
from mm_env.config.io import override
from mm_env.envs.play import make_envs, play
from mm_env.errors import ConfigError
from mm_env.evaluation.alpha import fit_blend, record_signals
from mm_env.evaluation.episode_details import EpisodeDetails
from mm_env.evaluation.markouts import HORIZONS_SECONDS
from mm_env.interrupt import Stopped
from mm_env.market.build import build_market
from mm_env.policies.base import Policy
from mm_env.sentiment.scorers import FLIPPED

SCORERS = ("perfect", "minilm", "tfidf", "vader", "none", "flipped:tfidf")
"""In the order of the profit that is expected of them."""
ADVERSE_SECONDS = 10.0
_MOST_ENVS = 256  # side by side


@dataclass(frozen=True, eq=False)
class ScorerValue:
    """E episodes of one scorer, each (E,) float64.

    profit: [currency]
    captured: [bps of what was traded] by fills of own quotes, against the mid at the fill
    adverse: [bps] what these lose to the mid's move in the `ADVERSE_SECONDS` after them, above 0 a loss; fills in the last
        seconds of an episode, which that horizon passes, count with their capture alone
    """

    profit: NDArray[np.float64]
    captured: NDArray[np.float64]
    adverse: NDArray[np.float64]


def reading(
    config: MarketConfig, scorer: str, policy: Policy, fit_to: int, seed: int, stop: Callable[[], bool] = lambda: False
) -> MarketConfig:
    """The market in which headlines are scored by `scorer`.

    policy: who quotes while the weights are fitted
    fit_to: training episodes of `seed` to which the weights of sentiment and imbalance are fitted for the scorer; 0: as they
        stand. A flipped scorer takes the weights of the scorer that it flips: its own would turn the sign back.

    Raises `ConfigError` for a scorer that is not known, a tape that does not state its polarities (truth would be drawn
    from each scorer's own confusion matrix: each would play another market) and an episode no longer than `ADVERSE_SECONDS`;
    `Stopped` when asked to stop.
    """
    episode = config.episode
    steps = round(ADVERSE_SECONDS / episode.step_seconds)
    if not 1 <= steps < episode.steps:
        allowed = f"steps of up to {ADVERSE_SECONDS:g} s, and an episode of more than that"
        raise ConfigError(f"episode: {episode.steps} steps of {episode.step_seconds:g} s; expected {allowed}")
    tape = build_market(override(config, {"news.scorer": "none"})).headlines.tape
    if len(tape) and not tape["stated"].all():
        unstated = int(np.count_nonzero(tape["stated"] == 0))
        raise ConfigError(f"news.tape: {unstated} headlines without polarity; expected a tape that states all")
    market = override(config, {"news.scorer": scorer})
    if not fit_to:
        return market
    fitted = override(config, {"news.scorer": scorer.removeprefix(FLIPPED)})
    blend = fit_blend(record_signals(policy, fitted, fit_to, seed, evaluation=False, stop=stop), ADVERSE_SECONDS)
    names = ("alpha_weight", "obi_weight", "alpha_smooth", "sentiment_half_life_seconds")
    return override(market, {f"policy.{name}": getattr(blend, name) for name in names})


def scorer_value(
    policy: Policy, config: MarketConfig, episodes: int, seed: int, stop: Callable[[], bool] = lambda: False
) -> ScorerValue:
    """Play evaluation episodes 0 to `episodes` - 1 of a seed.

    Raises `Stopped` when asked to stop, `ConfigError` for a market that is resampled at each reset.
    """
    if config.randomize:
        raise ConfigError(f"randomize: {', '.join(config.randomize)}: a comparison needs one market; expected none")
    details = EpisodeDetails()
    envs = make_envs(policy, policy.configure(config), min(episodes, _MOST_ENVS), record=True)
    try:
        played = play(envs, policy, episodes, seed, options={"evaluation": True}, watchers=[details], stop=stop)
    finally:
        envs.close()
    found = details.result()
    if played.stopped or found is None:
        raise Stopped
    value, traded = (part.sum(axis=1) for part in (found.marks.value, found.marks.notional))
    bps = np.divide(1e4 * value, traded, out=np.zeros_like(value), where=traded > 0.0)
    captured, marked = bps[:, 0], bps[:, HORIZONS_SECONDS.index(ADVERSE_SECONDS)]
    return ScorerValue(found.profit, captured, captured - marked)
