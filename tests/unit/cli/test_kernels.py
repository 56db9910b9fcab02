"""compile and clean-cache."""

import pytest
from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.sim import batch
from mm_env.sim.state import SIZES


@pytest.fixture
def compiled(monkeypatch):
    found = []
    monkeypatch.setattr(batch, "warm_up", found.append)
    return found


@pytest.mark.parametrize(
    "arguments, sizes",
    [
        ([], SIZES[:1]), (["--config", "five_symbols"], SIZES[1:2]), (["--capacity", "large"], SIZES[2:]),
        (["--capacity", "all"], SIZES),
    ],
)  # fmt: skip
def test_the_sizes_that_are_asked_for_are_compiled(compiled, arguments, sizes):
    result = CliRunner().invoke(single("compile"), arguments)
    assert result.exit_code == 0, result.output
    assert compiled == list(sizes) and result.stdout.count("ready after") == len(sizes)
    assert result.stdout.startswith("compiling the kernels into ")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--capacity", "huge"], "--capacity 'huge': expected one of 'small', 'medium', 'large', 'all'"),
        (["--capacity", "small", "--config", "crisis"], "expected one or the other"),
    ],
)
def test_a_size_that_does_not_exist_is_refused(compiled, arguments, said):
    result = CliRunner().invoke(single("compile"), arguments)
    assert result.exit_code == 2 and said in result.stderr and compiled == []


def test_cleaning_frees_kernels_and_scores_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    monkeypatch.setenv("MM_ENV_CACHE", str(tmp_path / "own"))
    for path in ("kernels/kernels-1/a.nbc", "kernels/kernels-2/b.nbc", "own/scores/c.npy", "kernels/other/d", "own/e"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(bytes(500_000))
    dry = CliRunner().invoke(single("clean-cache"), ["--dry-run"])
    assert dry.exit_code == 0 and "would free 1.5 MB" in dry.stdout and (tmp_path / "kernels/kernels-1/a.nbc").exists()
    done = CliRunner().invoke(single("clean-cache"), [])
    assert done.exit_code == 0 and "freed 1.5 MB" in done.stdout
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"kernels/other/d", "own/e"}
    assert "freed 0.0 MB" in CliRunner().invoke(single("clean-cache"), []).stdout
