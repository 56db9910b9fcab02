"""The commands that record a simulated market and export it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from typer.testing import CliRunner

from mm_env.cli.app import single


def test_commands_record_and_export(tmp_path):
    def run(command: str, *arguments: str | Path) -> Any:
        return CliRunner().invoke(single(command), [str(argument) for argument in arguments])

    data = tmp_path / "xyz.parquet"
    said = run("record-market", "--seconds", "3", "--symbol", "ABC", "--policy", "as", "--out", data, "--levels", "5")
    assert said.exit_code == 0, said.output
    assert "ABC at" in said.output
    for name, count in (("lobster", 2), ("hftbacktest", 1)):
        said = run("export", data, "--form", name, "--out", tmp_path / name)
        assert said.exit_code == 0, said.output
        assert len(list((tmp_path / name).iterdir())) == count
    file = tmp_path / "new" / "named.npz"
    said = run("export", data, "--form", "hftbacktest", "--latency-ms", "1.5", "--out", file, "--json", tmp_path / "j")
    assert said.exit_code == 0, said.output
    with np.load(file) as stored:
        assert set((stored["data"]["local_ts"] - stored["data"]["exch_ts"]).tolist()) == {1_500_000}
    assert str(file) in (tmp_path / "j").read_text()
    said = run("export", data, "--day", "2024-01-02", "--out", tmp_path / "day")
    assert said.exit_code == 0, said.output
    assert [path.name[:14] for path in sorted((tmp_path / "day").iterdir())] == ["ABC_2024-01-02"] * 2
    for arguments in (("--symbol", "NO"), ("--start", "noon"), ("--policy", "nobody")):
        assert run("record-market", *arguments, "--out", data).exit_code == 2
    for arguments, message in (
        (("--form", "csv"), "form 'csv': expected one of 'lobster', 'hftbacktest'"),
        (("--latency-ms", "1"), "latency_ms 1.0: the form lobster has no such option; only with hftbacktest"),
        (("--form", "hftbacktest", "--latency-ms", "inf"), "latency_ms inf: expected a finite number"),
        (("--form", "hftbacktest", "--lot", "2"), "lot 2.0: the form hftbacktest has no such option; only with lobster"),
        (("--lot", "inf"), "lot inf; expected"),
        (("--day", "noon"), "--day 'noon': expected a date"),
        (("--day", "2024-01-03"), "no events"),
    ):
        said = run("export", data, *arguments, "--out", tmp_path / "none")
        assert said.exit_code == 2, said.output
        assert message in " ".join(said.output.split())
        assert list((tmp_path / "none").rglob("*.*")) == []
