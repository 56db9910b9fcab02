"""Rendering: what stands in the books and how the market maker fares, as text; `picture` draws the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mm_env.market.build import Market
from mm_env.sim.batch import Batch
from mm_env.sim.state import WINDOW
from mm_env.sim.step import RESET, SKIP

LENGTH = 300  # steps of history that a picture shows
_LEVELS = 5  # of each side in the text
_BARS = "▁▂▃▄▅▆▇█"
BID, ASK = 0, 1


class History:
    """The last steps of every env, of its episode only.

    time: (N, L) [s]; profit, value_at_risk: (N, L) [currency]; inventory: (N, L, S) [lots]; alpha: (N, L, S) [bps]
    """

    def __init__(self, batch: Batch) -> None:
        """Remember nothing yet of the envs of `batch`."""
        self.batch = batch
        number, symbols = batch.number, batch.symbols
        self.count = np.zeros(number, np.int64)
        self._rings = {name: np.zeros((number, LENGTH)) for name in ("time", "profit", "value_at_risk")}
        self._rings |= {name: np.zeros((number, LENGTH, symbols)) for name in ("inventory", "alpha")}

    def clear(self) -> None:
        """Forget all."""
        self.count[:] = 0

    def add(self, commands: np.ndarray) -> None:
        """Remember what `commands` (N,) uint8 made of the envs; a reset forgets the episode before."""
        batch, symbols = self.batch, self.batch.symbols
        self.count[commands == RESET] = 0
        rows = np.flatnonzero(commands != SKIP)
        at = (rows, self.count[rows] % LENGTH)
        self._rings["time"][at] = batch.states["time"][rows]
        self._rings["profit"][at] = batch.results["pnl"][rows]
        self._rings["value_at_risk"][at] = batch.results["value_at_risk"][rows]
        self._rings["inventory"][at] = batch.results["inventory"][rows, :symbols]
        self._rings["alpha"][at] = batch.states["alpha"][rows, :symbols]
        self.count[rows] += 1

    def of(self, i: int) -> dict[str, np.ndarray]:
        """Series of env i in the order of time: (n,) or (n, S) each."""
        count = int(self.count[i])
        order = np.arange(max(0, count - LENGTH), count) % LENGTH
        return {name: ring[i, order] for name, ring in self._rings.items()}


@dataclass(frozen=True, eq=False)
class Ladder:
    """All books of one symbol, by price.

    name: of the symbol; tick: [currency]; mid: [currency]
    price: (n,) int64 [ticks] rising; lots: (V, 2, n) of the other traders; own: (V, 2, n) of the market maker
    """

    name: str
    tick: float
    mid: float
    price: np.ndarray
    lots: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, batch: Batch, market: Market, i: int, k: int) -> Ladder:
        """Books of symbol k of env i."""
        state, venues = batch.states[i], batch.venues
        low = int(state["window_low"][k])
        quotes, sizes = state["own_price"][k, :venues], state["own_quantity"][k, :venues]
        standing = quotes[sizes > 0].tolist()
        window = np.arange(low, low + WINDOW)
        price = np.union1d(window, standing).astype(np.int64)  # own quotes may stand far outside
        lots, own = np.zeros((2, venues, 2, len(price)), np.int64)
        start = int(np.searchsorted(price, low))
        lots[:, :, start : start + WINDOW] = state["depth"][k, :venues][:, :, window & (WINDOW - 1)]
        for v, side in np.argwhere(sizes > 0).tolist():
            own[v, side, np.searchsorted(price, quotes[v, side])] = sizes[v, side]
        symbol = market.config.symbols[k]
        return cls(symbol.name, symbol.tick_size, 0.5 * int(state["mid2"][k]) * symbol.tick_size, price, lots, own)

    def near(self, levels: int) -> Ladder:
        """Only the `levels` best prices of either side, and those of own orders."""
        taken = (self.lots + self.own).sum(axis=0) > 0
        keep = np.any(self.own > 0, axis=(0, 1))
        keep[np.flatnonzero(taken[BID])[-levels:]] = True
        keep[np.flatnonzero(taken[ASK])[:levels]] = True
        return Ladder(self.name, self.tick, self.mid, self.price[keep], self.lots[..., keep], self.own[..., keep])


def render_ansi(batch: Batch, market: Market, history: History, i: int) -> str:
    """Text of env i: a headline of figures, then the books of every symbol with own quotes behind an asterisk."""
    parts, params = [_figures(batch, market, history, i)], batch.params[batch.params_index[i]]
    for k in range(batch.symbols):
        ladder = Ladder.of(batch, market, i, k).near(_LEVELS)
        state = batch.states[i]
        parts.append(
            f"{ladder.name}  mid {ladder.mid:.{decimals(ladder.tick) + 1}f}  "
            f"inventory {int(state['inventory'][k]):+d} of ±{int(params['inventory_limit'][k])} lots  "
            f"alpha {state['alpha'][k]:+.2f} bps"
        )
        parts.append(_table(ladder, market.venues))
    return "\n".join([*parts, "(12*5: 12 lots of others and 5 own)"]) + "\n"


def _figures(batch: Batch, market: Market, history: History, i: int) -> str:
    state, result, series = batch.states[i], batch.results[i], history.of(i)
    limit = var_limit(batch, i)
    hedged = "  HEDGED" if result["hedged"] else ""
    regime = market.config.regimes[int(result["regime"])].name
    return (
        f"step {int(state['step'])} of {int(batch.params['steps'][batch.params_index[i]])}  "
        f"time {state['time']:.0f} s  regime {regime}{hedged}\n"
        f"profit {result['pnl']:,.2f}  {sparkline(series['profit'])}\n"
        f"VaR {result['value_at_risk']:,.2f} of {limit:,.2f} ({result['value_at_risk'] / limit:.0%})  "
        f"{sparkline(series['value_at_risk'])}"
    )


def _table(ladder: Ladder, venues: tuple[str, ...]) -> str:
    """Prices downwards, a pair of columns (bid, ask) a venue."""
    cells = [
        [f"{_cell(ladder, v, BID, n)}|{_cell(ladder, v, ASK, n)}" for v in range(len(venues))]
        for n in range(len(ladder.price))
    ]
    half = max(
        [4, *((len(name) - 1) // 2 for name in venues), *(len(s) for row in cells for c in row for s in c.split("|"))]
    )
    digits = decimals(ladder.tick)

    def line(head: str, row: Iterable[str]) -> str:
        pairs = (text.split("|") for text in row)
        return f"{head:>11} " + "  ".join(f"{bid:>{half}}|{ask:<{half}}" for bid, ask in pairs).rstrip()

    lines = [" " * 12 + "  ".join(f"{name:^{2 * half + 1}}" for name in venues).rstrip()]
    lines.append(line("price", ["bid|ask"] * len(venues)))
    lines += [line(f"{ladder.price[n] * ladder.tick:.{digits}f}", cells[n]) for n in range(len(cells))[::-1]]
    return "\n".join(lines)


def _cell(ladder: Ladder, v: int, side: int, n: int) -> str:
    lots, own = int(ladder.lots[v, side, n]), int(ladder.own[v, side, n])
    return (str(lots) if lots else "") + (f"*{own}" if own else "")


def var_limit(batch: Batch, i: int) -> float:
    """VaR limit of env i [currency]."""
    return float(batch.params["portfolio_var_limit"][batch.params_index[i]])


def decimals(tick: float) -> int:
    """Digits after the point that tell prices apart on a grid of `tick`."""
    digits = 0
    while digits < 8 and abs(round(tick, digits) - tick) > 1e-9 * tick:
        digits += 1
    return digits


def sparkline(values: np.ndarray, width: int = 40) -> str:
    """The last `width` values as bars between their least and their largest."""
    recent = values[-width:]
    if len(recent) == 0:
        return ""
    low, span = recent.min(), np.ptp(recent)
    heights = np.zeros(len(recent), int) if span == 0.0 else ((recent - low) / span * (len(_BARS) - 1)).round().astype(int)
    return "".join(_BARS[height] for height in heights)
