"""A digest of default episodes: it changes only with a line in CHANGELOG.md.

Whole numbers alone, so that a last bit of another machine's mathematical functions is no change; over a longer path such a
bit would grow, which is why the path is short.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from mm_env.config.io import load_config
from mm_env.market.build import build_market
from mm_env.sim.batch import Batch

DIGESTS = {
    "one_symbol": "ab4512272627b4f2",
    "two_symbols": "cc45cc7e14f9ac8e",
    "crisis": "a5f7b7539b848639",
}


def digest(preset: str) -> str:
    market = build_market(load_config(preset))
    batch = Batch(market.params, 3, market.capacity, market.headlines, threads=1)
    batch.seed([np.random.SeedSequence(11, spawn_key=(i,)) for i in range(3)])
    batch.reset()
    rng = np.random.default_rng(0)
    for _ in range(30):
        batch.step(rng.uniform(-1.0, 1.0, (3, 3 * batch.symbols)).astype(np.float32), 0)
    said = hashlib.sha256()
    for name in (
        "events",
        "takers",
        "taker_volume",
        "inventory",
        "filled",
        "posted",
        "mid2",
        "depth",
        "own_ahead",
        "regime",
    ):
        said.update(np.ascontiguousarray(batch.states[name], dtype="<i8").tobytes())
    return said.hexdigest()[:16]


@pytest.mark.parametrize("preset", DIGESTS)
def test_digest(preset: str) -> None:
    assert digest(preset) == DIGESTS[preset], "a changed path needs a line in CHANGELOG.md"
