"""The table of readers: which reads a file, and with which options."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from mm_env.data import readers
from mm_env.data.events import About, Events, ReadReport
from mm_env.data.readers import READERS, Reader, Reading, ReadOptions, open_data
from mm_env.errors import DataError, UsageError
from tests.unit.data.files import LINES, TRADES, binance_file, lobster_folder, lobster_zip
from tests.unit.data.made_events import joined


def table(folder):
    path = folder / "trades.csv"
    path.write_text("time,price,size\n1,100,2\n")
    return path


@pytest.mark.parametrize(
    ("make", "form"),
    [
        (lobster_zip, "lobster"),
        (lobster_folder, "lobster"),
        (lambda folder: next(lobster_folder(folder).glob("*_message_*")), "lobster"),
        (table, "tables"),
        (lambda folder: binance_file(folder, ["", *LINES], "stream.log"), "binance"),
        (binance_file, "binance"),
    ],
)
def test_a_file_is_read_by_the_form_that_recognises_it(tmp_path, make, form):
    path = make(tmp_path)
    report = ReadReport()
    about, events = open_data(path, report, ReadOptions(time_unit="s") if form == "tables" else None)
    assert about.source == form
    assert len(joined(events)) == report.events > 0
    named, _ = open_data(path, ReadReport(), form=form)
    assert named == about


def test_what_no_form_recognises_is_an_error(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello\n")
    with pytest.raises(DataError, match=f"not recognised as {', '.join(READERS)}; expected one of these"):
        open_data(path, ReadReport())
    with pytest.raises(UsageError, match=r"form 'lobstr': expected one of .*; nearest: 'lobster'"):
        open_data(path, ReadReport(), form="lobstr")
    with pytest.raises(DataError, match="there is no such file"):
        open_data(tmp_path / "none.gz", ReadReport())


CHANGED = ReadOptions("XYZ", "A", 3, 0.5, Path("q.csv"), {"price": "last"}, "s")


@pytest.mark.parametrize("name", [field.name for field in fields(ReadOptions)])
def test_an_option_that_a_form_does_not_use_is_refused(tmp_path, name):
    options = replace(ReadOptions(), **{name: getattr(CHANGED, name)})
    users = [form for form, reader in READERS.items() if name in reader.options]
    assert users, "an option that no reader uses"
    with pytest.raises(UsageError, match=f"{name} .*: the form lobster has no such option; only with {' or '.join(users)}"):
        open_data(lobster_zip(tmp_path), ReadReport(), options)


def test_a_row_is_all_that_a_new_reader_needs(tmp_path, monkeypatch):
    def read(path, options, report):
        report.rows = report.events = 1
        nothing = np.full((1, 1), np.nan)
        one = Events(
            np.array([5]), np.array(["quote"], object), np.zeros(1, np.int8), np.array([np.nan]), np.array([np.nan]),
            np.zeros(1, np.int64), nothing, nothing, nothing, nothing,
        )  # fmt: skip
        return Reading(About("made", options.symbol, "", 1), iter([one]))

    row = Reader("made", lambda path: path.suffix == ".made", read, ("symbol",))
    monkeypatch.setitem(readers.READERS, "made", row)
    path = tmp_path / "a.made"
    path.write_text(TRADES)
    about, events = open_data(path, ReadReport(), ReadOptions(symbol="XYZ"))
    assert about.symbol == "XYZ" and joined(events).time.tolist() == [5]
