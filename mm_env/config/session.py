"""Trading hours in which headlines count; the clock of a tape stands still outside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

ALLOWED = "hours of a day and a time zone, as 09:30-16:00 America/New_York"
_FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d) +(\S+)")


@dataclass(frozen=True)
class Session:
    """Monday to Friday, from `opens` to before `closes` [s after midnight], by the clocks of a time zone."""

    opens: int
    closes: int
    zone: str

    @classmethod
    def parse(cls, text: str) -> Session:
        """Read hours such as "09:30-16:00 America/New_York".

        Raises ValueError for another form, an unknown zone, and hours that do not end later on the same day.
        """
        form = _FORM.fullmatch(text.strip())
        if form is None:
            raise ValueError(f"session {text!r}; expected {ALLOWED}")
        opens, closes = (3600 * int(form[k]) + 60 * int(form[k + 1]) for k in (1, 3))
        if not opens < closes <= 86400:
            raise ValueError(f"session {text!r}; expected hours that end later on the same day, 24:00 at the latest")
        try:
            ZoneInfo(form[5])
        except (KeyError, ValueError, OSError):
            raise ValueError(
                f"session {text!r}: time zone {form[5]!r}; expected a time zone as Europe/Berlin or UTC"
            ) from None
        return cls(opens, closes, form[5])

    def clock(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) float64 [s] of session since the first day's opening; NaN for times outside any.

        times: (n,) float64 [s] since 1970
        """
        import pandas as pd

        wall = pd.DatetimeIndex(pd.to_datetime(times, unit="s", utc=True)).tz_convert(self.zone).tz_localize(None)
        midnight = wall.normalize()
        since_midnight = np.asarray((wall - midnight).total_seconds(), np.float64)
        days = midnight.to_numpy().astype("datetime64[D]")
        open_days = np.busday_count(days.min(), days)
        inside = np.is_busday(days) & (since_midnight >= self.opens) & (since_midnight < self.closes)
        return np.where(inside, open_days * float(self.closes - self.opens) + since_midnight - self.opens, np.nan)
