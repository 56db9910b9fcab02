"""Times, and the ends of bars."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from mm_env.data.events import ReadReport
from mm_env.data.providers import parse_time
from mm_env.data.providers.base import bar_end, bars_of
from tests.unit.data.made_bars import ABOUT, MINUTE
from tests.unit.data.providers.made import NEW_YORK, at
from tests.unit.price_server import SECOND, utc


def test_a_day_of_the_exchange_has_as_many_hours_as_its_clock():
    for date, hours in (("2024-03-09", 24), ("2024-03-10", 23), ("2024-11-03", 25)):
        assert bar_end(at(date), "1d", NEW_YORK) - at(date) == hours * 3600 * SECOND
    assert bar_end(at("2024-03-10"), "1h", NEW_YORK) - at("2024-03-10") == 3600 * SECOND


def test_moments_are_of_the_exchange_unless_they_say_otherwise():
    assert parse_time("2024-07-01", NEW_YORK) == utc(2024, 7, 1, 4) * SECOND
    assert parse_time("2024-07-01T12:00:00.000001+00:00", NEW_YORK) == utc(2024, 7, 1, 12) * SECOND + 1000
    assert datetime.fromtimestamp(parse_time("2024-01-01", NEW_YORK) / SECOND, UTC).hour == 5


def test_rows_that_are_no_bars_are_malformed():
    rows = [
        (0, 1.0, 2.0, 0.5, 1.5, 10.0), (MINUTE, np.nan, 2.0, 0.5, 1.5, 10.0), (2 * MINUTE, 1.0, 2.0, 0.0, 1.5, 1.0),
        (3 * MINUTE, 1.0, 2.0, 1.1, 1.5, 1.0), (4 * MINUTE, 1.0, 2.0, 0.5, 2.1, 1.0), (5 * MINUTE, 1.0, 2.0, 0.5, 1.5, -1.0),
        (6 * MINUTE, 1.0, np.inf, 0.5, 1.5, 1.0), (7 * MINUTE, 1.0, 2.0, 0.5, 1.5, np.nan),
        (8 * MINUTE, 2.0, 2.0, 2.0, 2.0, 0.0),
    ]  # fmt: skip
    report = ReadReport()
    bars = bars_of(rows, ABOUT, ZoneInfo("UTC"), report, "made")
    assert bars.start.tolist() == [0, 8 * MINUTE]
    assert (report.rows, report.events, report.malformed) == (9, 2, 7)
    assert (
        "made, bar of 1970-01-01T00:03:00+00:00: prices outside low to high: open 1, high 2, low 1.1" in report.examples[2]
    )
