"""Play episodes of a policy in either market, each once, and keep of each what comparisons need.

Episode e of a seed is the same for every policy (common random numbers), and for any number of envs played side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.config import ClassicConfig, MarketConfig
from mm_env.config.io import ConfigError
from mm_env.interrupt import Stopped

if TYPE_CHECKING:
    from mm_env.policies.base import Policy

Floats = NDArray[np.float64]
MOST_ENVS = 512  # side by side


@dataclass(frozen=True, eq=False)
class Evaluation:
    """E episodes of one policy, each field (E,) float64.

    reward: sum of the rewards [currency], the objective; profit: final [currency]; drawdown: largest fall of the profit from
    its highest point at the end of a step [currency]
    over_limit: share of steps with VaR past its limit; value_at_risk: mean over steps [currency]; 0 in the classic market
    inventory_sd: root mean square of the inventory's value [currency], over symbols; in the classic market of its units
    fills: own quotes' fills; spread_capture: [currency]
    hedge_cost: what hedges cross and all taker fees, those of the sale at the end too; above 0 where they cost [currency]
    breaches: decision steps with VaR over its limit, as the ledger counts them
    reward_terms: name -> sum over the episode [currency]; attribution: term -> its part of the profit [currency]
    """

    reward: Floats
    profit: Floats
    drawdown: Floats
    over_limit: Floats
    value_at_risk: Floats
    inventory_sd: Floats
    fills: Floats
    spread_capture: Floats
    hedge_cost: Floats
    breaches: Floats
    reward_terms: dict[str, Floats]
    attribution: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.reward)


BY_NAME = ("reward_terms", "attribution")
VALUES = tuple(field.name for field in fields(Evaluation) if field.name not in BY_NAME)


def evaluate(
    policy: Policy,
    config: MarketConfig | ClassicConfig,
    episodes: int,
    seed: int,
    *,
    evaluation: bool = True,
    most_envs: int = MOST_ENVS,
    num_threads: int | None = None,
    tell: Callable[[int], None] = lambda steps: None,
    stop: Callable[[], bool] = lambda: False,
) -> Evaluation:
    """Play episodes 0 to `episodes` - 1 of a seed with a policy, in the market in which it is at home.

    policy: made for any market of that kind; its `action_mode`, where it has one, is that of its environment
    evaluation: episodes that no training plays; False: those of training
    most_envs: side by side; num_threads: that share them, None for as many as cores. Neither changes an episode
    tell: called now and then with the env steps done since
    stop: asked before each step

    Raises `ConfigError` for a market that is drawn anew at each reset, as its limits would differ by episode; `Stopped` when
    asked to stop; `ValueError` for fewer than one episode or env.
    """
    if isinstance(config, MarketConfig) and config.randomize:
        raise ConfigError(f"randomize: {', '.join(config.randomize)}: an evaluation needs one market; allowed here: {{}}")
    if episodes < 1 or most_envs < 1:
        raise ValueError(f"episodes {episodes}, most_envs {most_envs}: allowed: at least 1 of each")
    home: MarketConfig | ClassicConfig = policy.configure(config)  # type: ignore[type-var]  # one of either kind
    parts = []
    for first in range(0, episodes, most_envs):
        envs = make_envs(policy, home, min(most_envs, episodes - first), num_threads)
        try:
            options = {"evaluation": evaluation, "first": first}
            parts.append(_play(envs, policy, envs.reset(seed=seed, options=options)[1], tell, stop))
        finally:
            envs.close()
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in VALUES}
    for group in BY_NAME:
        names = getattr(parts[0], group)
        joined[group] = {name: np.concatenate([getattr(part, group)[name] for part in parts]) for name in names}
    return Evaluation(**joined)


def make_envs(policy: Policy, config: MarketConfig | ClassicConfig, number: int, num_threads: int | None = None) -> Any:
    """The vector environment of a market in the mode in which a policy acts; envs wait for a reset at their end."""
    from mm_env.envs.classic_vector import ClassicVectorEnv
    from mm_env.envs.vector_env import MultiVenueVectorEnv

    kind: Any = MultiVenueVectorEnv if isinstance(config, MarketConfig) else ClassicVectorEnv
    mode = getattr(policy, "action_mode", "residual")
    return kind(number, config, action_mode=mode, num_threads=num_threads, autoreset_mode="Disabled")


def _play(
    envs: Any, policy: Policy, infos: dict[str, Any], tell: Callable[[int], None], stop: Callable[[], bool]
) -> Evaluation:
    """One episode of every env, from its reset on."""
    n, config = envs.num_envs, envs.config
    count = _BookCount(envs) if isinstance(config, MarketConfig) else _ClassicCount(envs)
    reward, high, drawdown = np.zeros(n), np.zeros(n), np.zeros(n)
    terms = {name: np.zeros(n) for name in infos["reward_terms"]}
    steps = config.episode.steps
    for step in range(steps):
        if stop():
            raise Stopped
        _, rewards, _, _, infos = envs.step(policy.act(envs))
        reward += rewards
        for name, values in infos["reward_terms"].items():
            terms[name] += values
        high = np.maximum(high, infos["pnl"])
        drawdown = np.maximum(drawdown, high - infos["pnl"])
        count.add(infos, step == steps - 1)
        if step % 50 == 49 or step == steps - 1:
            tell(n * (step % 50 + 1))
    return Evaluation(
        reward=reward,
        profit=np.array(infos["pnl"]),
        drawdown=drawdown,
        reward_terms=terms,
        attribution={name: np.array(values) for name, values in infos["attribution"].items()},
        **count.result(infos),
    )


class _BookCount:
    """What is counted of a book market while it is played."""

    def __init__(self, envs: Any) -> None:
        self.envs, self.limit = envs, envs.config.risk.portfolio_var_limit
        self.lots = np.array([symbol.lot_size for symbol in envs.config.symbols])
        self.over, self.var, self.square = np.zeros(envs.num_envs), np.zeros(envs.num_envs), np.zeros(envs.num_envs)
        self.steps = envs.config.episode.steps

    def add(self, infos: dict[str, Any], last: bool) -> None:
        self.over += infos["value_at_risk"] > self.limit
        self.var += infos["value_at_risk"]
        if not last:  # after the last step the inventory is liquidated
            self.square += ((infos["inventory"] * infos["mid"] * self.lots) ** 2).sum(axis=1)

    def result(self, infos: dict[str, Any]) -> dict[str, Floats]:
        attribution = infos["attribution"]
        return {
            "over_limit": self.over / self.steps,
            "value_at_risk": self.var / self.steps,
            "inventory_sd": np.sqrt(self.square / max(1, self.steps - 1)),
            "fills": infos["fills"].astype(np.float64),
            "spread_capture": np.array(attribution["spread_capture"]),
            "hedge_cost": -(attribution["hedge_cost"] + attribution["taker_fees"]),
            "breaches": self.envs.batch.states["breaches"].astype(np.float64),
        }


class _ClassicCount:
    """What is counted of a classic market while it is played."""

    def __init__(self, envs: Any) -> None:
        self.square, self.fills = np.zeros(envs.num_envs), np.zeros(envs.num_envs)
        self.steps = envs.config.episode.steps

    def add(self, infos: dict[str, Any], last: bool) -> None:
        self.square += infos["inventory"].astype(np.float64) ** 2
        self.fills += infos["bid_filled"].astype(np.float64) + infos["ask_filled"]

    def result(self, infos: dict[str, Any]) -> dict[str, Floats]:
        nothing = np.zeros(len(self.fills))
        return {
            "over_limit": nothing, "value_at_risk": nothing.copy(), "hedge_cost": nothing.copy(), "breaches": nothing.copy(),
            "inventory_sd": np.sqrt(self.square / self.steps), "fills": self.fills,
            "spread_capture": np.array(infos["attribution"]["spread_capture"]),
        }  # fmt: skip
