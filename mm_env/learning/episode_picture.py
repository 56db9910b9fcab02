"""One evaluated episode as a figure: the picture of a recorded run, or for the classic market its few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.config import ClassicConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mm_env.policies.base import Policy


def episode_picture(policy: Policy, market: Any, seed: int, title: str) -> Figure:
    """The first evaluation episode of a seed under a policy."""
    home = policy.configure(market)
    if isinstance(home, ClassicConfig):
        return _classic(policy, home, seed, title)
    import pandas as pd

    from mm_env.envs.play import play
    from mm_env.envs.vector_env import MultiVenueVectorEnv
    from mm_env.reports.figures import episode_figure
    from mm_env.runs import Recorder

    tables: dict[str, pd.DataFrame] = {}
    mode = getattr(policy, "action_mode", "residual")
    envs = MultiVenueVectorEnv(1, home, action_mode=mode, num_threads=1, record=True)
    try:
        recorder = Recorder(lambda name, rows: tables.update({name: pd.DataFrame(rows)}))
        play(envs, policy, 1, seed, options={"evaluation": True}, watchers=[recorder])
    finally:
        envs.close()
    return episode_figure(tables["steps"], tables["fills"], tables["headlines"], envs.symbols, title)


def _classic(policy: Policy, market: ClassicConfig, seed: int, title: str) -> Figure:
    from matplotlib.figure import Figure

    from mm_env.envs.classic_vector import ClassicVectorEnv
    from mm_env.reports import style

    envs = ClassicVectorEnv(1, market, action_mode=getattr(policy, "action_mode", "residual"), autoreset_mode="Disabled")
    infos = envs.reset(seed=seed, options={"evaluation": True})[1]
    names = ("mid", "inventory", "pnl", "bid_depth", "ask_depth")
    rows = []
    for _ in range(market.episode.steps):
        mid = float(infos["mid"][0])
        infos = envs.step(policy.act(envs))[4]
        rows.append([mid, *(float(infos[name][0]) for name in names[1:])])
    envs.close()
    mid, inventory, profit, bid, ask = np.array(rows).T
    time = np.arange(len(rows)) * market.episode.step
    figure = Figure(figsize=(10.0, 7.0), layout="constrained")
    price, held, earned = figure.subplots(3, 1, sharex=True)
    for axes in (price, held, earned):
        style.plain_axes(axes)
    price.plot(time, mid, color=style.BLACK, linewidth=1.0, label="mid")
    price.plot(time, mid - bid, color=style.BUY, linewidth=0.8, label="bid")
    price.plot(time, mid + ask, color=style.SELL, linewidth=0.8, label="ask")
    price.legend(**style.ABOVE)
    price.set_ylabel("price [currency]", fontsize=9)
    held.step(time, inventory, where="post", color=style.BLUE, linewidth=1.0)
    held.set_ylabel("inventory [units]", fontsize=9)
    earned.plot(time, profit, color=style.GREEN, linewidth=1.2)
    earned.set_ylabel("profit [currency]", fontsize=9)
    earned.set_xlabel("time", fontsize=9)
    figure.suptitle(style.literal(title), fontsize=11)
    return figure
