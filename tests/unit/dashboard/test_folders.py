"""What the dashboard's pages read: folders, event files, comparisons, archives."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from mm_env.config.io import load_config, override
from mm_env.dashboard import folders
from mm_env.dashboard.comparing import play_comparison, read_comparison, shown_rows
from mm_env.dashboard.downloads import as_archive, as_csv, as_parquet
from mm_env.dashboard.folders import folders_with, runs_folder, trained_policies
from mm_env.dashboard.training import read_curves, smoothed
from mm_env.errors import ConfigError, MissingExtraError, RunError, UsageError

SHORT = override(load_config(), {"episode.steps": 12})


def write_events(folder, curves):
    """An event file of scalars. curves: tag -> (step, value) pairs"""
    writer = EventFileWriter(str(folder))
    for tag, points in curves.items():
        for step, value in points:
            writer.add_event(Event(step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)])))
    writer.close()


def test_folders_are_found_by_all_their_files_the_newest_first(tmp_path):
    for k, name in enumerate(("a", "b/c", "b/c/d", "one/two/three/four/five/six", ".hidden")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "x.json").write_text("{}")
        (tmp_path / name / f"part.{k}").write_text("")
    (tmp_path / "b/c/x.json").rename(tmp_path / "b/c/y.json")
    found = folders_with(tmp_path, "x.json", "part.*")
    assert found[0] == tmp_path / "b/c/d" or found[0] == tmp_path / "a"
    assert set(found) == {tmp_path / "a", tmp_path / "b/c/d"}
    times = [path.stat().st_mtime for path in found]
    assert times == sorted(times, reverse=True)
    assert folders_with(tmp_path / "none", "x.json") == [] == folders_with(tmp_path, "z")


def test_the_folder_of_runs_is_that_of_the_environment(monkeypatch):
    monkeypatch.setenv(folders.RUNS_VARIABLE, "elsewhere")
    assert str(runs_folder()) == "elsewhere"
    monkeypatch.delenv(folders.RUNS_VARIABLE)
    assert str(runs_folder()) == "runs"


def test_trained_agents_are_listed_by_their_algorithm_where_it_is_known(tmp_path, monkeypatch):
    for name, about in {"p": '{"algo": "ppo"}', "q": '{"algo": "other"}', "r": "[]", "s": "{"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(about)
        (tmp_path / name / "model.zip").write_text("")
    monkeypatch.setattr(folders, "policy_names", lambda: list(folders.POLICY_NAMES))
    assert trained_policies(tmp_path) == []
    monkeypatch.setattr(folders, "policy_names", lambda: [*folders.POLICY_NAMES, "ppo"])
    assert trained_policies(tmp_path) == [f"ppo:{tmp_path / 'p'}"]


def test_curves_are_those_that_were_logged(tmp_path):
    points = [(k * 100, float(k) ** 2) for k in range(500)]
    write_events(tmp_path, {"training/reward": points, "b": [(0, 1.0)]})
    found = read_curves(tmp_path)
    assert set(found) == {"training/reward", "b"}
    assert found["training/reward"].steps.tolist() == [step for step, _ in points]
    assert found["training/reward"].values.tolist() == [value for _, value in points]


def test_a_folder_without_event_files_or_tensorboard_is_told_of(tmp_path, monkeypatch):
    with pytest.raises(RunError, match="no event files"):
        read_curves(tmp_path)
    monkeypatch.setattr("mm_env.extras.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"^tensorboard is not installed: pip install 'mm_env\[rl\]'$"):
        read_curves(tmp_path)


def test_smoothing_is_the_weighted_mean_of_what_came_before():
    values, weight = np.array([3.0, -1.0, 4.0, 1.0, 5.0]), 0.7
    for k, found in enumerate(smoothed(values, weight)):
        weights = weight ** np.arange(k, -1, -1)
        assert found == pytest.approx((weights * values[: k + 1]).sum() / weights.sum())
    assert smoothed(values, 0.0).tolist() == values.tolist()
    kept = smoothed([1.0, np.nan, 3.0], 0.5)
    assert np.isnan(kept[1]) and kept[2] == pytest.approx((0.5 * 1.0 + 3.0) / 1.5)


def test_a_comparison_is_played_on_the_same_episodes_and_reads_back(tmp_path):
    told = []
    one = play_comparison(["as", "fixed"], SHORT, 6, 3, lambda name, steps: told.append((name, steps)))
    assert [row["agent"] for row in one.about["rows"]] == ["as", "fixed"] and one.about["baseline"] == "as"
    assert sum(steps for name, steps in told if name == "fixed") == 6 * 12
    assert one.episodes.groupby("agent")["episode"].apply(list).to_dict() == {"as": [*range(6)], "fixed": [*range(6)]}
    (tmp_path / "comparison.json").write_text(json.dumps(one.about))
    one.episodes.to_parquet(tmp_path / "episodes.parquet")
    again = read_comparison(tmp_path)
    assert again.about == one.about and again.episodes.equals(one.episodes)
    shown = shown_rows(one.about["rows"], "as")
    profits = one.episodes.groupby("agent")["profit"].mean()
    assert [row["profit"] for row in shown] == pytest.approx([profits["as"], profits["fixed"]])
    assert shown[0]["reward less as"] == "" and "[" in shown[1]["reward less as"]


@pytest.mark.parametrize("specs, told", [(["as"], "two or more"), (["as", "as"], "each once"), (["as", "nobody"], "nobody")])
def test_a_comparison_that_cannot_be_is_refused(specs, told):
    with pytest.raises((UsageError, ConfigError), match=told):
        play_comparison(specs, SHORT, 2, 0)


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_a_folder_that_is_no_comparison_is_told_of(content, tmp_path):
    if content is not None:
        (tmp_path / "comparison.json").write_text(content)
        pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "episodes.parquet")
    with pytest.raises(RunError, match=str(tmp_path)):
        read_comparison(tmp_path)


def test_downloads_hold_what_is_there(tmp_path):
    table = pd.DataFrame({"a": [1, 2], "b": [0.1, None], "c": ["x", "y"]})
    assert pd.read_parquet(io.BytesIO(as_parquet(table))).equals(table)
    assert pd.read_csv(io.BytesIO(as_csv(table))).equals(table)
    folder = tmp_path / "run"
    (folder / "inner").mkdir(parents=True)
    (folder / "one.txt").write_text("1")
    (folder / ".partial").write_text("2")
    with zipfile.ZipFile(io.BytesIO(as_archive(folder))) as archive:
        assert archive.namelist() == ["run/one.txt"] and archive.read("run/one.txt") == b"1"
    with pytest.raises(RunError, match="none: cannot be read"):
        as_archive(tmp_path / "none")
