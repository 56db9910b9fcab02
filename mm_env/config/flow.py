"""Parameters of the other traders: takers, parent orders and makers, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from mm_env.config.keys import Problem, refuse, shortened
from mm_env.config.types import TOLERANCE, Decay, Exponentials, Positive, Rate, Section, Share
from mm_env.sim.laws import lomax_scale

Sizes = Annotated[list[Annotated[int, Field(ge=1, le=65_535)]], Field(min_length=2, max_length=256)]


class Makers(Section):
    """Queue-reactive limit order flow of the other market makers (Huang, Lehalle & Rosenbaum 2015)."""

    limit_rate_per_second: float = Field(
        7.0, ge=1e-6, le=10_000.0, description="limit orders a side of a symbol, all venues"
    )
    cancel_rate_per_second: float = Field(0.25, ge=1e-6, le=1000.0, description="of each resting order (1 / mean life)")
    size_mean_lots: float = Field(4.0, ge=1.0, le=1000.0, description="of a limit order; geometric")
    placement_offset_ticks: float = Field(
        4.0, ge=1e-3, le=100.0, description="scale of the distance law, from the efficient price"
    )
    placement_exponent: float = Field(1.6, ge=0.1, le=20.0, description="tail of the distance law (Bouchaud et al. 2002)")
    size_quantiles_lots: Sizes | None = Field(
        None, description="of a limit order, at shares 0, 1/(n-1), …, 1: a measured law in place of size_mean_lots"
    )
    round_lot_lots: int = Field(
        1, ge=1, le=65_535, description="in which orders mostly come: what is odd in a level is cancelled as one order"
    )
    placement_quantiles_ticks: (
        Annotated[list[Annotated[float, Field(ge=-60.0, le=60.0)]], Field(min_length=2, max_length=256)] | None
    ) = Field(None, description="of the distance from the efficient price, likewise, in place of the law of two parameters")
    burst_shares: Annotated[list[Share], Field(max_length=3)] = Field(
        default_factory=list, description="of limit orders and cancels that events before them bring about, by exponential"
    )
    burst_decays_per_second: Annotated[list[Decay], Field(max_length=3)] = Field(
        default_factory=list, description="how soon they come, one for each share"
    )
    queue_reaction: float = Field(
        0.5, ge=0.0, le=5.0, description="how strongly a long queue slows joining and speeds leaving"
    )
    imbalance_reaction: Share = Field(0.3, description="how strongly limit orders follow the touch imbalance")
    stale_cancel_multiplier: float = Field(
        20.0, ge=1.0, le=1000.0, description="of the cancel rate where the efficient price passed"
    )
    cancel_unit: Literal["lot", "order"] = Field(
        "lot",
        description="what is as likely to be cancelled as any other: a lot, so that large orders go in parts, or an order",
    )
    refill_after_takers: Share = Field(
        0.0, description="probability that a maker answers at once when a trade has emptied a venue's best price"
    )
    refill_after_cancels: Share = Field(0.0, description="likewise when a cancel has")
    refill_latency_ms: Positive = Field(1.0, description="mean time until such an answer; exponential")
    arbitrage_latency_ms: Positive = Field(20.0, description="after which crossed venues are traded back")

    @model_validator(mode="after")
    def _laws_agree(self) -> Makers:
        refuse("Makers", list(_maker_problems(self)))
        return self


class Parents(Section):
    """Large orders split into children (Lillo, Mike & Farmer 2005): long memory of trade signs."""

    rate_per_second: float = Field(0.15, ge=0.0, le=10.0, description="new parent orders a symbol")
    child_rate_per_second: float = Field(0.5, ge=1e-6, le=100.0, description="of one active parent")
    children_exponent: float = Field(1.4, gt=1.0, le=10.0, description="tail exponent of the number of children")
    children_max: int = Field(1000, ge=1, le=100_000)
    child_size_lots: int = Field(3, ge=1, le=10_000)


class Flow(Section):
    """Takers (Hawkes and parent orders) and makers."""

    use_hawkes: bool = Field(True, description="false: Poisson takers of the mean rate that the baseline alone gives")
    hawkes_mu: Rate | list[Rate] = Field(
        0.2, description="baseline of a side of a symbol [1/s]; or 2S numbers: buy, sell a symbol"
    )
    hawkes_alpha: Rate | Annotated[list[Rate], Exponentials] | Annotated[list[list[list[Rate]]], Exponentials] = Field(
        default_factory=lambda: [0.12, 6.0],
        description="jump of a side's own intensity, one an exponential [1/s]; "
        "or K matrices (2S, 2S), row excited by column",
    )
    hawkes_beta: Decay | Annotated[list[Decay], Exponentials] = Field(
        default_factory=lambda: [0.4, 20.0], description="decay of each exponential [1/s]"
    )
    hawkes_cross_side: float = Field(
        0.1, ge=0.0, le=1.0, description="excitation of the other side, as a share of hawkes_alpha"
    )
    hawkes_cross_symbol: float = Field(0.05, ge=0.0, le=1.0, description="of the same side of each other symbol, as a share")
    taker_size_mean_lots: float = Field(4.0, ge=1.0, le=10_000.0)
    taker_size_exponent: float = Field(2.2, gt=1.05, le=20.0, description="tail exponent of the size")
    taker_size_max_lots: int = Field(200, ge=1, le=1_000_000)
    taker_size_quantiles_lots: Sizes | None = Field(
        None, description="at shares 0, 1/(n-1), …, 1: a measured law in place of the mean, exponent and max above"
    )
    taker_touch_share: Share = Field(
        0.0, description="of takers that take what stands at the best price, and just that (Farmer et al. 2004)"
    )
    taker_through_share: Share = Field(1.0, description="of the other takers that go past the best price where it has less")
    taker_reach_ticks: int = Field(
        3, ge=0, le=10_000, description="past the best price of others at which a taker still trades; its rest is cancelled"
    )
    sweep_share: Share = Field(
        0.4, description="of takers that take the best prices over all venues; others go on to these from their own venue"
    )
    informed_share: Share = Field(0.9, description="largest tilt of the baseline towards the efficient price")
    mispricing_scale_ticks: Positive = Field(1.5, description="mispricing at which the tilt is 0.71 of its largest")
    impact_kappa: float = Field(0.02, ge=0.0, le=10.0, description="impact of surprising volume [bps a lot]")
    impact_permanent_share: Share = Field(0.2, description="of the impact that stays; the rest decays")
    impact_half_life_seconds: Positive = Field(30.0, description="of the impact that decays")
    makers: Makers = Field(default_factory=Makers)
    parents: Parents = Field(default_factory=Parents)

    @model_validator(mode="after")
    def _exponentials_agree(self) -> Flow:
        refuse("Flow", list(_flow_problems(self)))
        return self

    def hawkes_matrices(self, n_symbols: int) -> np.ndarray:
        """Hawkes kernel: (K, 2S, 2S) float64 [1/s] jump of row at an event of column; buy_0, sell_0, buy_1, …

        Raises `ValueError` when the configured matrices are of another size.
        """
        dims = 2 * n_symbols
        alphas = _as_list(self.hawkes_alpha)
        if isinstance(alphas[0], list):
            if any(len(matrix) != dims or any(len(row) != dims for row in matrix) for matrix in alphas):
                raise ValueError(f"matrices of {dims} rows of {dims} numbers: buy and sell of {n_symbols} symbol(s)")
            return np.array(alphas, dtype=np.float64)
        one_symbol = np.array([[1.0, self.hawkes_cross_side], [self.hawkes_cross_side, 1.0]])
        same, other = np.eye(n_symbols), 1.0 - np.eye(n_symbols)
        pattern = np.kron(same, one_symbol) + self.hawkes_cross_symbol * np.kron(other, np.eye(2))
        kernel: np.ndarray = np.multiply.outer(np.array(alphas, dtype=np.float64), pattern)
        return kernel

    def hawkes_decays(self) -> np.ndarray:
        """(K,) float64 [1/s] decay of each exponential."""
        return np.array(_as_list(self.hawkes_beta), dtype=np.float64)

    def hawkes_baseline(self, n_symbols: int) -> np.ndarray:
        """(2S,) float64 [1/s] baseline rates, before any symbol's activity: buy_0, sell_0, buy_1, …

        Raises `ValueError` when a list of another length is configured.
        """
        dims = 2 * n_symbols
        if isinstance(self.hawkes_mu, list):
            if len(self.hawkes_mu) != dims:
                raise ValueError(f"one number, or {dims}: buy and sell of {n_symbols} symbol(s)")
            return np.array(self.hawkes_mu, dtype=np.float64)
        return np.full(dims, float(self.hawkes_mu))

    def branching_ratio(self, n_symbols: int) -> float:
        """Spectral radius of Σ_k alpha_k / beta_k: mean number of direct offspring of a taker; below 1 in a valid market.

        Source: Hawkes & Oakes 1974; multivariate stationarity in Brémaud & Massoulié 1996, theorem 7.
        """
        kernel = self.hawkes_matrices(n_symbols) / self.hawkes_decays()[:, None, None]
        return float(np.abs(np.linalg.eigvals(kernel.sum(axis=0))).max())


def hawkes_problems(flow: Flow, n_symbols: int) -> Iterator[Problem]:
    """Hawkes parameters of another size than the market's, and takers that excite each other without end."""
    try:
        flow.hawkes_baseline(n_symbols)
    except ValueError as error:
        yield Problem(("flow", "hawkes_mu"), flow.hawkes_mu, str(error))
    try:
        ratio = flow.branching_ratio(n_symbols)
    except ValueError as error:
        yield Problem(("flow", "hawkes_alpha"), flow.hawkes_alpha, str(error))
        return
    if ratio >= 1.0 - TOLERANCE:
        yield Problem(
            ("flow", "hawkes_alpha"),
            flow.hawkes_alpha,
            f"a branching ratio below 1; here it is {ratio:.4g} (spectral radius of the sum of "
            f"hawkes_alpha / hawkes_beta for {n_symbols} symbol(s), with hawkes_cross_side and hawkes_cross_symbol)",
        )


