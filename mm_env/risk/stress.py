"""Markets that change in mid-episode: other params for all envs between two steps, and what the state holds of the old ones.

Kernels read their params at every event, but some of what they derive stands in the state until the next event: rates of
makers, the dominating rate and the next candidate of takers, arrivals of headlines, messages under way. Those are brought
in line here, and no random number is drawn for it: a waiting time that has no memory is stretched by the ratio of the two
rates, which gives it the law that it would have had, and leaves the streams where they are in the market that does not
change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mm_env.errors import ConfigError
from mm_env.sim.book import ASK, BID
from mm_env.sim.state import MAILBOXES

if TYPE_CHECKING:
    from mm_env.config.scenarios import Scenario
    from mm_env.envs.vector_env import MultiVenueVectorEnv
    from mm_env.market.build import Market
    from mm_env.sim.batch import Batch

UNCHANGED = (
    "symbols", "venues", "exponentials", "regimes", "start_price", "lot_value", "tick_size", "multiple", "basis",
    "regime_duration", "regime_next", "regime_start", "news_source", "tape_latest", "bursts", "by_order", "replay",
    "feed_earliest", "feed_latest", "step_seconds", "microsteps", "steps", "burn_in_steps", "liquidate",
)  # fmt: skip
"""Params in whose terms the state stands, so that they hold for an episode."""
_OF_TAKERS = ("mu", "informed", "parent_rate", "child_rate", "regime_taker")
_OF_MAKERS = (
    "limit_rate", "queue_slope", "queue_longest", "imbalance_reaction", "regime_limit", "regime_cancel", "stale_extra",
)  # fmt: skip
_NOWHERE = -(2**62)  # below any price


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
            batch.states["surprise"][:, :s] += shock * 1e-4 / batch.params[0]["impact"][:s]

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
        self.envs.casting.markets[0] = schedule.markets[phase]  # whose headlines, and their scores, come from now on
        self._waiting = stretch_arrivals(batch.states["news_next"], time, old["news_rate"], new["news_rate"], self._waiting)
        if _differ(old, new, (*_OF_TAKERS, "beta")):
            decay_excitation(batch.states, old, time)
        if _differ(old, new, _OF_TAKERS):
            redraw_takers(batch.states, new, time)
        for v in schedule.down[phase]:
            if v not in schedule.down[self.now]:
                _close(batch.states, v)
        if schedule.down[phase] != schedule.down[self.now]:
            find_touch(batch)
        drain_messages(batch.states, new["latency"], time)
        if _differ(old, new, _OF_MAKERS):  # else equal but for rounding, which would part the paths
            update_maker_rates(batch.states, new)
        self.now = phase


def _with_venues_down(params: NDArray[Any], down: list[int]) -> NDArray[Any]:
    """Params in which messages never reach those venues, nobody rests or takes there, and takers go to the others."""
    row = params.copy()
    row["latency"][down] = np.inf
    row["limit_rate"][:, down] = row["initial_orders"][:, down] = 0.0
    row["share"][down] = 0.0
    total = float(row["share"].sum())
    if total > 0.0:
        row["share"] /= total
    return row


def stretch_arrivals(
    arrival: NDArray[np.float64],
    time: float,
    old: NDArray[np.float64],
    new: NDArray[np.float64],
    waiting: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Let Poisson streams go on at other rates: what is left to wait, in units of its mean, stays.

    arrival: (N, streams) float64 [s], changed in place; what is due by `time` stays due
    old, new: (streams,) float64 [1/s]
    waiting: (N, streams) float64 what was left of streams that stood still, as returned before; or empty

    Returns what is left of all streams, for when one that stands still goes on.
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


def decay_excitation(states: NDArray[Any], params: NDArray[Any], time: float) -> None:
    """Takers' excitation as it is at a time, after the decay of these params."""
    used = int(params["exponentials"])
    elapsed = np.maximum(time - states["excitation_time"], 0.0)
    states["excitation"][:, :used] *= np.exp(-params["beta"][:used] * elapsed[:, None])[:, :, None]
    states["excitation_time"] = np.maximum(states["excitation_time"], time)


