"""The parameters of a baseline, tuned on the reward on which it will be compared; needs Optuna, and no torch.

Trials play the same training episodes (common random numbers), never those of evaluation; the best trials
are separated from lucky ones by playing them and the untuned default once more on fresh training episodes.
The search is an evolution strategy that begins at the market's own parameters: parameters interact, and searched one by
one (a tree-structured Parzen estimator, 300 trials, headlines scored by VADER) they ended in a corner without news, at a
reward of 5243 where this search ended at 6024.
Source: Akiba et al. 2019 (Optuna); Hansen & Ostermeier 2001 (CMA-ES).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mm_env.config import MarketConfig
from mm_env.config.io import override
from mm_env.errors import check_choice
from mm_env.evaluation.evaluation import Evaluation, evaluate
from mm_env.policies.constant import ConstantAction
from mm_env.policies.registry import get_policy

if TYPE_CHECKING:
    import optuna

    from mm_env.policies.base import Policy

FINALISTS = 6  # played again, beside the default
SIGMA = 0.15  # first steps of the search, as a share of each range


@dataclass(frozen=True)
class Range:
    """Values that a parameter may take; log: drawn evenly on a logarithmic scale."""

    low: float
    high: float
    log: bool = True


_SIGNALS = {
    "policy.alpha_weight": Range(0.5, 20.0),
    "policy.obi_weight": Range(0.1, 6.0),
    "policy.alpha_smooth": Range(0.1, 1.0, log=False),
    "policy.sentiment_half_life_seconds": Range(3.0, 40.0),
    "policy.spread_volatility_weight": Range(0.05, 3.0),
}
_SIZE_AND_HEDGE = {"policy.size_skew": Range(0.3, 6.0), "risk.hedge_target": Range(0.4, 1.0, log=False)}
SPACES: dict[str, dict[str, Range]] = {
    "as": {"policy.risk_aversion": Range(0.02, 2.0), "policy.fill_decay": Range(10.0, 150.0)} | _SIGNALS | _SIZE_AND_HEDGE,
    "glft": {
        "policy.risk_aversion": Range(0.002, 2.0),
        "policy.fill_decay": Range(10.0, 150.0),
        "policy.arrival_rate": Range(0.3, 30.0),
    }
    | _SIGNALS
    | _SIZE_AND_HEDGE,
    "cj": {
        "policy.inventory_penalty": Range(1e-8, 1e-3),
        "policy.fill_decay": Range(10.0, 150.0),
        "policy.arrival_rate": Range(0.3, 30.0),
    }
    | _SIGNALS
    | _SIZE_AND_HEDGE,
    "fixed": {"policy.base_spread_bps": Range(0.5, 50.0)} | _SIZE_AND_HEDGE,
    "constant": {"value": Range(-1.0, 1.0, log=False)},
}
"""Policy -> what is tuned. The limit of VaR, how it is measured and the reward are the task, and are never tuned."""


def candidate(name: str, changes: Mapping[str, float], config: MarketConfig) -> tuple[Policy, MarketConfig]:
    """The policy with those parameters, and the market that holds them."""
    if name == "constant":
        return ConstantAction(changes.get("value", 0.0)), config
    return get_policy(name), override(config, changes)


def open_study(name: str, config: MarketConfig, episodes: int, seed: int, storage: Path | None) -> optuna.Study:
    """The study of a policy, new or from its file.

    episodes, seed: of its trials, part of the name of the study; storage: SQLite file, None for memory

    Raises `ValueError` for a policy that has nothing to tune.
    """
    import optuna

    from mm_env.config.io import config_hash

    check_choice("policy", name, SPACES)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name=f"{name} in {config_hash(config)}, {episodes} episodes of seed {seed}",
        storage=None if storage is None else f"sqlite:///{storage}",
        direction="maximize",
        load_if_exists=True,
    )
    fresh = seed + len(study.trials)  # a resumed study does not repeat its first draws
    one_by_one = optuna.samplers.TPESampler(seed=fresh)  # for a single parameter, which the evolution strategy does not take
    sampler: optuna.samplers.BaseSampler = one_by_one
    if len(SPACES[name]) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # optuna 6, which the extra excludes, takes no start and no width
            sampler = optuna.samplers.CmaEsSampler(
                x0=_start(name, config), sigma0=SIGMA, seed=fresh, independent_sampler=one_by_one,
                warn_independent_sampling=False,
            )  # fmt: skip
    study.sampler = sampler
    return study


def done(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials that came to an end, the best first."""
    ended = [trial for trial in study.trials if trial.value is not None]
    return sorted(ended, key=lambda trial: -float(trial.value or 0.0))


def _start(name: str, config: MarketConfig) -> dict[str, float]:
    """The market's own parameters of a policy, moved into their ranges: where the search begins."""
    values = config.model_dump()
    start = {}
    for key, one in SPACES[name].items():
        section, _, entry = key.partition(".")
        start[key] = min(one.high, max(one.low, float(values[section][entry])))
    return start


def search(
    study: optuna.Study,
    name: str,
    config: MarketConfig,
    trials: int,
    episodes: int,
    seed: int,
    *,
    on_progress: Callable[[int], None] = lambda trials: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Add trials until the study has so many, each the mean reward of training episodes 0 to `episodes` - 1."""

    def objective(trial: optuna.Trial) -> float:
        space = SPACES[name]
        changes = {key: trial.suggest_float(key, one.low, one.high, log=one.log) for key, one in space.items()}
        policy, market = candidate(name, changes, config)
        return float(evaluate(policy, market, episodes, seed, evaluation=False).reward.mean())

    def ended(study: optuna.Study, trial: Any) -> None:
        on_progress(1)
        if stop():
            study.stop()

    left = trials - len(done(study))
    if left > 0 and not stop():
        study.optimize(objective, n_trials=left, callbacks=[ended])


def finals(
    study: optuna.Study,
    name: str,
    config: MarketConfig,
    episodes: int,
    seed: int,
    *,
    on_progress: Callable[[int], None] = lambda steps: None,
    stop: Callable[[], bool] = lambda: False,
) -> list[tuple[dict[str, float], Evaluation]]:
    """Parameters and fresh training episodes: of the default (no parameters), then of the best trials, the best first.

    Parameters have the four digits that are written of them. on_progress, stop: as of `evaluate`

    Raises `mm_env.interrupt.Stopped` when asked to stop.
    """
    finalists: list[dict[str, float]] = []
    for trial in done(study):
        rounded = _rounded(trial.params)
        if rounded not in finalists and len(finalists) < FINALISTS:
            finalists.append(rounded)
    played = []
    for changes in [{}, *finalists]:
        policy, market = candidate(name, changes, config)
        found = evaluate(policy, market, episodes, seed, evaluation=False, on_progress=on_progress, stop=stop)
        played.append((changes, found))
    return [played[0], *sorted(played[1:], key=lambda one: -float(one[1].reward.mean()))]


def _rounded(parameters: Mapping[str, float]) -> dict[str, float]:
    return {key: float(f"{value:.4g}") for key, value in parameters.items()}
