"""Events of a random book, and comparisons, for tests of exporters."""

from __future__ import annotations

from typing import Any

import numpy as np

from mm_env.data.events import BOOK, About, Events

LEVELS = 3
START = 1_704_205_800_000_000_000  # 2024-01-02 09:30 in New York
ABOUT = About("mm_env", "XYZ", "A", LEVELS, 0.01)


def batches(events: Events, rows: int) -> list[Events]:
    index = np.arange(len(events))
    return [events.where((index >= k) & (index < k + rows)) for k in range(0, len(events), rows)]


def random_book(seed: int, n: int = 1500, levels: int = LEVELS) -> Events:
    """A market of few orders, so that sides are short or empty at times, and levels leave and come into sight."""
    rng = np.random.default_rng(seed)
    orders: dict[int, list[int]] = {}  # side, ticks, size
    rows, now = [], START
    for number in range(1, n + 1):
        now += int(rng.integers(0, 3)) * 1_234_567  # some at the same time
        kind = str(rng.choice(["limit", "reduce", "delete", "trade"], p=[0.4, 0.1, 0.25, 0.25]))
        best = {side: max((side * o[1] for o in orders.values() if o[0] == side), default=None) for side in (1, -1)}
        whole = [key for key, o in orders.items() if o[2] > 1]
        front = [key for key, o in orders.items() if o[0] * o[1] == best[o[0]]]
        if not orders or (kind == "reduce" and not whole):
            kind = "limit"
        if kind == "limit":
            key, side = 10_000 + number, int(rng.choice([1, -1]))
            other = best[-side]
            behind = 10_000 if other is None else -side * other  # the other side's best, which it stays away from
            order = [side, behind - side * int(rng.integers(1, 12)), int(rng.integers(1, 50))]
            orders[key], size, told = order, order[2], side
        else:
            key = int(rng.choice({"reduce": whole, "delete": list(orders), "trade": front}[kind]))
            order = orders[key]
            size = order[2] if kind == "delete" else int(rng.integers(1, order[2] + (kind == "trade")))
            order[2] -= size
            told = -order[0] if kind == "trade" else order[0]
            if order[2] == 0:
                del orders[key]
        book = []
        for side in (1, -1):
            depth: dict[int, int] = {}
            for one in orders.values():
                if one[0] == side:
                    depth[one[1]] = depth.get(one[1], 0) + one[2]
            top = sorted(depth, key=lambda ticks, side=side: -side * ticks)[:levels]
            blank = [np.nan] * (levels - len(top))
            book += [[ticks / 100 for ticks in top] + blank, [float(depth[ticks]) for ticks in top] + blank]
        rows.append((now, kind, told, order[1] / 100, float(size), key, *book))
    time, kinds, sides, price, sizes, key_of, *columns = zip(*rows, strict=True)
    return Events(
        time=np.array(time, np.int64), kind=np.array(kinds, dtype=object), side=np.array(sides, np.int8),
        price=np.array(price), size=np.array(sizes), order=np.array(key_of, np.int64),
        **{name: np.array(column) for name, column in zip(BOOK, columns, strict=True)},
    )  # fmt: skip


def assert_same(left: Events, right: Events) -> None:
    for name in Events.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)


def changed(events: Events, **columns: Any) -> Events:
    return Events(**{name: columns.get(name, getattr(events, name)) for name in Events.__dataclass_fields__})
