"""The baseline: a policy of this package plays episodes of a market, and leaves a run folder and its statistics."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from mm_env.config import MarketConfig
from mm_env.config.io import config_hash, load_config, override
from mm_env.envs.play import StepSnapshot, Watcher, make_envs, play
from mm_env.evaluation.attribution import attribution_rows
from mm_env.evaluation.attribution_cuts import AttributionCuts
from mm_env.evaluation.episode_details import EpisodeDetails
from mm_env.evaluation.episodes import Episodes, statistics
from mm_env.interrupt import StopRequest
from mm_env.policies.registry import get_policy
from mm_env.runs import Recorder, RunFolder
from mm_env.version import __version__

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
    policy: policy name, as of `mm_env.policies.registry`; None the market's default policy
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

    Raises `ConfigError`, and what `get_policy` does.
    """
    changes: dict[str, Any] = {}
    if options.news is not None:
        changes |= {"news.source": "tape", "news.tape": str(options.news)}
    if options.steps is not None:
        changes["episode.steps"] = options.steps
    config = override(load_config(options.config), {**changes, **options.overrides})
    policy = get_policy(config.policy.name if options.policy is None else options.policy, seed=options.seed)
    return policy.configure(config), policy


def run_baseline(
    options: Baseline,
    watchers: Sequence[Watcher] = (),
    *,
    on_progress: Callable[[int], None] = lambda steps: None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[dict[str, Any], int | None]:
    """Play the episodes and write the run folder; return its summary, and the signal that stopped it, if one did.

    The folder holds no picture: `mm_env.reports.figures.write_episode_picture` draws one from its tables.

    watchers: beside those that record and log
    on_progress: called after each step with the env steps done in it
    stop: asked before each step, beside the signals

    SIGINT and SIGTERM stop the run: what was done until then is written, and the summary says "interrupted".
    Raises what `resolve` does, `mm_env.sentiment.TapeError`, and `mm_env.runs.RunError` for the folder.
    """
    from mm_env.market.build import build_market

    config, policy = resolve(options)
    market = build_market(config)  # its mistakes, and those of the folder, come before a compilation that takes a minute
    folder = RunFolder(options.out, config)
    try:
        envs = make_envs(policy, config, min(options.episodes, MOST_ENVS), record=True)
        try:
            report = _tape_report(options, market)
            if report is not None:
                logger.info("[news] %s", report.describe())
            details, cuts = EpisodeDetails(), AttributionCuts()
            recorder, log = Recorder(folder.append, options.record), StepLog(envs, options.log_every, options.episodes)
            watching = [details, cuts, recorder, log, *watchers]
            with StopRequest() as asked:
                start = perf_counter()
                played = play(
                    envs, policy, options.episodes, options.seed,
                    watchers=watching, on_progress=on_progress, stop=lambda: asked() or stop(),
                )  # fmt: skip
                seconds = perf_counter() - start
                episodes = details.result()
                ends = {
                    "interrupted": played.stopped,
                    "complete_episodes": played.episodes > 0,
                    "episodes": 0 if episodes is None else len(episodes),
                }
                summary = _summary(options, market, policy, episodes, ends, seconds)
                folder.finish(_attribution(market, episodes), summary, cuts.rows())
        finally:
            envs.close()
    finally:
        folder.discard()
    return summary, asked.signal


def _tape_report(options: Baseline, market: Market) -> TapeReport | None:
    """The report on the tape's rows, under the file's name as it was given, wherever the file lies."""
    report = market.tape_report
    return report if report is None or options.news is None else replace(report, path=str(options.news))


def _summary(
    options: Baseline, market: Market, policy: Policy, episodes: Episodes | None, ends: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    """Content of summary.json: the options, the statistics, and under "timing" what differs between machines."""
    report = _tape_report(options, market)
    tables = (
        dict.fromkeys(("steps", "symbols", "venues", "portfolio", "attribution", "markouts"))
        if episodes is None
        else statistics(episodes, market.symbols, market.venues)
    )
    return {
        "version": __version__,
        **ends,
        "config": options.config,
        "config_hash": config_hash(market.config),
        "policy": policy.name,
        "seed": options.seed,
        "episodes_asked": options.episodes,
        "episodes_recorded": min(options.record, options.episodes),
        "tape": None if report is None else asdict(report),
        **{key: value for key, value in tables.items() if key != "episodes"},
        "timing": {
            "seconds": seconds,
            "steps_per_second": 0.0 if episodes is None else float(episodes.steps.sum()) / seconds,
        },
    }


def _attribution(market: Market, episodes: Episodes | None) -> list[dict[str, Any]]:
    if episodes is None:
        return []
    return attribution_rows(episodes.breakdown.mean(axis=0), market.symbols, market.venues)


class StepLog(Watcher):
    """A watcher that logs the first episode: each symbol now and then, and every hedge."""

    def __init__(self, envs: MultiVenueVectorEnv, every: int, episodes: int) -> None:
        """Log symbols every `every` steps, and all hedges; 0 logs neither."""
        self.every, self.episodes = every, episodes
        self.decimals = [max(2, math.ceil(-math.log10(symbol.tick_size) - 1e-9)) for symbol in envs.config.symbols]
        self._var = 0.0

    def reset(self, snapshot: StepSnapshot) -> None:
        """Note the value at risk that the first decision sees."""
        self._var = float(snapshot.infos["value_at_risk"][0])

    def step(self, snapshot: StepSnapshot) -> None:
        """Log one step."""
        envs, infos = snapshot.envs, snapshot.infos
        if self.every and snapshot.first == 0 and snapshot.playing[0]:
            if infos["hedged"][0]:
                limit = envs.batch.params["portfolio_var_limit"][envs.batch.params_index[0]]
                logger.info("[portfolio] hedge: VaR %.2f > %.2f", self._var, limit)
            self._var = float(infos["value_at_risk"][0])
            if snapshot.step % self.every == 0:
                self._symbols(snapshot)
        if snapshot.over and self.episodes > envs.num_envs:
            done = min(snapshot.first + envs.num_envs, self.episodes)
            logger.info("[episodes] %d of %d done", done, self.episodes)

    def _symbols(self, snapshot: StepSnapshot) -> None:
        profit = snapshot.envs.breakdown(0).sum(axis=(1, 2))
        for k, symbol in enumerate(snapshot.envs.symbols):
            logger.info(
                "[%s] step %d mid=%.*f inventory=%d pnl=%.2f",
                symbol,
                snapshot.step,
                self.decimals[k],
                snapshot.infos["mid"][0, k],
                snapshot.infos["inventory"][0, k],
                profit[k],
            )
