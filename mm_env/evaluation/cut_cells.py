"""What the cuts of an attribution are made of: profit of each episode by period, regime, symbol, venue and side.

The ledger books a fill's terms with the fill, whose side is known from the log, and revaluation between fills. What a step
added to each term belongs to the period in which the step began and to the regime at its end, as `steps.parquet` has it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.evaluation.markouts import HORIZONS_SECONDS, lots_bought
from mm_env.sim.ledger import (
    FILL_DTYPE,
    HEDGE,
    HEDGE_COST,
    LIQUIDATION_COST,
    MAKER,
    MAKER_FEES,
    REBATES,
    REVALUATION,
    SPREAD,
    TAKER_FEES,
)
from mm_env.sim.state import TERMS

if TYPE_CHECKING:
    from mm_env.envs.play import StepSnapshot

Floats = NDArray[np.float64]

TRADE_TERMS, HELD_TERMS = TERMS[:REVALUATION], TERMS[REVALUATION:]
MARK_HORIZONS = tuple(horizon for horizon in HORIZONS_SECONDS if horizon > 0.0)
MEMOS = (
    "fills", "filled_lots", "hedge_fees",
    *(f"{name}_{horizon:g}s" for name in ("marked_fills", "markout", "adverse_selection") for horizon in MARK_HORIZONS),
)  # fmt: skip
_CHUNK = 50_000  # fills that are worked out at a time
BUY, SELL, UNLOGGED = 0, 1, 2
LONG, SHORT, FLAT = 0, 1, 2


class Cells:
    """One round: N envs that play an episode each, the envs of `number` counted.

    total: (P, N, R, S, V, terms) [currency] profit by period, regime, symbol, venue
    held: (P, N, R, S, side, V, revaluation terms) the revaluations, by the sign of the symbol's inventory as the step began
    After `close` also
    traded: (P, N, R, S, V, side, other terms) by the side of the fill; those that the log had no room for: UNLOGGED
    memos: (P, N, R, S, V, side, MEMOS) of own quotes' fills and, of hedges, their fees
    """

    def __init__(self, snapshot: StepSnapshot, number: int, minutes: float, origin_seconds: float | None) -> None:
        """Begin with a reset. origin_seconds: of a record, since 1970; None: periods count from the episode's start."""
        envs = snapshot.envs
        self.envs, self.number, self.width = envs, number, 60.0 * minutes
        self.shape = (envs.num_envs, len(envs.config.regimes), len(envs.symbols), len(envs.venues))
        n, _, s, v = self.shape
        self.params = envs.batch.params[envs.batch.params_index]  # an env that ends early may have others by the end
        start = np.zeros(n) if origin_seconds is None else origin_seconds + envs.batch.states["replay_start"]
        self.base = 0 if origin_seconds is None else int(start[:number].min() // self.width)
        self.steps = np.zeros(n, np.int64)
        self.total = np.zeros((1, *self.shape, len(TERMS)))
        self.held = np.zeros((1, *self.shape[:3], 3, v, len(HELD_TERMS)))
        self._start, self._step_seconds = np.asarray(start, np.float64), self.params["step_seconds"].copy()
        self._now = self._attribution()
        # what was made since the marks has still to go to these places: most steps change no place
        self._mark, self._held_mark = self._now.copy(), self._now[..., REVALUATION:].copy()
        self._row, self._held_row = np.zeros(n, np.int64), np.zeros((n, s), np.int64)
        self._inventory = np.array(snapshot.infos["inventory"])
        self._mids = [np.array(snapshot.infos["mid"])]
        self._fills: list[NDArray[Any]] = []
        self._owners: list[tuple[NDArray[np.int64], ...]] = []  # envs that filled, how often, row of the cells
        self._ended = np.zeros(n, bool)
        self._overflowed = False

    def _attribution(self) -> Floats:
        _, _, s, v = self.shape
        live = self.envs.batch.states["attribution"][:, :s, :v]
        return np.array(live)  # a copy, always: that of one env is contiguous, and would change with it

    def add(self, snapshot: StepSnapshot) -> None:
        """Count a step of the envs that play."""
        everyone = bool(snapshot.playing.all())
        playing = np.arange(len(self.steps)) if everyone else np.flatnonzero(snapshot.playing)
        n, regimes, s, _ = self.shape
        row, held_row = self._row.copy(), self._held_row.copy()
        began = self._start[playing] + self.steps[playing] * self._step_seconds[playing]
        period = np.floor(began / self.width + 1e-9).astype(np.int64) - self.base
        self._grow(int(period.max(initial=0)) + 1)
        row[playing] = (period * n + playing) * regimes + snapshot.infos["regime"][playing]
        sign = self._inventory[playing]
        side = np.where(sign > 0, LONG, np.where(sign < 0, SHORT, FLAT))
        held_row[playing] = (row[playing, None] * s + np.arange(s)) * 3 + side
        self._move(row, held_row)
        now = self._attribution()
        self._now = now if everyone else np.where(snapshot.playing[:, None, None, None], now, self._now)
        self._keep_fills(playing, row)
        self.steps[playing] += 1
        self._inventory = np.array(snapshot.infos["inventory"])
        self._mids.append(np.array(snapshot.infos["mid"]))
        self._ended |= snapshot.ended & snapshot.playing

    def _grow(self, periods: int) -> None:
        for name in ("total", "held"):
            values = getattr(self, name)
            if periods > len(values):
                setattr(self, name, np.concatenate([values, np.zeros((periods - len(values), *values.shape[1:]))]))

    def _move(self, row: NDArray[np.int64], held_row: NDArray[np.int64]) -> None:
        """Book what was made at places that are left for these, (N,) and (N, S)."""
        left = np.flatnonzero(row != self._row)
        if left.size:
            self._book(left)
        e, i = np.nonzero(held_row != self._held_row)
        if e.size:
            self._book_held(e, i)
        self._row, self._held_row = row, held_row

    def _book(self, e: NDArray[np.int64]) -> None:
        _, _, s, v = self.shape
        self.total.reshape(-1, s, v, len(TERMS))[self._row[e]] += self._now[e] - self._mark[e]
        self._mark[e] = self._now[e]

    def _book_held(self, e: NDArray[np.int64], i: NDArray[np.int64]) -> None:
        now = self._now[e, i, :, REVALUATION:]
        self.held.reshape(-1, self.shape[3], len(HELD_TERMS))[self._held_row[e, i]] += now - self._held_mark[e, i]
        self._held_mark[e, i] = now

    def _keep_fills(self, playing: NDArray[np.int64], row: NDArray[np.int64]) -> None:
        batch = self.envs.batch
        counts = batch.states["fill_count"][playing]
        room = batch.logs.fills.shape[1]
        if int(counts.max(initial=0)) > room:
            self._overflowed = True
            counts = np.minimum(counts, room)
        some = np.flatnonzero(counts)
        if some.size:
            filled, counts = playing[some], counts[some]
            before = np.cumsum(counts) - counts
            place = np.arange(int(counts.sum())) + np.repeat(filled * room - before, counts)
            self._fills.append(batch.logs.fills.reshape(-1)[place])
            self._owners.append((filled, counts, row[filled]))

    def close(self) -> None:
        """Book what is left and work the fills out, once the round is over or was stopped."""
        n, regimes, s, v = self.shape
        self._book(np.arange(n))
        self._book_held(*(np.ravel(index) for index in np.indices((n, s))))
        shape = (len(self.total), n, regimes, s, v)
        fills = np.concatenate([np.zeros(0, FILL_DTYPE), *self._fills])
        nobody = (np.zeros(0, np.int64),) * 3
        filled, counts, rows = (np.concatenate(parts) for parts in zip(nobody, *self._owners, strict=True))
        owner, row = np.repeat(filled, counts), np.repeat(rows, counts)
        self.traded = np.zeros((*shape, 3, len(TRADE_TERMS)))
        self.memos = np.zeros((*shape, 2, len(MEMOS)))
        mids = np.stack(self._mids)
        for low in range(0, len(fills), _CHUNK):
            part = slice(low, low + _CHUNK)
            self._work_out(fills[part], owner[part], row[part], mids)
        if self._overflowed:
            self.traded[..., UNLOGGED, :] = self.total[..., :REVALUATION] - self.traded.sum(axis=-2)

    def _work_out(self, fills: NDArray[Any], owner: NDArray[np.int64], row: NDArray[np.int64], mids: Floats) -> None:
        _, _, s, v = self.shape
        cell = ((row * s + fills["symbol"]) * v + fills["venue"]) * 2 + fills["side"]
        shape = self.memos.shape[:-1]
        size = math.prod(shape)
        for term, amount in _booked(fills, self.params["lot_value"][owner, fills["symbol"]]):
            flat = np.bincount(cell * len(TRADE_TERMS) + term, amount, minlength=size * len(TRADE_TERMS))
            self.traded[..., :UNLOGGED, :] += flat.reshape(*shape, -1)
        for k, (at, values) in enumerate(self._memos(fills, owner, mids)):
            self.memos[..., k] += np.bincount(cell[at], values, minlength=size).reshape(shape)

    def _memos(self, fills: NDArray[Any], owner: NDArray[np.int64], mids: Floats) -> list[tuple[NDArray[np.int64], Floats]]:
        """For each of MEMOS the fills that add to it, and what they add."""
        at, hedges = np.flatnonzero(fills["role"] == MAKER), np.flatnonzero(fills["role"] == HEDGE)
        hedge_fees = -fills["fee"][hedges]
        fills, owner, params = fills[at], owner[at], self.params
        i, basis = fills["symbol"], params["price_basis_ticks"][owner, fills["venue"]]
        tick, dt = params["tick_size"][owner, i], self._step_seconds[owner]
        price, fill_mid = (fills["price"] - basis) * tick, (fills["mid"] - basis) * tick
        shares = lots_bought(fills) * params["lot_value"][owner, i] / tick
        known = self.steps + np.where(
            self._ended & (params["liquidate_at_end"] != 0), 0, 1
        )  # mids that nobody liquidated at
        marked, marks, adverse = [], [], []
        for horizon in MARK_HORIZONS:
            # as `mm_env.evaluation.markouts.markouts` reads mids, for all fills at once
            index = np.ceil((fills["time"] + horizon) / dt - 1e-9).astype(np.int64)
            inside = np.flatnonzero(index < known[owner])
            later = mids[index[inside], owner[inside], i[inside]]
            marked.append((at[inside], np.ones(len(inside))))
            marks.append((at[inside], shares[inside] * (later - price[inside])))
            adverse.append((at[inside], shares[inside] * (fill_mid[inside] - later)))
        lots = fills["quantity"].astype(np.float64)
        return [(at, np.ones(len(at))), (at, lots), (hedges, hedge_fees), *marked, *marks, *adverse]


def _booked(fills: NDArray[Any], lot_value: Floats) -> list[tuple[NDArray[np.int64], Floats]]:
    """Terms and amounts [currency] that the ledger booked of each fill: its edge over the mid, and its fee."""
    role, fee = fills["role"], fills["fee"]
    edge = lots_bought(fills) * (fills["mid"] - fills["price"]) * lot_value
    edge_term = np.where(role == MAKER, SPREAD, np.where(role == HEDGE, HEDGE_COST, LIQUIDATION_COST))
    fee_term = np.where(role == MAKER, np.where(fee < 0.0, REBATES, MAKER_FEES), TAKER_FEES)
    return [(edge_term, edge), (fee_term, -fee)]
