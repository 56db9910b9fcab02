"""The package without its extras: what works, and that what does not names the extra to install."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HIDING = """
import sys
from mm_env.extras import EXTRA_OF

class Hiding:
    def __init__(self, finders):
        self.finders = finders
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            return None
        return next(filter(None, (finder.find_spec(name, path, target) for finder in self.finders)), None)
    def find_distributions(self, *arguments):
        for finder in self.finders:
            yield from getattr(finder, "find_distributions", lambda *_: ())(*arguments)

HIDDEN = set(EXTRA_OF) - {"requests"}  # vaderSentiment brings it
sys.meta_path[:] = [Hiding(list(sys.meta_path))]
"""


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a process that finds no package of an extra."""
    done = subprocess.run([sys.executable, "-c", HIDING + code], cwd=folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of mm-env in such a process."""
    return run(f"from mm_env.cli import main; sys.argv = ['mm-env', *{arguments!r}]; main()", folder)


def test_the_baseline_prints_its_table_and_says_what_is_missing(tmp_path):
    done = command(tmp_path, "baseline", "--episodes", "2", "--steps", "20", "--out", "run", "--log-every", "0")
    assert done.returncode == 0, done.stderr
    assert "spread capture" in done.stdout.replace("_", " ")
    assert "pip install 'mm_env[report]'" in done.stdout + done.stderr
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files == {"attribution.csv", "config.yaml", "summary.json"}
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["episodes"] == 2
    report = command(tmp_path, "report", "run")
    assert report.returncode == 2
    assert "pip install 'mm_env[report]'" in report.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("calibrate", "--data", "none.parquet"), "data"),
        (("convert", "none.zip", "--out", "none.parquet"), "data"),
        (("train", "--timesteps", "10"), "rl"),
        (("tune",), "tune"),
        (("dashboard",), "dashboard"),
    ],
)
def test_a_command_that_needs_an_extra_names_it_in_one_line(arguments, extra, tmp_path):
    done = command(tmp_path, *arguments)
    assert done.returncode == 2
    assert f"pip install 'mm_env[{extra}]'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_help_needs_no_extra(tmp_path):
    code = """
from mm_env.cli import main
for name in ("train", "tune", "dashboard", "calibrate", "report"):
    sys.argv = ["mm-env", name, "--help"]
    try:
        main()
    except SystemExit as stop:
        assert not stop.code
"""
    assert run(code, tmp_path).stdout.count("Usage: mm-env") == 5


def test_learning_names_its_extra(tmp_path):
    code = """
from mm_env import learning
from mm_env.errors import MissingExtraError
def vec_env():
    import mm_env.learning.vec_env
def model():
    from mm_env.learning.algorithms import algorithm_of
    algorithm_of("ppo").load_class()
for use in (lambda: learning.make_vec_env, lambda: learning.train, vec_env, model):
    try:
        use()
    except MissingExtraError as error:
        print(error)
import mm_env.policies.registry, mm_env.sentiment.scorers, mm_env.evaluation.comparison, mm_env.risk.scenarios
print(mm_env.sentiment.scorers.get_scorer("tfidf").score(["profit rises"]) > 0)
"""
    said = run(code, tmp_path).stdout.splitlines()
    everything = "stable-baselines3, sb3-contrib, torch, tensorboard are not installed: pip install 'mm_env[rl]'"
    vec_env = "stable-baselines3 is not installed: pip install 'mm_env[rl]'"
    model = "stable-baselines3, torch are not installed: pip install 'mm_env[rl]'"
    assert said == [everything, everything, vec_env, model, "[ True]"]
