"""Fills of one time and side are one taker."""

import numpy as np

from mm_env.calibration.takers import takers
from mm_env.data.events import About, Events
from tests.unit.calibration.made import ABOUT, market


def test_fills_of_one_time_and_side_are_one_taker():
    events = market()
    few = events.where(np.arange(len(events)) < 6)
    changed = {
        "time": np.array([1, 1, 1, 1, 2, 3]), "side": np.array([1, -1, 1, 0, 1, 1], np.int8),
        "kind": np.array(["trade"] * 5 + ["quote"], dtype=object), "size": np.array([1.0, 2, 4, 8, 16, 32]),
    }  # fmt: skip
    few = Events(**({name: getattr(few, name) for name in Events.__dataclass_fields__} | changed))
    time, side, size = takers(few, ABOUT)
    assert (time.tolist(), side.tolist(), size.tolist()) == ([1, 1, 2], [1, 0, 1], [5.0, 2.0, 16.0])
    columns = {name: getattr(few, name) for name in Events.__dataclass_fields__}
    told = Events(**(columns | {"order": np.array([7, 8, 7, 8, 7, 9])}))
    time, _, size = takers(told, About("binance", "XYZ", "A", 1))  # the venue's own time is that of the taker
    assert (time.tolist(), size.tolist()) == ([1, 1], [21.0, 2.0])
