"""Markets that change in mid-episode: other params for all envs between two steps, and what the state holds of the old ones.

`mm_env.sim.switch` updates what kernels derive from params and keep in the state. Here stand arrivals of headlines, messages
under way, and venues that go down. No random number is drawn: a waiting time that has no memory is stretched by the ratio of
the two rates, which gives it the law that it would have had, and leaves the streams where they are in the market that does
not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.errors import ConfigError, UsageError
from mm_env.sim.state import MAILBOXES
from mm_env.sim.switch import switch_params

if TYPE_CHECKING:
    from mm_env.config.scenarios import Scenario
    from mm_env.envs.vector_env import MultiVenueVectorEnv
    from mm_env.market.build import Market

UNCHANGED = (
    "symbols", "venues", "exponentials", "regimes", "start_price_ticks", "lot_value", "tick_size", "tick_multiple",
    "price_basis_ticks", "regime_mean_duration_seconds", "regime_next", "regime_start", "news_source", "tape_latest",
    "bursts", "cancel_by_order", "replay", "replay_earliest", "replay_latest", "step_seconds", "microsteps", "steps",
    "burn_in_steps", "liquidate_at_end",
)  # fmt: skip
"""Params in whose terms the state stands, so that they hold for an episode."""
_OF_TAKERS = ("hawkes_mu", "informed_share", "parent_rate", "child_rate_per_second", "regime_taker_rate_multiplier")
_OF_MAKERS = (
    "limit_rate", "queue_slope", "queue_longest", "imbalance_reaction", "regime_limit", "regime_cancel", "stale_extra",
)  # fmt: skip


class Schedule:
    """The phases of a scenario as markets and params; shared by all batches of envs that play it."""

    def __init__(self, scenario: Scenario) -> None:
        """Build the markets; raises `ConfigError` for a change that cannot be made in mid-episode."""
        from mm_env.market.build import build_market

        self.phases = scenario.phases
        built: list[Market] = []
        for phase in self.phases:
            same = next((k for k, other in enumerate(self.phases[: len(built)]) if other.config == phase.config), None)
            built.append(build_market(phase.config) if same is None else built[same])
        self.markets = built
        self.down = [
            [k for k, venue in enumerate(phase.config.venues) if venue.name in phase.venues_down] for phase in self.phases
        ]
        self.params = [_with_venues_down(market.params, down) for market, down in zip(built, self.down, strict=True)]
        for phase, row in zip(self.phases, self.params, strict=True):
            other = [name for name in UNCHANGED if not np.array_equal(row[name], self.params[0][name])]
            if other:
                raise ConfigError(
                    f"scenario {scenario.name!r}: from step {phase.first} on {', '.join(other)} would be another: "
                    "expected changes that the books, the clock and the chain of regimes survive"
                )


class Switcher:
    """Plays a schedule on envs that all begin their episode with the next reset, and step together."""

    def __init__(self, schedule: Schedule, envs: MultiVenueVectorEnv) -> None:
        """Give the envs, not yet reset and of the schedule's first market, the params of its first phase."""
        self.schedule, self.envs, self.now = schedule, envs, 0
        self._waiting = np.zeros(0)
        envs.batch.params[:] = schedule.params[0]

    def before(self, step: int) -> None:
        """Make what is due at a decision step (0 first) so; call it ahead of the policy."""
        phases, batch = self.schedule.phases, self.envs.batch
        if self.now + 1 < len(phases) and phases[self.now + 1].first == step:
            self._switch(self.now + 1)
        shock = phases[self.now].shock_bps
        if shock:  # as volume that nobody expected: kernels move the price by it, and let its transient share decay
            s = batch.symbols
            batch.states["surprise"][:, :s] += shock * 1e-4 / batch.params[0]["impact_per_lot"][:s]

    def after(self) -> None:
        """Report hedges that were sent to a venue that is down as unfilled; call it behind the step."""
        for v in self.schedule.down[self.now]:
            states = self.envs.batch.states
            sent = (states["step"] - 1) % MAILBOXES
            states["hedge_unfilled"] += np.abs(states["box_hedge"][np.arange(len(states)), sent, :, v])

    def _switch(self, phase: int) -> None:
        batch, schedule = self.envs.batch, self.schedule
        old, new = schedule.params[self.now], schedule.params[phase]
        time = float(batch.states["time"][0])
        batch.params[:] = new
        self.envs.assignment.markets[0] = schedule.markets[phase]  # whose headlines, and their scores, come from now on
        rates = old["news_rate_per_second"], new["news_rate_per_second"]
        self._waiting = stretch_arrivals(batch.states["news_next"], time, *rates, self._waiting)
        for v in schedule.down[phase]:
            if v not in schedule.down[self.now]:
                _close(batch.states, v)
        update_derived(batch.states, old, new, touch=schedule.down[phase] != schedule.down[self.now])
        drain_messages(batch.states, new["latency_seconds"], time)
        self.now = phase


