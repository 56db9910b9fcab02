"""Bars of random walks for tests."""

import numpy as np

from mm_env.data.events import About, Bars, EventWriter

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
ABOUT = About("made", "XYZ", "A", 1, None, "1m", "none", "UTC")
DAYS = About("made", "XYZ", "A", 1, None, "1d", "splits", "UTC")


def walk(n, step, spread=10.0, rng=None, moves=None, start=0):
    """Bars of a random walk of `spread` [bps] a bar, whose range is that of a path of 400 steps."""
    rng = rng or np.random.default_rng(0)
    path = rng.normal(0.0, spread / 400**0.5, (n, 400))
    if moves is not None:
        path += ((moves - path.sum(axis=1)) / 400)[:, None]
    path = np.cumsum(path, axis=1)
    before = np.concatenate(([0.0], np.cumsum(path[:, -1])[:-1]))
    levels = 100.0 * np.exp(1e-4 * (before[:, None] + np.concatenate((np.zeros((n, 1)), path), axis=1)))
    table = np.stack([levels[:, 0], levels.max(axis=1), levels.min(axis=1), levels[:, -1]], axis=1)
    begin = start + step * np.arange(n, dtype=np.int64)
    return Bars.of(begin, begin + step, table, np.full(n, 50.0))


def write(path, bars, about=ABOUT):
    with EventWriter(path, about) as writer:
        for part in np.array_split(np.arange(len(bars)), 3):
            writer.write(bars.where(np.isin(np.arange(len(bars)), part)))
    return path
