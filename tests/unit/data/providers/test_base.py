"""Times, and the ends of bars."""

from datetime import UTC, datetime

from mm_env.data.providers import (
    parse_time,
)
from mm_env.data.providers.base import bar_end
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