def redraw_takers(states: NDArray[Any], new: NDArray[Any], time: float) -> None:
    """Dominating rate and next candidate of the takers' thinning under new params, as `sim.flow.draw_taker` sets them.

    states: with an excitation that is decayed to `time`
    """
    s, scale = int(new["symbols"]), new["regime_taker"][states["regime"]]
    buy, sell = new["mu"][0 : 2 * s : 2], new["mu"][1 : 2 * s : 2]
    bound = scale * float((buy + sell + new["informed"] * np.abs(buy - sell)).sum()) + float(new["parent_rate"][:s].sum())
    bound += new["child_rate"] * states["parents"][:, :s].sum(axis=(1, 2)) + states["excitation"].sum(axis=(1, 2))
    runs = states["taker_bound"] > 0.0
    left = np.where(runs, states["taker_next"] - time, 0.0) * states["taker_bound"]
    if not runs.all() and np.any(bound[~runs] > 0.0):
        raise ValueError("takers that were none at all cannot begin in mid-episode, as they have no next arrival")
    with np.errstate(divide="ignore", invalid="ignore"):
        states["taker_next"] = np.where(bound > 0.0, time + left / bound, np.inf)
    states["taker_bound"] = bound


def drain_messages(states: NDArray[Any], latency: NDArray[np.float64], time: float) -> None:
    """Where latency falls, messages under way arrive no later than one sent now: a line does not let them be overtaken.

    So ends, too, what the agent believes of orders sent to a venue that was down: data as new as an answer to one sent now
    tell it that there are none.
    """
    latest = time + latency
    under_way = np.isfinite(states["box_time"])
    for name in ("box_time", "box_arrival"):
        np.copyto(states[name], np.minimum(states[name], latest), where=under_way)
    np.minimum(states["intent_time"], latest[:, None], out=states["intent_time"])


def update_maker_rates(states: NDArray[Any], params: NDArray[Any]) -> None:
    """Rates of limit orders and cancels of all books under new params, as `sim.book.update_rates` sets them."""
    queue, slope = states["queue"], params["queue_slope"]
    regime = states["regime"]
    total = queue.sum(axis=3)
    lean = np.divide(queue[..., BID] - queue[..., ASK], total, out=np.zeros_like(total), where=total > 0.0)
    lean *= params["imbalance_reaction"]
    come = params["limit_rate"] * params["regime_limit"][regime][:, None, None]
    leave = params["regime_cancel"][regime][:, None, None, None] * (
        1.0 + np.minimum(slope[:, :, None] * queue, params["queue_longest"])
    )
    s, v = int(params["symbols"]), int(params["venues"])
    used = (slice(None), slice(s), slice(v))
    rate = states["rate"]
    rate[..., BID][used] = (come / (1.0 + slope * queue[..., BID]) * (1.0 + lean))[used]
    rate[..., ASK][used] = (come / (1.0 + slope * queue[..., ASK]) * (1.0 - lean))[used]
    states["leave"][used] = leave[used]
    standing = states["standing" if params["by_order"] else "resting"]
    rate[..., 2:][used] = (leave * (standing + params["stale_extra"] * states["stale"]))[used]
    states["venue_rate"][used] = rate[used].sum(axis=3)  # sums over books follow at the next microstep


def _close(states: NDArray[Any], v: int) -> None:
    """Empty the books of a venue, own orders included; messages under way to it are lost, hedges among them reported."""
    for name in ("depth", "orders", "resting", "standing", "own_quantity", "stale", "own_ahead"):
        states[name][:, :, v] = 0
    states["queue"][:, :, v], states["refill_time"][:, :, v] = 0.0, np.inf
    states["refill_next"] = states["refill_time"].min(axis=(1, 2, 3))
    under_way = np.isfinite(states["box_time"][:, :, v])
    lost = np.abs(states["box_hedge"][:, :, :, v]) * under_way[:, :, None]
    states["hedge_unfilled"] += lost.sum(axis=1)
    np.copyto(states["box_time"][:, :, v], np.inf, where=under_way)


def find_touch(batch: Batch) -> None:
    """Consolidated touch and mid of all symbols, as `sim.book.update_touch` finds them where nothing crosses anew."""
    states, s = batch.states, batch.symbols
    for side in (BID, ASK):
        sign = 1 - 2 * side
        others = np.where(states["resting"][..., side] > 0, sign * states["best"][..., side], _NOWHERE)
        own = np.where(states["own_quantity"][..., side] > 0, sign * states["own_price"][..., side], _NOWHERE)
        front, top = others.max(axis=2), np.maximum(others, own)
        venue, best = top.argmax(axis=2), top.max(axis=2)
        valid, shown = front > _NOWHERE, best > _NOWHERE
        states["front_valid"][..., side] = valid
        np.copyto(states["front"][..., side], sign * front, where=valid)
        states["touch_venue"][..., side] = np.where(shown, venue, -1)
        np.copyto(states["touch"][..., side], sign * best, where=shown)
    valid = (states["front_valid"][:, :s] != 0).all(axis=2)
    states["mid_valid"][:, :s] = valid
    np.copyto(states["mid2"][:, :s], states["front"][:, :s].sum(axis=2), where=valid)
