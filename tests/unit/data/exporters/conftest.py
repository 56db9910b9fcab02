"""Events of a simulated market, for all tests of exporters."""

from __future__ import annotations

import pytest

from mm_env.config.io import load_config, override
from mm_env.data.events import Events
from mm_env.runs.book_events import simulate_events
from tests.unit.data.exporters.books import LEVELS, START


@pytest.fixture(scope="session")
def parts() -> list[Events]:
    config = override(load_config("one_symbol"), {"episode.burn_in_seconds": 2.0})
    return list(simulate_events(config, 40.0, levels=LEVELS, seed=4, start=START))
