"""The soak finds a ledger that drifts."""

from __future__ import annotations

import numpy as np

from mm_env.envs.vector_env import MultiVenueVectorEnv
from scripts.tools.soak import DRIFT, drift, soak


def test_a_short_soak_counts_what_it_played() -> None:
    found = soak(None, 64, 4, seed=1)
    assert found["steps"] == 64 and found["faults"] == 0
    assert 0.0 <= found["largest_drift"] <= DRIFT


def test_a_drift_is_seen() -> None:
    env = MultiVenueVectorEnv(2)
    env.reset(seed=0)
    for _ in range(20):
        env.step(np.zeros((2, 6), np.float32))
    assert drift(env) <= DRIFT
    for field, place in (("cash", (1,)), ("attribution", (1, 0, 0, 0))):
        before = env.batch.states[field].copy()
        env.batch.states[field][place] += 0.01
        assert drift(env) > DRIFT
        env.batch.states[field] = before
    env.close()
