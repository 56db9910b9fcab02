"""All estimates of one file of events, under stable names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.calibration.cancels import CancelRates, cancel_rates
from mm_env.calibration.fills import FillIntensity, fit_intensity
from mm_env.calibration.hawkes_fit import HawkesFit, Structure, select_hawkes
from mm_env.calibration.intraday import Profile, day_profile, window_sums
from mm_env.calibration.placement import Placement, fit_placement
from mm_env.calibration.prices import Mids, Spread, spread, volatility
from mm_env.calibration.queues import QueueRates, queue_rates
from mm_env.calibration.regimes import Regimes, fit_regimes
from mm_env.calibration.sizes import PowerTail, fit_tail
from mm_env.calibration.takers import TouchShares, takers, touch_shares
from mm_env.data.events import About, Events
from mm_env.errors import DataError
from mm_env.theory.hawkes import rescaled_times

SCALES_SECONDS = (0.1, 1.0, 10.0, 60.0)
_DISTANCES = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # in half spreads
_MOST_REGIMES = 3


@dataclass(frozen=True, eq=False)
class Summary:
    """Estimates of one symbol at one venue; None where the events do not allow an estimate.

    seconds: span; trades: takers, fills of one time and side counted once
    volatility: (scale [s], bps/sqrt(s), standard error); takers: (times [s], sides) behind `hawkes`
    """

    about: About
    events: int
    seconds: float
    trades: int
    spread: Spread | None
    volatility: list[tuple[float, float, float]]
    hawkes: list[HawkesFit]
    intensity: FillIntensity | None
    tail: PowerTail | None
    mean_size: float
    touch: TouchShares
    cancels: CancelRates | None
    placement: Placement | None
    queues: QueueRates | None
    regimes: Regimes | None
    profile: Profile | None
    takers: tuple[NDArray[np.float64], NDArray[np.int64]]

    @property
    def best_hawkes(self) -> HawkesFit | None:
        """The fit with the lowest BIC."""
        return min(self.hawkes, key=lambda fit: fit.bic, default=None)

    def relaxed(self) -> list[NDArray[np.float64]]:
        """Rescaled times of the best fit by side: Exp(1) where it is right."""
        best = self.best_hawkes
        return [] if best is None else rescaled_times(*self.takers, best.process, start=0.0)


def summarise(
    events: Events,
    about: About,
    structure: Structure = "full",
    lot: float = 1.0,
    most: int = 3,
    window_seconds: int = 60,
    profile_degree: int = 2,
) -> Summary:
    """Estimate all that the events allow.

    structure: of the Hawkes kernels; most: exponentials that are tried
    lot: [units of size] in which sizes are counted
    window_seconds: [s] in which regimes are looked for; profile_degree: of what is taken off them first, 0 for nothing

    Raises DataError for events without a book or a span.
    """
    mids = Mids.of(events)
    span = int(events.time[-1] - events.time[0])
    if span <= 0:
        raise DataError(f"{len(events)} events that span no time; expected two or more at different times")
    time, side, size = takers(events, about)
    seconds = (time - events.time[0]) * 1e-9
    width = float(np.nanmedian(events.ask_prices[:, 0] - events.bid_prices[:, 0]))
    start, end = int(events.time[0]), int(events.time[-1])
    windows = _try(window_sums, events, time, window_seconds)
    return Summary(
        about=about,
        events=len(events),
        seconds=span * 1e-9,
        trades=len(time),
        spread=None if about.tick is None else spread(events, about.tick),
        volatility=[(scale, *found) for scale in SCALES_SECONDS if (found := _try(volatility, mids, scale, start, end))],
        hawkes=_try(select_hawkes, seconds, side, span * 1e-9, most, structure) or [],
        intensity=_try(fit_intensity, events, [0.5 * width * k for k in _DISTANCES]),
        tail=_try(fit_tail, np.maximum(1.0, np.ceil(size / lot))),
        mean_size=float(size.mean() / lot) if len(size) else float("nan"),
        touch=touch_shares([events], about),
        cancels=cancel_rates(events) if np.isin(events.kind, ("reduce", "delete")).any() else None,
        placement=None if about.tick is None else _try(fit_placement, events, about.tick),
        queues=_try(queue_rates, events, time, side),
        regimes=None if windows is None else _try(fit_regimes, windows, _MOST_REGIMES, profile_degree),
        profile=_try(day_profile, events, time),
        takers=(seconds, side),
    )


def _try(estimate: Any, *arguments: Any) -> Any:
    """Result of an estimator, None where the data do not allow it."""
    try:
        return estimate(*arguments)
    except ValueError:
        return None
