"""Mark-outs: the value of a fill some time later.

The mark-out of a fill at time t, price p and signed quantity q (bought: above 0), at a horizon h, is

    q x lot_size x (m(t + h) - p)    [currency]

where m(u) is the symbol's recorded mid at the first decision time not before u: mids are recorded at the ends of the
decision steps, so what is read is between h and h + step_seconds after the fill. Prices and mids are compared without the
venue's price basis. Fees are not in it. At h = 0 the mid is that at the very fill, so that the figure is the spread
captured; the fall from there is adverse selection. A fill whose horizon passes the last recorded mid is not counted at
that horizon; nor is the mid recorded after a terminal liquidation ever read, as the agent itself has moved it.

In bps: the sum of mark-outs over the sum of |q| x lot_size x p, with an error over episodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mm_env.evaluation.estimates import ratio_estimate
from mm_env.sim.book import BID

HORIZONS_SECONDS = (0.0, 1.0, 10.0, 60.0)


@dataclass(frozen=True, eq=False)
class Marks:
    """Sums of the fills of E episodes, on V venues, at H horizons.

    count: (E, V, H) int64 fills whose horizon lies within the episode
    value: (E, V, H) float64 [currency] their mark-outs
    notional: (E, V, H) float64 [currency] their traded value
    """

    count: NDArray[np.int64]
    value: NDArray[np.float64]
    notional: NDArray[np.float64]


def lots_bought(fills: NDArray[Any]) -> NDArray[np.int64]:
    """Lots of each fill, above 0 bought, below 0 sold. fills: (F,) `mm_env.sim.ledger.FILL_DTYPE`"""
    lots = fills["quantity"].astype(np.int64)
    return np.where(fills["side"] == BID, lots, -lots)


def markouts(
    time: NDArray[np.float64],
    price: NDArray[np.float64],
    fill_mid: NDArray[np.float64],
    shares: NDArray[np.float64],
    mids: NDArray[np.float64],
    step_seconds: float,
    horizons: Sequence[float] = HORIZONS_SECONDS,
) -> NDArray[np.float64]:
    """Mark-outs of the fills of one symbol in one episode, (F, H) float64 [currency], NaN past the last mid.

    time: (F,) float64 [s] since the start of the episode
    price: (F,) float64 [currency] without the venue's basis
    fill_mid: (F,) float64 [currency] mid at the fill, likewise
    shares: (F,) float64 signed, above 0 bought
    mids: (K,) float64 [currency] recorded at 0, step_seconds, 2 x step_seconds, …
    """
    marks = np.full((len(time), len(horizons)), np.nan)
    for k, horizon in enumerate(horizons):
        if horizon == 0.0:
            marks[:, k] = shares * (fill_mid - price)
            continue
        # a fill at the very end of a step reads that step's mid, whatever the rounding of its time
        index = np.ceil((time + horizon) / step_seconds - 1e-9).astype(np.int64)
        inside = index < len(mids)
        marks[inside, k] = shares[inside] * (mids[index[inside]] - price[inside])
    return marks


def sum_marks(
    marks: NDArray[np.float64],
    notional: NDArray[np.float64],
    episode: NDArray[np.int64],
    venue: NDArray[np.int64],
    shape: tuple[int, int],
) -> Marks:
    """Add up mark-outs by episode and venue.

    marks: (F, H) float64 [currency], NaN not counted
    notional: (F,) float64 [currency]; episode, venue: (F,) int64; shape: (E, V)
    """
    cells = (*shape, marks.shape[1])
    sums = Marks(np.zeros(cells, np.int64), np.zeros(cells), np.zeros(cells))
    cell = episode * shape[1] + venue
    for k in range(marks.shape[1]):
        known = ~np.isnan(marks[:, k])
        at, size = cell[known], shape[0] * shape[1]
        sums.count[:, :, k] = np.bincount(at, minlength=size).reshape(shape)
        sums.value[:, :, k] = np.bincount(at, marks[known, k], minlength=size).reshape(shape)
        sums.notional[:, :, k] = np.bincount(at, notional[known], minlength=size).reshape(shape)
    return sums


def markout_rows(marks: Marks, venues: Sequence[str], horizons: Sequence[float] = HORIZONS_SECONDS) -> list[dict[str, Any]]:
    """Return a row for each venue, and "all", and horizon: fills, currency an episode, bps with its error.

    marks: of at least one episode
    """
    rows: list[dict[str, Any]] = []
    for v, name in enumerate([*venues, "all"]):
        take = slice(None) if v == len(venues) else slice(v, v + 1)
        for k, horizon in enumerate(horizons):
            count, value, notional = (part[:, take, k].sum(axis=1) for part in (marks.count, marks.value, marks.notional))
            rows.append(
                {
                    "venue": name,
                    "horizon_seconds": horizon,
                    "fills": int(count.sum()),
                    "currency_per_episode": float(value.mean()),
                    "bps": ratio_estimate(1e4 * value, notional).as_dict(),
                }
            )
    return rows
