"""From a running environment to the tables of a run: the first episodes that are played, row by row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mm_env.envs.play import StepSnapshot, Watcher
from mm_env.runs.tables import fill_columns, headline_columns, step_columns, venue_columns
from mm_env.sim.state import REWARDS, TERMS

ROLES = ("maker", "hedge", "liquidation")
SIDES = ("buy", "sell")

Rows = dict[str, list[Any]]  # name of a column -> its cells
Sink = Callable[[str, Rows], None]  # takes the name of a table and rows to append


class Recorder(Watcher):
    """A watcher that records the first episodes in full.

    Rows go to the sink when their episode ends, so that no more than the episodes under way are held in memory.
    """

    def __init__(self, sink: Sink, episodes: int = 1) -> None:
        """Record episodes 0 to `episodes` - 1."""
        self.sink, self.episodes = sink, episodes
        self._under_way: dict[int, EpisodeTables] = {}

    def reset(self, snapshot: StepSnapshot) -> None:
        """Begin to record the episodes of a round."""
        number = min(snapshot.envs.num_envs, self.episodes - snapshot.first)
        self._under_way = {i: EpisodeTables(snapshot, i) for i in range(number) if snapshot.playing[i]}
        self.step(snapshot)

    def step(self, snapshot: StepSnapshot) -> None:
        """Record a step of the episodes that are not over."""
        for i, episode in list(self._under_way.items()):
            episode.add(snapshot)
            if snapshot.ended[i]:
                self._write(self._under_way.pop(i))

    def finish(self, complete: bool) -> None:
        """Hand the episodes that were stopped to the sink."""
        for episode in self._under_way.values():
            self._write(episode)
        self._under_way = {}

    def _write(self, episode: EpisodeTables) -> None:
        for table in ("steps", "fills", "headlines", "venues"):
            self.sink(table, getattr(episode, table))


class EpisodeTables:
    """The tables of one episode of env i, as far as it was played: `steps`, `fills`, `headlines`, `venues`."""

    def __init__(self, snapshot: StepSnapshot, i: int) -> None:
        """Hold nothing yet; `add` takes the reset first."""
        envs = snapshot.envs
        self.i, self.number = i, snapshot.first + i
        self.symbols, self.names = list(envs.symbols), list(envs.venues)
        self.regimes = [regime.name for regime in envs.config.regimes]
        self.steps: Rows = {name: [] for name, *_ in step_columns(self.symbols)}
        self.fills: Rows = {name: [] for name, *_ in fill_columns()}
        self.headlines: Rows = {name: [] for name, *_ in headline_columns()}
        self.venues: Rows = {name: [] for name, *_ in venue_columns()}
        self.stood: dict[str, Any] = {}

    def add(self, snapshot: StepSnapshot) -> None:
        """Record one step of env i."""
        batch = snapshot.envs.batch
        state, params = batch.states[self.i], batch.params[batch.params_index[self.i]]
        row = {"episode": self.number, "step": snapshot.step, "time": float(state["time"])}
        row |= self._symbols(snapshot, state, params) | self._portfolio(snapshot, params)
        _append(self.steps, row)
        self._venues(snapshot, state, params)
        if snapshot.step > 0:
            self._fills(snapshot, params)
            self._headlines(snapshot)
        self.stood = {name: state[name].copy() for name in ("own_price", "own_quantity", "own_ahead")}

    def _symbols(self, snapshot: StepSnapshot, state: Any, params: Any) -> dict[str, Any]:
        begun, infos = snapshot.step > 0, snapshot.infos
        row: dict[str, Any] = {}
        profit = snapshot.envs.breakdown(self.i).sum(axis=(1, 2))
        for k, symbol in enumerate(self.symbols):
            tick, mid = float(params["tick_size"][k]), float(infos["mid"][self.i, k])
            bid, ask = (float(price) * tick for price in state["quote"][k])
            low, high = state["seen_touch"][k]
            values = {
                "mid": mid,
                "bid": bid if begun else None,
                "ask": ask if begun else None,
                "bid_lots": int(state["own_quantity"][k, :, 0].sum()),
                "ask_lots": int(state["own_quantity"][k, :, 1].sum()),
                "inventory": int(infos["inventory"][self.i, k]),
                "pnl": float(profit[k]),
                "alpha": float(state["alpha"][k]),
                "sentiment": float(state["sentiment"][k]),
                "imbalance": float(state["imbalance"][k]),
                "spread": float(high - low) * tick if state["seen_valid"][k] else None,
                "volatility": 1e4 * math.sqrt(state["covariance"][k, k]) / float(state["seen_mid"][k]),
            }
            row |= {f"{symbol}.{name}": value for name, value in values.items()}
        return row

    def _portfolio(self, snapshot: StepSnapshot, params: Any) -> dict[str, Any]:
        begun, infos, i = snapshot.step > 0, snapshot.infos, self.i
        plain = ("pnl", "cash", "value_at_risk", "expected_shortfall")
        row: dict[str, Any] = {name: float(infos[name][i]) for name in plain}
        row |= {"var_limit": float(params["portfolio_var_limit"]), "hedged": begun and bool(infos["hedged"][i])}
        row |= {"regime": self.regimes[int(infos["regime"][i])]}
        row |= {"reward": float(snapshot.rewards[i]) if begun else None}
        row |= {f"reward.{name}": float(infos["reward_terms"][name][i]) if begun else None for name in REWARDS}
        return row | {f"attribution.{name}": float(infos["attribution"][name][i]) for name in TERMS}

    def _venues(self, snapshot: StepSnapshot, state: Any, params: Any) -> None:
        s, v, begun = len(self.symbols), len(self.names), snapshot.step > 0
        n = s * v
        part = {name: state[name][:s, :v] for name in ("route", "route_score", "route_filled", "route_exposure")}
        routes = np.maximum(part["route"].sum(axis=1, keepdims=True), 1)
        value = part["route_score"] * params["lot_value"][:s, None]
        lots = {name: state[name][:s, :v] for name in ("own_quantity", "posted", "filled")}
        filled, exposure = part["route_filled"].ravel().tolist(), part["route_exposure"].ravel().tolist()
        columns: Rows = {
            "episode": [self.number] * n,
            "step": [snapshot.step] * n,
            "time": [float(state["time"])] * n,
            "symbol": [symbol for symbol in self.symbols for _ in self.names],
            "venue": self.names * s,
            "weight": (part["route"] / routes).ravel().tolist() if begun else [None] * n,
            "score": value.ravel().tolist() if begun else [None] * n,
            "fill_rate": [a / b if b > 0.0 else None for a, b in zip(filled, exposure, strict=True)],
            "bid_lots": lots["own_quantity"][..., 0].ravel().tolist(),
            "ask_lots": lots["own_quantity"][..., 1].ravel().tolist(),
            "posted": lots["posted"].sum(axis=2).ravel().tolist(),
            "filled": lots["filled"].sum(axis=2).ravel().tolist(),
        }
        for name, cells in self.venues.items():
            cells.extend(columns[name])

    def _fills(self, snapshot: StepSnapshot, params: Any) -> None:
        for fill in snapshot.envs.fills(self.i):
            k, v, side = int(fill["symbol"]), int(fill["venue"]), int(fill["side"])
            tick = float(params["tick_size"][k])
            role = ROLES[fill["role"]]
            stood = (
                role == "maker"
                and self.stood["own_quantity"][k, v, side] > 0
                and self.stood["own_price"][k, v, side] == fill["price"] - params["price_basis_ticks"][v]
            )
            _append(
                self.fills,
                {
                    "episode": self.number,
                    "step": snapshot.step,
                    "time": float(fill["time"]),
                    "symbol": self.symbols[k],
                    "venue": self.names[v],
                    "role": role,
                    "side": SIDES[side],
                    "quantity": int(fill["quantity"]),
                    "price": float(fill["price"]) * tick,
                    "mid": float(fill["mid"]) * tick,
                    "basis": float(params["price_basis_ticks"][v]) * tick,
                    "fee": float(fill["fee"]),
                    "queue_ahead": int(self.stood["own_ahead"][k, v, side]) if stood else None,
                },
            )

    def _headlines(self, snapshot: StepSnapshot) -> None:
        for item in snapshot.envs.headlines(self.i):
            _append(self.headlines, {"episode": self.number, "step": snapshot.step, **item._asdict()})


def _append(rows: Rows, row: dict[str, Any]) -> None:
    for name, cells in rows.items():
        cells.append(row[name])
