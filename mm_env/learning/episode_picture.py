"""One evaluated episode as a figure: as of a recorded run, or a simpler one for the classic market."""

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

    from mm_env.envs.play import make_envs, play
    from mm_env.reports.figures import episode_figure
    from mm_env.runs import Recorder

    tables: dict[str, pd.DataFrame] = {}
    envs = make_envs(policy, home, 1, num_threads=1, record=True)
    try:
        recorder = Recorder(lambda name, rows: tables.update({name: pd.DataFrame(rows)}))
        play(envs, policy, 1, seed, options={"evaluation": True}, watchers=[recorder])
    finally:
        envs.close()
    return episode_figure(tables["steps"], tables["fills"], tables["headlines"], envs.symbols, title)


def _classic(policy: Policy, market: ClassicConfig, seed: int, title: str) -> Figure:
    from matplotlib.figure import Figure

    from mm_env.envs.play import make_envs, steps_of_round
    from mm_env.reports import style

    envs = make_envs(policy, market, 1)
    infos = envs.reset(seed=seed, options={"evaluation": True})[1]
    names = ("inventory", "pnl", "bid_depth", "ask_depth")
    rows, mid = [], 0.0
    for snapshot in steps_of_round(envs, policy, infos):
        if snapshot.step:
            rows.append([mid, *(float(snapshot.infos[name][0]) for name in names)])
        mid = float(snapshot.infos["mid"][0])
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
