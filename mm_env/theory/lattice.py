"""The exact moments of any inventory policy on the classic lattice, by a forward recursion and without sampling.

The market is that of `mm_env.sim.classic.step` with Poisson arrivals, and the order within step i = 0 … n - 1 is its order:

1. a bid and an ask stand at depths that depend on i and on the inventory q alone (time left at i: (n - i) dt);
2. each fills with its probability, independently, for one unit; both may; at the inventory limit one is not quoted;
3. the mid moves, and the inventory *after* the fills is what the move meets (were it the one before, the profit's sd of
   the published table would be 6.530 and not 6.543).

Profit is cash plus inventory at the mid, less the same at the beginning. Given q its increments depend on nothing else, so
E[profit^j; q] for j = 0 … 4 is carried from step to step by the binomial theorem. Moments are taken about the mean so far:
with a mean of 10⁶ and an sd of 1 a fourth moment about zero would hold no digit of the sd.

Source: Avellaneda & Stoikov 2008, section 3.3 (the market); the recursion is that of a Markov reward process.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.config import ClassicConfig

Floats = NDArray[np.float64]
# (steps, 2Q+1) or what broadcasts to it [currency]: depth at step and inventory -Q … Q, inf where none is quoted; or a
# function of the step that returns (2Q+1,)
Depths = Floats | float | Callable[[int], Floats]

ORDERS = 5  # moments of order 0 to 4


@dataclass(frozen=True)
class Lattice:
    """The classic market as seen by a policy that knows step and inventory.

    volatility: [currency / √time]; step: [time]; steps: n; arrival_rate: [1/time] a side at depth zero;
    fill_decay: [1/currency]; linear: fill probability λ dt, at most 1, and not 1 - exp(-λ dt); largest: Q, inventory
    limit [units]; initial: inventory at the beginning [units]; normal: the mid's moves are normal and not ±σ√dt
    """

    volatility: float = 2.0
    step: float = 0.005
    steps: int = 200
    arrival_rate: float = 140.0
    fill_decay: float = 1.5
    linear: bool = True
    largest: int = 200
    initial: int = 0
    normal: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for an inventory beyond the limit, or a market without a step."""
        if self.steps < 1 or self.largest < 1 or abs(self.initial) > self.largest:
            raise ValueError(
                f"{self.steps} steps, limit {self.largest}, initial inventory {self.initial}; "
                "expected at least one step, a limit of at least 1, an inventory within it"
            )

    @classmethod
    def of(cls, config: ClassicConfig) -> Lattice:
        """Return the lattice of a classic market; raises ValueError for Hawkes arrivals, which have a memory."""
        mid, flow, episode = config.mid, config.flow, config.episode
        if flow.arrivals != "poisson":
            raise ValueError(f"flow.arrivals: {flow.arrivals!r} has no exact moments on the lattice; expected 'poisson'")
        return cls(
            volatility=mid.volatility,
            step=episode.horizon / episode.steps,
            steps=episode.steps,
            arrival_rate=flow.arrival_rate,
            fill_decay=flow.fill_decay,
            linear=flow.fill_rule == "linear",
            largest=episode.inventory_limit,
            initial=episode.initial_inventory,
            normal=mid.move == "brownian",
        )

    @property
    def inventories(self) -> NDArray[np.int64]:
        """(2Q+1,) int64 [units] -Q … Q."""
        return np.arange(-self.largest, self.largest + 1)

    @property
    def time_left(self) -> Floats:
        """(steps,) float64 [time] left when the quotes of each step are set: n dt, …, 2 dt, dt."""
        return np.asarray(np.arange(self.steps, 0, -1) * self.step)

    @property
    def move_variance(self) -> float:
        """Variance of a step's move of the mid [currency²]."""
        return self.volatility**2 * self.step

    def fill_probability(self, depth: Floats) -> Floats:
        """Probability that a quote fills within a step, of the shape of `depth` [currency]."""
        expected = self.arrival_rate * self.step * np.exp(np.minimum(-self.fill_decay * depth, 600.0))
        return np.minimum(1.0, expected) if self.linear else -np.expm1(-expected)


@dataclass(frozen=True, eq=False)
class Moments:
    """Exact moments at the end of an episode.

    profit, inventory: means [currency], [units]; *_sd: standard deviations; *_kurtosis: fourth central moment over the
    squared variance (normal: 3), NaN without variance; inventory_square: E[q²] at the end [units²];
    inventory_square_time: E[Σ q² dt] over the steps, q after the fills [units² × time];
    distribution: (2Q+1,) probability of each final inventory
    """

    profit: float
    profit_sd: float
    profit_kurtosis: float
    inventory: float
    inventory_sd: float
    inventory_kurtosis: float
    inventory_square: float
    inventory_square_time: float
    distribution: Floats

    def standard_errors(self, episodes: int) -> dict[str, float]:
        """Return the standard error of each mean and sd over independent episodes; of an sd it knows the kurtosis.

        sd of a sample sd: sd × sqrt((kurtosis - 1) / 4n). Source: Kendall & Stuart 1977, volume 1, section 10.
        """
        found = {}
        for name in ("profit", "inventory"):
            sd, kurtosis = getattr(self, f"{name}_sd"), getattr(self, f"{name}_kurtosis")
            found[name] = sd / math.sqrt(episodes)
            found[f"{name}_sd"] = sd * math.sqrt((kurtosis - 1.0) / (4.0 * episodes)) if kurtosis > 1.0 else 0.0
        return found

    def value(self, inventory_penalty: float = 0.0, terminal_penalty: float = 0.0) -> float:
        """E[profit - φ Σ q² dt - α q_n²] [currency].

        Source: Cartea, Jaimungal & Penalva 2015, section 10.2.
        """
        return self.profit - inventory_penalty * self.inventory_square_time - terminal_penalty * self.inventory_square


