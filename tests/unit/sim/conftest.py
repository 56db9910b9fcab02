"""A recorded path of many envs, which the tests of estimates, risk, hedges and rewards recompute."""

from __future__ import annotations

import pytest

from tests.unit.sim.recorded_path import Path


@pytest.fixture(scope="session")
def path() -> Path:
    return Path()