def _flow_problems(flow: Flow) -> Iterator[Problem]:
    """Disagreements between keys of the flow that do not depend on the number of symbols."""
    n_alpha, n_beta = len(_as_list(flow.hawkes_alpha)), len(_as_list(flow.hawkes_beta))
    if n_alpha != n_beta:
        yield Problem(
            ("hawkes_beta",),
            flow.hawkes_beta,
            f"as many decays as hawkes_alpha has exponentials, {n_alpha}; here {n_beta}",
        )
    try:
        if flow.taker_size_quantiles_lots is None:
            lomax_scale(flow.taker_size_mean_lots, flow.taker_size_exponent, flow.taker_size_max_lots)
    except ValueError:
        allowed = f"below taker_size_max_lots, {flow.taker_size_max_lots}, past which no size goes"
        yield Problem(("taker_size_mean_lots",), flow.taker_size_mean_lots, allowed)
    yield from _falling(flow, "taker_size_quantiles_lots")


def _maker_problems(makers: Makers) -> Iterator[Problem]:
    """Quantiles that fall, and bursts that do not end."""
    yield from _falling(makers, "size_quantiles_lots", "placement_quantiles_ticks")
    shares, decays = makers.burst_shares, makers.burst_decays_per_second
    if len(shares) != len(decays):
        yield Problem(("burst_decays_per_second",), decays, f"as many as burst_shares, {len(shares)}")
    if sum(shares) >= 1.0 - TOLERANCE:
        yield Problem(("burst_shares",), shares, f"a sum below 1; here it is {sum(shares):.4g}")


def _falling(section: Makers | Flow, *names: str) -> Iterator[Problem]:
    for name in names:
        values = getattr(section, name)
        if values is not None and any(low > high for low, high in pairwise(values)):
            yield Problem((name,), shortened(values), "numbers that never fall")


def _as_list(value: Any) -> list[Any]:
    """`value` itself when it is a list, else the list of it alone."""
    return value if isinstance(value, list) else [value]