def _with_venues_down(params: NDArray[Any], down: list[int]) -> NDArray[Any]:
    """Params in which messages never reach those venues, nobody rests or takes there, and takers go to the others."""
    row = params.copy()
    row["latency_seconds"][down] = np.inf
    row["limit_rate"][:, down] = row["initial_orders"][:, down] = 0.0
    row["liquidity_share"][down] = 0.0
    total = float(row["liquidity_share"].sum())
    if total > 0.0:
        row["liquidity_share"] /= total
    return row


def stretch_arrivals(
    arrival: NDArray[np.float64],
    time: float,
    old: NDArray[np.float64],
    new: NDArray[np.float64],
    waiting: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Let Poisson streams continue at other rates: what is left to wait, in units of its mean, stays.

    arrival: (N, streams) float64 [s], changed in place; what is due by `time` stays due
    old, new: (streams,) float64 [1/s]
    waiting: (N, streams) float64 what was left of streams that stood still, as returned before; or empty

    Returns what is left of all streams, for when one that stands still continues.
    """
    held = waiting if waiting.size else np.zeros_like(arrival)
    runs, due = old > 0.0, arrival <= time
    left = np.where(runs, np.where(due | ~runs, 0.0, arrival - time) * old, held)
    moves = new != old
    with np.errstate(divide="ignore", invalid="ignore"):
        later = np.where(new > 0.0, time + left / new, np.inf)
    np.copyto(arrival, later, where=moves & ~(due & (new > 0.0)))
    return left


def _differ(old: NDArray[Any], new: NDArray[Any], names: tuple[str, ...]) -> bool:
    return any(not np.array_equal(old[name], new[name]) for name in names)


def update_derived(states: NDArray[Any], old: NDArray[Any], new: NDArray[Any], touch: bool) -> None:
    """Update what the state keeps of what differs between the params; what does not stays, as rounding parts paths.

    Raises `UsageError` for takers where there were none.
    """
    takers = _differ(old, new, _OF_TAKERS)
    excitation = takers or _differ(old, new, ("hawkes_beta",))
    none = states["taker_bound"] == 0.0
    switch_params(states, old.reshape(1), new.reshape(1), excitation, takers, touch, _differ(old, new, _OF_MAKERS))
    if (states["taker_bound"][none] > 0.0).any():
        raise UsageError(
            "takers that were none at all cannot begin in mid-episode: expected a market with takers from its start"
        )


def drain_messages(states: NDArray[Any], latency: NDArray[np.float64], time: float) -> None:
    """Where latency falls, messages under way arrive no later than one sent now: a line does not let them be overtaken.

    So ends, too, what the agent believes of orders sent to a venue that was down: data as new as an answer to one sent now
    show that there are none.
    """
    latest = time + latency
    under_way = np.isfinite(states["box_time"])
    for name in ("box_time", "box_arrival"):
        np.copyto(states[name], np.minimum(states[name], latest), where=under_way)
    np.minimum(states["intent_time"], latest[:, None], out=states["intent_time"])


def _close(states: NDArray[Any], v: int) -> None:
    """Empty the books of a venue, own orders included; messages under way to it are lost, hedges among them reported."""
    for name in ("depth", "orders", "resting", "order_count", "own_quantity", "stale", "own_ahead"):
        states[name][:, :, v] = 0
    states["queue"][:, :, v], states["refill_time"][:, :, v] = 0.0, np.inf
    states["refill_next"] = states["refill_time"].min(axis=(1, 2, 3))
    under_way = np.isfinite(states["box_time"][:, :, v])
    lost = np.abs(states["box_hedge"][:, :, :, v]) * under_way[:, :, None]
    states["hedge_unfilled"] += lost.sum(axis=1)
    np.copyto(states["box_time"][:, :, v], np.inf, where=under_way)