def quoted(lattice: Lattice, depths: Depths, step: int, side: int) -> tuple[Floats, Floats]:
    """(depth [currency], fill probability) of one side at a step, each (2Q+1,); (0, 0) where nothing is quoted.

    side: 0 bid, 1 ask

    Raises ValueError for a depth that is no number, or not of the lattice's width.
    """
    width = 2 * lattice.largest + 1
    row: Floats
    if callable(depths):
        row = np.asarray(depths(step), dtype=np.float64)
    else:
        table = np.asarray(depths, dtype=np.float64)
        if table.ndim == 2 and table.shape[0] not in (1, lattice.steps):
            raise ValueError(f"depths of shape {table.shape}; expected ({lattice.steps}, {width}) or what broadcasts to it")
        row = table[step if table.shape[0] > 1 else 0] if table.ndim == 2 else table
    try:
        depth = np.broadcast_to(row, (width,)).copy()
    except ValueError as error:
        raise ValueError(f"depths of shape {row.shape} at step {step}; expected ({width},), a depth an inventory") from error
    if np.isnan(depth).any():
        raise ValueError(f"depths at step {step}: {int(np.isnan(depth).sum())} are no number; expected a number, or inf")
    none = depth == np.inf
    none[-1 if side == 0 else 0] = True  # at the limit the side that would add
    depth[none] = 0.0
    return depth, np.where(none, 0.0, lattice.fill_probability(depth))


def exact_moments(lattice: Lattice, bid: Depths, ask: Depths) -> Moments:
    """Moments of profit and final inventory under a policy of step and inventory.

    bid, ask: depths [currency], see `Depths`
    """
    q = lattice.inventories
    moments = np.zeros((ORDERS, q.size))
    moments[0, lattice.largest + lattice.initial] = 1.0
    mean = square_time = 0.0
    for step in range(lattice.steps):
        sides = [quoted(lattice, depths, step, side) for side, depths in enumerate((bid, ask))]
        (bid_depth, bid_fills), (ask_depth, ask_fills) = sides
        drift = float(moments[0] @ (bid_fills * bid_depth + ask_fills * ask_depth))
        mean += drift
        moments = _move(lattice, _fills(moments, sides, drift), q)
        square_time += float(moments[0] @ q**2) * lattice.step
    return _summary(moments, q, mean, square_time)


def _fills(moments: Floats, sides: list[tuple[Floats, Floats]], drift: float) -> Floats:
    """Moments (5, 2Q+1) after the fills of a step, about a mean that `drift` is part of."""
    (bid_depth, bid_fills), (ask_depth, ask_fills) = sides
    after = np.zeros_like(moments)
    for bought in (False, True):
        for sold in (False, True):
            chance = (bid_fills if bought else 1.0 - bid_fills) * (ask_fills if sold else 1.0 - ask_fills)
            gain = bought * bid_depth + sold * ask_depth - drift
            moved = np.zeros_like(moments)
            powers = [chance]
            for _ in range(ORDERS - 1):
                powers.append(powers[-1] * gain)
            for j in range(ORDERS):
                for i in range(j + 1):
                    moved[j] += math.comb(j, i) * powers[j - i] * moments[i]
            if bought == sold:
                after += moved
            elif bought:
                after[:, 1:] += moved[:, :-1]
            else:
                after[:, :-1] += moved[:, 1:]
    return after


def _move(lattice: Lattice, moments: Floats, q: NDArray[np.int64]) -> Floats:
    """Moments (5, 2Q+1) after the move of the mid."""
    variance = lattice.move_variance
    second = variance * q.astype(np.float64) ** 2
    fourth = second**2 * (3.0 if lattice.normal else 1.0)
    after = moments.copy()
    after[2] += second * moments[0]
    after[3] += 3.0 * second * moments[1]
    after[4] += 6.0 * second * moments[2] + fourth * moments[0]
    return after


def _summary(moments: Floats, q: NDArray[np.int64], mean: float, square_time: float) -> Moments:
    law = moments[0]
    inventory = float(law @ q)
    about = q - inventory
    profit_sd, profit_kurtosis = _shape(float(moments[2].sum()), float(moments[4].sum()))
    inventory_sd, inventory_kurtosis = _shape(float(law @ about**2), float(law @ about**4))
    return Moments(
        mean, profit_sd, profit_kurtosis, inventory, inventory_sd, inventory_kurtosis, float(law @ q**2), square_time, law
    )  # fmt: skip


def _shape(second: float, fourth: float) -> tuple[float, float]:
    """(sd, kurtosis) from central moments."""
    square = second * second
    return math.sqrt(max(second, 0.0)), fourth / square if square > 0.0 else math.nan
