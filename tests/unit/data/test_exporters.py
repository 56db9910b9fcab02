"""The table of exporters: which writes, with which options, and where."""

from dataclasses import fields, replace

import numpy as np
import pytest

from mm_env.data.exporters import EXPORTERS, ExportOptions, export_events
from mm_env.errors import UsageError
from tests.unit.data.exporters.books import ABOUT, random_book


@pytest.mark.parametrize(("form", "count"), [("lobster", 2), ("hftbacktest", 1)])
def test_each_form_writes_its_files_into_a_folder(tmp_path, form, count):
    paths = export_events([random_book(0, 50)], ABOUT, tmp_path / "new", form, ExportOptions(stem="xyz"))
    assert sorted(paths) == sorted((tmp_path / "new").iterdir()) and len(paths) == count


def test_a_form_of_one_file_takes_its_name(tmp_path):
    (path,) = export_events([random_book(0, 50)], ABOUT, tmp_path / "a.npz", "hftbacktest", ExportOptions(latency_ms=1.5))
    assert path == tmp_path / "a.npz"
    with np.load(path) as stored:
        assert set((stored["data"]["local_ts"] - stored["data"]["exch_ts"]).tolist()) == {1_500_000}


def test_what_a_form_does_not_know_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"form 'lobstr': expected one of .*; nearest: 'lobster'"):
        export_events([], ABOUT, tmp_path, "lobstr")
    changed = ExportOptions(lot=2.0, latency_ms=1.0)
    for form, exporter in EXPORTERS.items():
        for name in {field.name for field in fields(ExportOptions)} - set(exporter.options):
            with pytest.raises(UsageError, match=f"{name} .*: the form {form} has no such option; only with"):
                export_events([], ABOUT, tmp_path, form, replace(ExportOptions(), **{name: getattr(changed, name)}))
    with pytest.raises(UsageError, match="latency_ms inf: expected a finite number"):
        export_events([], ABOUT, tmp_path, "hftbacktest", ExportOptions(latency_ms=float("inf")))
    assert list(tmp_path.iterdir()) == []
