"""The optimal value on the classic lattice by dynamic programming, and what a constant depth makes of it.

The criterion is that of the classic environment's reward, E[profit - φ Σ q² dt - α q_n²] with q after the fills of a step;
φ = α = 0 is the mean profit. With U(q) the value of having q after the fills, penalty included, step and state ask for

    max over bid δ and ask ε of  U(q) + p(δ)(δ + U(q+1) - U(q)) + p(ε)(ε + U(q-1) - U(q)) + p(δ) p(ε) C(q)

with C = 2 U(q) - U(q+1) - U(q-1): both sides may fill in one step, and cancel. That last term, which continuous time does
not have, couples the sides; the bid is best for the ask and the ask for the bid in turn until neither moves. Where they are
so strongly coupled that several such pairs may exist (C k > 1), this begins once without an ask and once with a sure one,
and the better pair is kept.

Source: Cartea, Jaimungal & Penalva 2015, section 10.2 (the criterion, in continuous time); Bellman 1957.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mm_env.theory.lattice import Depths, Floats, Lattice, quoted

_ROUNDS = 500  # of bid and ask in turn
_SETTLED = 1e-13  # change of a depth, relative to 1/k and the largest, below which they have settled
_NEWTON = 100
_GRID = 64  # constant depths looked at at once
_ZOOMS = 7  # each between the neighbours of the best


@dataclass(frozen=True, eq=False)
class Solution:
    """The optimal policy and its value.

    value: (steps + 1, 2Q+1) [currency] optimal value still to come, by step and inventory
    bid, ask: (steps, 2Q+1) [currency] optimal depths, inf at the limit where none is quoted
    start: optimal value of an episode [currency]
    """

    value: Floats
    bid: Floats
    ask: Floats
    start: float


def optimal_policy(lattice: Lattice, inventory_penalty: float = 0.0, terminal_penalty: float = 0.0) -> Solution:
    """The best policy of step and inventory, which no other policy beats: what else is known says nothing of the future.

    inventory_penalty: φ [currency / unit² / time]; terminal_penalty: α [currency / unit²]
    """
    width = 2 * lattice.largest + 1
    value = np.empty((lattice.steps + 1, width))
    bid, ask = np.full((lattice.steps, width), np.inf), np.full((lattice.steps, width), np.inf)
    q = lattice.inventories.astype(np.float64)
    value[-1] = -terminal_penalty * q**2
    for step in range(lattice.steps - 1, -1, -1):
        after = value[step + 1] - inventory_penalty * q**2 * lattice.step
        value[step], bid[step, :-1], ask[step, 1:] = _best_step(lattice, after)
    return Solution(value, bid, ask, float(value[0, lattice.largest + lattice.initial]))


def policy_value(
    lattice: Lattice, bid: Depths, ask: Depths, inventory_penalty: float = 0.0, terminal_penalty: float = 0.0
) -> float:
    """Value of an episode under a policy of step and inventory [currency].

    bid, ask: depths [currency], see `lattice.Depths`; penalties as in `optimal_policy`
    """
    q = lattice.inventories.astype(np.float64)
    value = -terminal_penalty * q**2
    for step in range(lattice.steps - 1, -1, -1):
        after = value - inventory_penalty * q**2 * lattice.step
        value = _gain(after, *quoted(lattice, bid, step, 0), *quoted(lattice, ask, step, 1))
    return float(value[lattice.largest + lattice.initial])


def best_constant_depth(
    lattice: Lattice, inventory_penalty: float = 0.0, terminal_penalty: float = 0.0
) -> tuple[float, float]:
    """(depth, value) [currency] of the best policy that always quotes one depth on both sides.

    penalties as in `optimal_policy`

    A grid that zooms in on its best point: the highest of several hills is found if it is wider than the first grid's step.
    """
    arrivals, decay = lattice.arrival_rate * lattice.step, lattice.fill_decay
    low = min(0.0, math.log(arrivals) / decay) if arrivals > 0.0 else 0.0  # certain to fill, or at the mid
    high = 20.0 / decay  # e^-20 of the arrivals get there
    depths, values = np.zeros(0), np.zeros(0)
    for _ in range(_ZOOMS):
        depths = np.linspace(low, high, _GRID)
        values = _constant_values(lattice, depths, inventory_penalty, terminal_penalty)
        best = int(np.argmax(values))
        low, high = float(depths[max(best - 1, 0)]), float(depths[min(best + 1, _GRID - 1)])
    return float(depths[np.argmax(values)]), float(values.max())


def _constant_values(lattice: Lattice, depths: Floats, inventory_penalty: float, terminal_penalty: float) -> Floats:
    """(D,) value of an episode under each of the depths (D,), quoted on both sides throughout."""
    q = lattice.inventories.astype(np.float64)
    fills = np.repeat(lattice.fill_probability(depths)[:, None], q.size, axis=1)
    bid_fills, ask_fills = fills.copy(), fills
    bid_fills[:, -1] = ask_fills[:, 0] = 0.0
    value = np.repeat(-terminal_penalty * q[None, :] ** 2, depths.size, axis=0)
    for _ in range(lattice.steps):
        after = value - inventory_penalty * q**2 * lattice.step
        value = _gain(after, depths[:, None], bid_fills, depths[:, None], ask_fills)
    return np.asarray(value[:, lattice.largest + lattice.initial])


def recovered_share(value: float, constant: float, optimal: float) -> float:
    """Share (V - V_const) / (V* - V_const) of what can be gained over the best constant depth; 1 is optimal.

    Raises ValueError where nothing can be gained.
    """
    if not optimal > constant:
        raise ValueError(
            f"optimal value {optimal!r} and {constant!r} of a constant depth; expected the first above the other"
        )
    return (value - constant) / (optimal - constant)


def _gain(after: Floats, bid: Floats, bid_fills: Floats, ask: Floats, ask_fills: Floats) -> Floats:
    """(…, 2Q+1) value before a step from `after`, that after its fills, under depths and fill probabilities."""
    up = np.concatenate([after[..., 1:], after[..., -1:]], axis=-1)
    down = np.concatenate([after[..., :1], after[..., :-1]], axis=-1)
    both = bid_fills * ask_fills
    return np.asarray(
        after + bid_fills * bid + ask_fills * ask + (bid_fills - both) * (up - after) + (ask_fills - both) * (down - after)
    )


def _best_step(lattice: Lattice, after: Floats) -> tuple[Floats, Floats, Floats]:
    """(value (2Q+1,), bid (2Q,) at -Q … Q-1, ask (2Q,) at -Q+1 … Q) of the best quotes of one step."""
    rise = np.diff(after)  # of the value, from an inventory to the next
    bend = np.zeros(after.size)
    bend[1:-1] = rise[:-1] - rise[1:]
    coupled = bool((np.abs(bend) * lattice.fill_decay > 1.0).any())
    pairs = [_settle(lattice, rise, bend, first) for first in ((0.0, 1.0) if coupled else (0.0,))]
    values = [
        _gain(after, *quoted(lattice, np.append(bid, np.inf), 0, 0), *quoted(lattice, np.insert(ask, 0, np.inf), 0, 1))
        for bid, ask in pairs
    ]
    which = np.argmax(values, axis=0)  # of the pairs, by inventory
    bid, ask = (np.choose(part, [pair[side] for pair in pairs]) for side, part in enumerate((which[:-1], which[1:])))
    return np.max(values, axis=0), bid, ask


def _settle(lattice: Lattice, rise: Floats, bend: Floats, ask_fills: float) -> tuple[Floats, Floats]:
    """(bid, ask) depths, each the best for the other; at first the ask is taken to fill with probability `ask_fills`."""
    width = bend.size
    bought, sold = np.zeros(width), np.full(width, ask_fills)
    sold[0] = 0.0
    bid, ask = np.full(width - 1, np.inf), np.full(width - 1, np.inf)
    for _ in range(_ROUNDS):
        before = bid, ask
        bid = _best_depth(lattice, rise + sold[:-1] * bend[:-1])
        bought[:-1] = lattice.fill_probability(bid)
        ask = _best_depth(lattice, -rise + bought[1:] * bend[1:])
        sold[1:] = lattice.fill_probability(ask)
        moved = max(float(np.abs(bid - before[0]).max()), float(np.abs(ask - before[1]).max()))
        if moved <= _SETTLED * (1.0 / lattice.fill_decay + float(np.abs(bid).max())):
            break
    return bid, ask


def _best_depth(lattice: Lattice, change: Floats) -> Floats:
    """Depth δ that maximises p(δ)(δ + change), of the shape of `change` [currency]: what a fill adds to the value.

    With λ dt: 1/k - change, or where fills become certain. With 1 - exp(-x), x = λ dt: δ + change = (exp(x) - 1) / (k x).
    """
    decay = lattice.fill_decay
    most = lattice.arrival_rate * lattice.step
    if most == 0.0:
        return 1.0 / decay - change
    if lattice.linear:
        return np.asarray(np.maximum(1.0 / decay - change, math.log(most) / decay))
    return _best_exponential_depth(decay, math.log(most), change)


def _best_exponential_depth(decay: float, log_most: float, change: Floats) -> Floats:
    """Depth (log_most - y) / k where y, the logarithm of λ dt, solves y + (exp(x) - 1) / x = target, x = exp(y).

    The left side is convex and rises in y, so that Newton's method falls to the root from any point above it; both points
    of the minimum are.
    """
    target = log_most + decay * change
    y = np.minimum(target - 1.0, np.log(np.log1p(np.maximum(target, 0.0) + 1.0) + 2.0) + 1.0)
    for _ in range(_NEWTON):
        x = np.exp(y)
        ratio = np.where(x > 1e-8, np.expm1(x) / np.where(x > 1e-8, x, 1.0), 1.0)
        step = (y + ratio - target) / (1.0 + np.exp(x) - ratio)
        y = y - step
        if float(np.abs(step).max()) < 1e-14:
            break
    return np.asarray((log_most - y) / decay)
