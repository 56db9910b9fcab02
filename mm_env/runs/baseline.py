"""The baseline: a policy of this package plays episodes of a market, and leaves a run folder and its statistics."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from mm_env import __version__
from mm_env.config import MarketConfig
from mm_env.config.io import ConfigError, config_hash, load_config, override
from mm_env.envs.play import Moment, Played, Watcher, play
from mm_env.evaluation.attribution import attribution_rows
from mm_env.evaluation.attribution_cuts import AttributionCuts
from mm_env.evaluation.episodes import statistics
from mm_env.interrupt import StopRequest
from mm_env.policies.registry import get_policy
from mm_env.runs import Recorder, RunFolder

if TYPE_CHECKING:
    from mm_env.envs.vector_env import MultiVenueVectorEnv
    from mm_env.market.build import Market
    from mm_env.policies.base import Policy
    from mm_env.sentiment import TapeReport

logger = logging.getLogger(__name__)

MOST_ENVS = 256  # side by side; further episodes come after, so that memory is bounded


@dataclass(frozen=True)
class Baseline:
    """What to run.

    out: run folder; its files are replaced
    config: a preset or a YAML file; None the default preset
    news: CSV or Parquet of headlines, in place of the market's own news
    seed, episodes: the first `episodes` episodes of that seed
    steps: decision steps of an episode; None as the market says
    policy: as `mm_env.policies.registry` spells it; None the market's default policy
    overrides: dotted key of the market -> value
    record: first episodes that are recorded in full
    log_every: decision steps between log lines of the first episode; 0: no lines of it, of hedges neither
    """

    out: Path
    config: str | None = None
    news: Path | None = None
    seed: int = 0
    episodes: int = 100
    steps: int | None = None
    policy: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    record: int = 1
    log_every: int = 100


def resolve(options: Baseline) -> tuple[MarketConfig, Policy]:
    """The market that the options describe, with the policy as its default policy.

    Raises `mm_env.config.io.ConfigError`, for a policy that does not exist as well.
    """
    changes: dict[str, Any] = {}
    if options.news is not None:
        changes |= {"news.source": "tape", "news.tape": str(options.news)}
    if options.steps is not None:
        changes["episode.steps"] = options.steps
    config = override(load_config(options.config), {**changes, **options.overrides})
    own = "as" if config.policy.use_avellaneda else "fixed"
    try:
        policy = get_policy(own if options.policy is None else options.policy, seed=options.seed)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return policy.configure(config), policy


def run_baseline(
    options: Baseline, watchers: Sequence[Watcher] = (), stop: Callable[[], bool] = lambda: False
) -> tuple[dict[str, Any], int | None]:
    """Play the episodes and write the run folder; return its summary, and the signal that stopped it, if one did.

    watchers: called after each step, beside those that record and log
    stop: asked before each step, beside the signals

    SIGINT and SIGTERM stop the run: what was done until then is written, and the summary says "interrupted".
    Raises what `resolve` does, `mm_env.sentiment.TapeError`, and `mm_env.runs.RunError` for the folder.
    """
    from mm_env.envs.vector_env import MultiVenueVectorEnv
    from mm_env.market.build import build_market

    config, policy = resolve(options)
    market = build_market(config)  # its mistakes, and those of the folder, come before a compilation that takes a minute
    folder = RunFolder(options.out, config)
    try:
        mode = getattr(policy, "action_mode", "residual")
        envs = MultiVenueVectorEnv(min(options.episodes, MOST_ENVS), config, action_mode=mode, record=True)
        try:
            report = _tape_report(options, market)
            if report is not None:
                logger.info("[news] %s", report.describe())
            recorder, cuts = Recorder(folder.append, options.record), AttributionCuts()
            watching: list[Watcher] = [recorder, cuts, StepLog(envs, options.log_every, options.episodes), *watchers]
            with StopRequest() as asked:
                start = perf_counter()
                played = play(
                    envs, policy, options.episodes, options.seed, watchers=watching, stop=lambda: asked() or stop()
                )
                seconds = perf_counter() - start
                recorder.flush()
                summary = _summary(options, market, policy, played, seconds)
                folder.finish(_attribution(market, played), summary, cuts.rows())
                if played.episodes is not None:
                    folder.add("episode.png", _picture(options, market, policy))
        finally:
            envs.close()
    finally:
        folder.discard()
    return summary, asked.signal


def _tape_report(options: Baseline, market: Market) -> TapeReport | None:
    """What became of the tape's rows, under the file's name as it was given: the same wherever it lies."""
    report = market.tape_report
    return report if report is None or options.news is None else replace(report, path=str(options.news))


def _summary(options: Baseline, market: Market, policy: Policy, played: Played, seconds: float) -> dict[str, Any]:
    """What summary.json holds: what was run, the statistics, and under "timing" what differs between machines."""
    episodes = played.episodes
    report = _tape_report(options, market)
    tables = (
        dict.fromkeys(("steps", "symbols", "venues", "portfolio", "attribution", "markouts"))
        if episodes is None
        else statistics(episodes, market.symbols, market.venues)
    )
    return {
        "version": __version__,
        "interrupted": played.stopped,
        "complete_episodes": played.complete,
        "config": options.config,
        "config_hash": config_hash(market.config),
        "policy": policy.name,
        "seed": options.seed,
        "episodes_asked": options.episodes,
        "episodes": 0 if episodes is None else len(episodes),
        "episodes_recorded": min(options.record, options.episodes),
        "tape": None if report is None else asdict(report),
        **{key: value for key, value in tables.items() if key != "episodes"},
        "timing": {
            "seconds": seconds,
            "steps_per_second": 0.0 if episodes is None else float(episodes.steps.sum()) / seconds,
        },
    }


def _attribution(market: Market, played: Played) -> list[dict[str, Any]]:
    if played.episodes is None:
        return []
    return attribution_rows(played.episodes.breakdown.mean(axis=0), market.symbols, market.venues)


def _picture(options: Baseline, market: Market, policy: Policy) -> bytes:
    import pandas as pd

    from mm_env.reports.figures import episode_figure
    from mm_env.reports.style import png

    steps, fills, headlines = (pd.read_parquet(options.out / f"{name}.parquet") for name in ("steps", "fills", "headlines"))
    title = f"{options.config or 'two_symbols'}, policy {policy.name}, seed {options.seed}, episode 0"
    return png(episode_figure(steps, fills, headlines, market.symbols, title))


class StepLog:
    """A watcher that logs the first episode: each symbol now and then, and every hedge."""

    def __init__(self, envs: MultiVenueVectorEnv, every: int, episodes: int) -> None:
        """Log symbols every `every` steps, and all hedges; 0 logs neither."""
        self.every, self.episodes = every, episodes
        self.decimals = [max(2, math.ceil(-math.log10(symbol.tick_size) - 1e-9)) for symbol in envs.config.symbols]
        self._var = 0.0

    def __call__(self, moment: Moment) -> None:
        """Log one step."""
        envs, infos = moment.envs, moment.infos
        if self.every and moment.first == 0 and moment.playing[0]:
            if moment.step > 0 and infos["hedged"][0]:
                limit = envs.batch.params["var_limit"][envs.batch.which[0]]
                logger.info("[portfolio] hedge: VaR %.2f > %.2f", self._var, limit)
            self._var = float(infos["value_at_risk"][0])
            if moment.step > 0 and moment.step % self.every == 0:
                self._symbols(moment)
        if moment.ended.any() and not (moment.playing & ~moment.ended).any() and self.episodes > envs.num_envs:
            done = min(moment.first + envs.num_envs, self.episodes)
            logger.info("[episodes] %d of %d done", done, self.episodes)

    def _symbols(self, moment: Moment) -> None:
        profit = moment.envs.breakdown(0).sum(axis=(1, 2))
        for k, symbol in enumerate(moment.envs.symbols):
            logger.info(
                "[%s] step %d mid=%.*f inventory=%d pnl=%.2f",
                symbol,
                moment.step,
                self.decimals[k],
                moment.infos["mid"][0, k],
                moment.infos["inventory"][0, k],
                profit[k],
            )
