"""Files of events: read back as they were written, in batches of any size, and whole or absent."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from mm_env.data.events import BOOK, About, Bars, Events, EventWriter, about_events, all_events, read_events
from mm_env.errors import DataError
from tests.unit.data import made_bars


def made(times, levels=2):
    n = len(times)
    book = {name: np.arange(n * levels, dtype=float).reshape(n, levels) for name in BOOK}
    return Events(
        time=np.array(times, np.int64), kind=np.array(["trade"] * n, dtype=object), side=np.ones(n, np.int8),
        price=np.linspace(1.0, 2.0, n), size=np.ones(n), order=np.arange(n), **book,
    )  # fmt: skip


def test_events_come_back_as_they_were_written_in_batches_of_any_size(tmp_path):
    path, about = tmp_path / "new" / "events.parquet", About("made", "XYZ", "A", 2, 0.01)
    with EventWriter(path, about) as writer:
        writer.write(made([1, 5]))
        writer.write(made([]))
        writer.write(made([5, 9, 9]))
    assert about_events(path) == about
    assert [len(batch) for batch in read_events(path, batch_rows=2)] == [2, 2, 1]
    back = all_events(path)
    for name in Events.__dataclass_fields__:
        expected = np.concatenate([getattr(made(t), name) for t in ([1, 5], [5, 9, 9])])
        np.testing.assert_array_equal(getattr(back, name), expected, err_msg=name)


def write(path, about, *batches, fail=None):
    with EventWriter(path, about) as writer:
        for batch in batches:
            writer.write(batch)
        if fail is not None:
            raise fail


TWO = About("made", "", "", 2)


@pytest.mark.parametrize("second", [[4], [9, 8]])
def test_a_writer_refuses_what_goes_back_in_time_and_leaves_no_file(tmp_path, second):
    with pytest.raises(DataError, match="is earlier than the one before it"):
        write(tmp_path / "events.parquet", TWO, made([1, 5]), made(second))
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_fails_leaves_the_file_before_it(tmp_path):
    path = tmp_path / "events.parquet"
    write(path, TWO, made([1]))
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write(path, TWO, made([1, 2]), fail=KeyboardInterrupt())
    with pytest.raises(DataError, match=r"bid_prices \(1, 2\); expected \(1, 3\)"):
        write(path, About("made", "", "", 3), made([1]))
    assert path.read_bytes() == before


def test_a_writer_writes_through_a_link_and_keeps_permissions(tmp_path):
    target, link = tmp_path / "events.parquet", tmp_path / "link.parquet"
    target.write_bytes(b"")
    target.chmod(0o640)
    link.symlink_to(target)
    write(link, About("made", "XYZ", "A", 2, 0.01), made([1, 5]))
    assert link.is_symlink() and len(all_events(target)) == 2 and target.stat().st_mode & 0o777 == 0o640


def test_files_of_another_form_are_refused(tmp_path):
    path = tmp_path / "other.parquet"
    with pytest.raises(DataError, match="not a Parquet file of events"):
        about_events(path)
    pd.DataFrame({"a": [1]}).to_parquet(path)
    with pytest.raises(DataError, match="a Parquet file of another form"):
        list(read_events(path))


def test_bars_are_read_back_as_they_were_and_as_events(tmp_path):
    bars = made_bars.walk(7, made_bars.MINUTE)
    path = made_bars.write(tmp_path / "a.parquet", bars)
    assert about_events(path) == made_bars.ABOUT
    found = all_events(path)
    assert isinstance(found, Bars) and all(isinstance(part, Bars) for part in read_events(path, 2))
    for name in Bars.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(found, name), getattr(bars, name), err_msg=name)
    names = pq.read_schema(path).names
    assert names[:6] == ["time", "kind", "side", "price", "size", "order"] and names[-4:] == ["start", "open", "high", "low"]
    old = json.loads(pq.read_schema(path).metadata[b"mm_env"])
    assert About(**{name: old[name] for name in ("source", "symbol", "venue", "levels", "tick")}).interval is None
