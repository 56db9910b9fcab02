"""Every field of the state of one env: one record an env, so that all of it lies in a few consecutive KB.

Letters in shapes: S symbols, V venues, W ticks of a book's window, K exponentials of the Hawkes kernel, B of bursts, R
streams.
Prices inside the simulator are *reference* ticks: a venue's price minus that venue's basis, so that venues compare.
Sides are 0 (bid, buy) and 1 (ask, sell). Capacities come in three padded sizes, so that another number of symbols or
venues compiles nothing; past the largest an exact size is made (and compiled).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

WINDOW = 128  # ticks of a book that can hold lots; a power of two, so that the slot of a price is a bit mask
DEEPEST = 2**30  # [lots] at a price past which nobody joins, so that a depth holds what rests
BURSTS = 3  # exponentials of the excitation of makers
EXPONENTIALS = 5  # four of the config, and the last row for the excitation by news
PARENTS = 8  # active parent orders a side of a symbol
MAILBOXES = 5  # decisions whose messages may be under way or not yet seen to have arrived: 3 + 1 steps of latency
HISTORY = 256  # decision steps of mid changes behind historical risk figures
STREAMS = 6  # random streams, see rng.py

TERMS = (
    "spread_capture", "maker_rebates", "maker_fees", "taker_fees", "hedge_cost", "liquidation_cost",
    "revaluation_news", "revaluation_diffusion", "revaluation_impact", "revaluation_mispricing",
)  # fmt: skip
REWARDS = (
    "profit", "inventory_penalty", "terminal_penalty", "hedging_cost", "exponential_utility", "asymmetric_dampening",
)  # fmt: skip

# name, dtype, shape, [unit] meaning
FIELDS = (
    # identity and time
    ("key", "u8", (2,), "seed material of the env; every episode's streams derive from it and from `episode`"),
    ("episode", "i8", (), "episodes begun since the seed"),
    ("rng", "u8", ("R", 4), "xoshiro256++ states"),
    ("time", "f8", (), "[s] since the first observation; negative in the burn-in"),
    ("step", "i8", (), "decision steps done in the episode"),
    ("fault", "i8", (), "bits of rng.FAULTS; any of them is a bug"),
    ("ended", "u1", (), "the episode is over and must be reset"),
    # regime, news, efficient price
    ("regime", "i8", (), "index"),
    ("regime_until", "f8", (), "[s] time of the next switch"),
    ("news_next", "f8", ("S+1",), "[s] next headline of each symbol and, last, market-wide (Poisson news)"),
    ("tape_start", "f8", (), "[s] of the tape at which the episode begins"),
    ("tape_position", "i8", (), "next row of the tape"),
    ("headline", "i8", ("S",), "row of the newest headline that touched the symbol, -1 none yet"),
    ("headline_time", "f8", ("S",), "[s] of that headline"),
    ("news_drift", "f8", ("S",), "[log] part of past headlines that the price has still to follow"),
    ("price", "f8", ("S",), "[ticks] efficient price P"),
    ("price_moves", "f8", ("S", 3), "[ticks] P's moves since the start by news, diffusion, impact"),
    # takers
    ("excitation", "f8", ("K", "2S"), "[1/s] Hawkes excitation by exponential; the last row is news"),
    ("excitation_time", "f8", (), "[s] to which the excitation is decayed"),
    ("taker_next", "f8", (), "[s] next candidate of the thinning"),
    ("taker_bound", "f8", (), "[1/s] its dominating rate"),
    ("transient", "f8", ("S",), "[log] impact in the price that has still to decay"),
    ("surprise", "f8", ("S",), "[lots] signed volume minus its expectation, since the last microstep"),
    ("children", "i4", ("S", 2, "Q"), "children left of each active parent"),
    ("parents", "i4", ("S", 2), "active parents"),
    # books of the other traders
    ("window_low", "i8", ("S",), "[ticks] lowest price of the window"),
    ("depth", "i4", ("S", "V", 2, "W"), "[lots] resting quantity of others, slot = price & (W - 1)"),
    ("resting", "i8", ("S", "V", 2), "[lots] sum of the depth"),
    ("orders", "u1", ("S", "V", 2, "W"), "orders behind a depth, kept where cancels go by order; 255: that or more"),
    ("order_count", "i8", ("S", "V", 2), "sum of the orders"),
    ("best", "i8", ("S", "V", 2), "[ticks] best price of others, where resting > 0"),
    ("queue", "f8", ("S", "V", 2), "[lots] at the venue's best price, own order included"),
    ("rate", "f8", ("S", "V", 4), "[1/s] limit bid, limit ask, cancel bid, cancel ask"),
    ("unit_cancel_rate", "f8", ("S", "V", 2), "[1/s] cancel rate of a lot, or of an order"),
    ("stale", "i8", ("S", "V", 2), "[lots, or orders where cancels go by order] where the efficient price has passed"),
    ("venue_rate", "f8", ("S", "V"), "[1/s] sum of the four"),
    ("symbol_rate", "f8", ("S",), "[1/s] sum over venues"),
    ("maker_rate", "f8", (), "[1/s] sum over symbols"),
    ("burst", "f8", ("S", "B"), "excitation of makers, as a share of their rate"),
    ("burst_time", "f8", (), "[s] to which it is decayed"),
    ("refill_time", "f8", ("S", "V", 2), "[s] when a maker answers to a best price that was emptied, inf none"),
    ("refill_price", "i8", ("S", "V", 2), "[ticks] that price"),
    ("refill_next", "f8", (), "[s] earliest of these"),
    ("best_of_others", "i8", ("S", 2), "[ticks] best of others over venues, where front_valid"),
    ("best_of_others_valid", "u1", ("S", 2), "whether that side exists"),
    ("touch", "i8", ("S", 2), "[ticks] best over venues, own orders included, where touch_venue >= 0"),
    ("touch_venue", "i4", ("S", 2), "venue of the touch, -1 none"),
    ("known", "i8", ("S", 2), "[ticks] the touch as makers on other venues know it (last microstep)"),
    ("known_valid", "u1", ("S", 2), "whether that side existed"),
    ("mid2", "i8", ("S",), "[half ticks] consolidated mid of others; the last valid one"),
    ("mid_valid", "u1", ("S",), "both sides exist now"),
    ("arbitrage_time", "f8", ("S",), "[s] when crossed venues are traded back, inf none"),
    ("scheduled_next", "f8", (), "[s] earliest of mailboxes, snapshots, arbitrage"),
    # replay of a recording
    ("replay_start", "f8", (), "[s] of the recording at which the episode begins"),
    ("replay_row", "i8", (), "next event of the recording"),
    ("replay_time", "f8", (), "[s] when it comes, inf none"),
    ("replay_book_row", "i8", ("S", "V"), "row whose book stands, -1 none"),
    ("shift", "i8", ("S",), "[ticks] by which impact moves recorded prices"),
    ("worst_recorded_price", "i8", ("S", "V", 2), "[ticks] worst price that the recording shows"),
    # own orders and messages
    ("own_price", "i8", ("S", "V", 2), "[ticks] own resting order"),
    ("own_quantity", "i4", ("S", "V", 2), "[lots] 0: none"),
    ("own_ahead", "i4", ("S", "V", 2), "[lots] queued before it at its price"),
    ("box_time", "f8", ("M", "V"), "[s] arrival of the messages of a decision at a venue, inf none"),
    ("box_arrival", "f8", ("M", "V"), "[s] the same, kept until the agent has seen data that is not older, then -inf"),
    ("box_quote", "u1", ("M", "S", "V", 2), "what to do to the order on this side, see orders.py; 0 nothing"),
    ("box_price", "i8", ("M", "S", "V", 2), "[ticks]"),
    ("box_quantity", "i4", ("M", "S", "V", 2), "[lots]"),
    ("box_hedge", "i4", ("M", "S", "V"), "[lots] signed immediate-or-cancel order"),
    ("box_limit", "i8", ("M", "S", "V"), "[ticks] its limit price"),
    ("intent_price", "i8", ("S", "V", 2), "[ticks] of the last message sent"),
    ("intent_quantity", "i4", ("S", "V", 2), "[lots]"),
    ("intent_time", "f8", ("S", "V", 2), "[s] its arrival, -inf once the agent has seen data that is not older"),
    # what the agent sees: each venue as it was data_latency before the decision
    ("snapshot_time", "f8", ("V",), "[s] next snapshot, inf done in this step"),
    ("seen_price", "i8", ("S", "V", 2), "[ticks] best of others"),
    ("seen_quantity", "i4", ("S", "V", 2), "[lots] there; 0: side empty"),
    ("seen_own_quantity", "i4", ("S", "V", 2), "[lots] own order"),
    ("seen_own_price", "i8", ("S", "V", 2), "[ticks]"),
    ("seen_own_ahead", "i4", ("S", "V", 2), "[lots]"),
    ("seen_position", "i8", ("S", "V"), "[lots] own fills reported so far"),
    ("seen_filled", "i8", ("S", "V", 2), "[lots] own maker fills reported so far"),
    ("seen_touch", "i8", ("S", 2), "[ticks] consolidated, from seen_price"),
    ("seen_valid", "u1", ("S",), "both sides are seen"),
    ("seen_mid", "f8", ("S",), "[ticks] the last valid one"),
    # ledger
    ("cash", "f8", (), "[currency]"),
    ("position", "i8", ("S", "V"), "[lots] by the venue of the fill"),
    ("inventory", "i8", ("S",), "[lots]"),
    ("marked", "f8", ("S", "V", 4), "[ticks] price parts (news, diffusion, impact, mispricing) at the last settlement"),
    ("attribution", "f8", ("S", "V", "T"), "[currency] cumulative, TERMS"),
    ("posted", "i8", ("S", "V", 2), "[lots] own quotes that rested, new quantity only"),
    ("filled", "i8", ("S", "V", 2), "[lots] own maker fills"),
    ("fills", "i8", ("S", "V", 2), "own maker fills, counted"),
    ("hedged_lots", "i8", ("S", "V"), "[lots] bought or sold by hedges"),
    ("hedge_unfilled", "i8", ("S",), "[lots] of hedge legs that found no counterpart within their limit"),
    ("liquidated", "i8", ("S",), "[lots] inventory before the terminal liquidation"),
    ("unliquidated", "i8", ("S",), "[lots] that the books could not take"),
    ("fill_count", "i8", (), "own fills in this step; the log holds the first of them"),
    ("headline_count", "i8", (), "headlines in this step; the log holds the first of them"),
    # counters
    ("events", "i8", (), "book events: limit orders, cancels, takers, own messages, arbitrage"),
    (
        "takers",
        "i8",
        ("2S",),
        "taker orders by Hawkes dimension (buy, sell of each symbol), parents' children included",
    ),
    ("taker_volume", "i8", (), "[lots] taken by aggressors"),
    ("maker_volume", "i8", (), "[lots] given by resting orders of others"),
    ("own_maker_volume", "i8", (), "[lots] given by own resting orders"),
    ("withheld", "i8", (), "maker orders not sent: known cross, outside the window, below one tick"),
    # signals and policy
    ("sentiment", "f8", ("S",), "decayed sum of headline scores"),
    ("imbalance", "f8", ("S",), "[-1, 1] of the seen touch sizes"),
    ("alpha", "f8", ("S",), "[bps] expected move: smoothed blend of the two"),
    ("variance_fast", "f8", ("S",), "[ticks²/s]"),
    ("default_price", "f8", ("S", 2), "[ticks] default policy's bid and ask before the grid"),
    ("default_half_spread", "f8", ("S",), "[ticks]"),
    ("default_size", "i4", ("S", 2), "[lots]"),
    ("default_hedge", "i4", ("S",), "[lots] signed"),
    ("quote", "i8", ("S", 2), "[ticks] price aimed at after the action and the grid"),
    ("quote_tick", "i8", ("S",), "[ticks] quoting grid"),
    # router
    ("route", "u1", ("S", "V"), "1: quoted"),
    ("route_review", "f8", (), "[s] next review"),
    ("route_counted", "i8", ("S", "V", 2), "[lots] seen fills already learnt from"),
    ("route_exposure", "f8", ("S", "V"), "[lot s] posted and seen, decayed"),
    ("route_filled", "f8", ("S", "V"), "[lots] seen filled, decayed"),
    ("route_adverse", "f8", ("S", "V"), "[ticks lots] mid moves against fills in the step after, decayed"),
    ("route_pending", "i8", ("S", "V"), "[lots] signed fills seen in the last step, to be marked"),
    ("route_score", "f8", ("S", "V"), "[ticks/s] expected value of a lot posted for a second"),
    # risk
    ("covariance", "f8", ("S", "S"), "[ticks²/s] EWMA of seen mid changes"),
    (
        "horizon_covariance",
        "f8",
        ("S", "S"),
        "[ticks²/s] that of moves over the VaR's horizon, with var_covariance: horizon",
    ),
    ("horizon_move", "f8", ("S",), "[ticks] seen move over the last steps of the horizon"),
    ("changes", "f4", ("S", "H"), "[ticks] mid changes of the last steps, ring"),
    ("change_count", "i8", (), "changes seen in all"),
    ("value_at_risk", "f8", (3,), "[currency] parametric, Cornish-Fisher, historical"),
    ("expected_shortfall", "f8", (), "[currency]"),
    ("marginal_var", "f8", ("S",), "[currency a lot] of the parametric VaR"),
    ("hedged", "u1", (), "the last decision sent a hedge because VaR passed its limit"),
    ("breaches", "i8", (), "decision steps with VaR over its limit"),
    ("hedges", "i8", (), "decisions that hedged"),
    # reward
    ("pnl", "f8", (), "[currency] profit at the last settlement"),
    ("equity_high", "f8", (), "[currency] highest profit so far"),
    ("drawdown", "f8", (), "[currency] largest fall from it"),
    ("reward_total", "f8", ("N",), "[currency] cumulative weighted terms, REWARDS"),
)


@dataclass(frozen=True)
class Capacity:
    """Array sizes of a compiled kernel."""

    symbols: int
    venues: int

    @property
    def letters(self) -> dict[str, int]:
        """Value of each letter used in FIELDS."""
        return {
            "S": self.symbols, "V": self.venues, "W": WINDOW, "K": EXPONENTIALS, "R": STREAMS, "Q": PARENTS,
            "M": MAILBOXES, "B": BURSTS, "H": HISTORY, "T": len(TERMS), "N": len(REWARDS),
            "S+1": self.symbols + 1, "2S": 2 * self.symbols,
        }  # fmt: skip


SIZES = (Capacity(2, 3), Capacity(5, 10), Capacity(16, 16))  # small, medium, large


def capacity_for(symbols: int, venues: int) -> Capacity:
    """Smallest padded size that holds the market, or an exact one past the largest."""
    for size in SIZES:
        if symbols <= size.symbols and venues <= size.venues:
            return size
    return Capacity(symbols, venues)


def record_dtype(fields: tuple[tuple[str, str, tuple[str | int, ...], str], ...], letters: dict[str, int]) -> np.dtype:
    """Aligned structured dtype of a field table."""

    def shape(dims: tuple[str | int, ...]) -> tuple[int, ...]:
        return tuple(letters[d] if isinstance(d, str) else d for d in dims)

    return np.dtype([(name, kind, shape(dims)) for name, kind, dims, _ in fields], align=True)


@cache
def state_dtype(capacity: Capacity) -> np.dtype:
    """Record of one env."""
    return record_dtype(FIELDS, capacity.letters)
