"""The wheel and nothing else: what it holds, and the way from a file of one's own to a fitted market to a trained agent."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from mm_env.errors import MissingExtraError
from mm_env.sentiment import minilm

pytest.importorskip("stable_baselines3")
pytest.importorskip("matplotlib")

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = re.search(r"<!-- example: wheel -->\n```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)

# All commands run in one process, as kernels of another place are compiled once there. The checkout is not on its path.
DRIVER = """
import json, sys, time, traceback, warnings
from pathlib import Path

site, root = sys.argv[1:3]
sys.path[:] = [site] + [path for path in sys.path if path not in ("", root)]
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]


class NoCheckout:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("agents", "scripts"):
            raise ModuleNotFoundError(f"{name}: not part of the wheel", name=name)


sys.meta_path.insert(0, NoCheckout())

import mm_env
from mm_env.cli import main

assert mm_env.__file__.startswith(site), mm_env.__file__
with warnings.catch_warnings():
    warnings.simplefilter("error")  # one would be news to a user
    exec(Path("example.py").read_text())
assert "torch" not in sys.modules, "the core brings torch"
for arguments in json.loads(Path("commands.json").read_text()):
    print("\\n$ mm-env", *arguments, flush=True)
    begun, sys.argv = time.perf_counter(), ["mm-env", *arguments]
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    print(f"[{time.perf_counter() - begun:.1f} s]", flush=True)
    assert code == 0, f"mm-env {arguments[0]}: exit code {code}"
loaded = [name for name in sys.modules if name.partition(".")[0] in ("agents", "scripts")]
assert not loaded, loaded
assert all(module.__file__.startswith(site) for name, module in sys.modules.items()
           if name.startswith("mm_env") and getattr(module, "__file__", None))
"""
SHORT = ["--set", "episode.steps=30"]
AGENT = {"n_envs": 4, "n_steps": 16, "batch_size": 32, "normalize": True}
COMMANDS = [
    # a file of one's own: orders and trades of a market, in the form of LOBSTER
    ["record-market", "--config", "one_symbol", "--seconds", "2400", "--out", "made.parquet"],
    ["export", "made.parquet", "--out", "lobster"],
    ["convert", "lobster", "--out", "mine.parquet"],
    # a market fitted to it
    ["describe", "mine.parquet", "--exponentials", "1", "--out", "estimates"],
    ["calibrate", "--data", "mine.parquet", "--exponentials", "1", "--trials", "1", "--seconds", "60",
     "--out", "fitted.yaml"],
    ["check", "fitted.yaml"],
    # an agent trained in it
    ["train", "--config", "fitted.yaml", *SHORT, "--agent", "agent.yaml", "--policy-file", "none", "--timesteps", "256",
     "--evaluate-every", "128", "--evaluation-episodes", "4", "--compare-episodes", "0", "--out", "runs/ppo"],
    ["compare", "--agents", "as,ppo:runs/ppo", "--config", "fitted.yaml", *SHORT, "--episodes", "8", "--resamples", "100",
     "--out", "runs/compare", "--json", "compare.json"],
    ["report", "runs/compare"],
    ["baseline", "--config", "fitted.yaml", *SHORT, "--episodes", "4", "--policy", "ppo:runs/ppo", "--out", "runs/baseline"],
    ["report", "runs/baseline"],
    ["scenarios", "--config", "fitted.yaml", *SHORT, "--scenarios", "quick", "--episodes", "4", "--out", "runs/scenarios"],
    # how far the fitted market is from the file
    ["record-market", "--config", "fitted.yaml", "--seconds", "1200", "--out", "simulated.parquet"],
    ["realism", "mine.parquet", "simulated.parquet", "--resamples", "10", "--out", "runs/realism", "--json", "realism.json"],
]  # fmt: skip


def built(source: Path, folder: Path) -> Path:
    """The wheel of a project."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=source, check=True,
                   capture_output=True)  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_its_presets_and_its_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
        text = archive.read(entry_points).decode()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"mm_env"}
    presets = {path.relative_to(ROOT / "configs").as_posix() for path in (ROOT / "configs").rglob("*.yaml")}
    assert {f"mm_env/presets/{name}" for name in presets} <= names
    assert "mm-env = mm_env.cli:main" in text and "[mm_env.policies]" in text
    assert "mm_env/py.typed" in names
    assert wheel.stat().st_size < 2_000_000


def test_the_weights_of_minilm_are_a_distribution_of_their_own(wheel, tmp_path, monkeypatch):
    with zipfile.ZipFile(wheel) as archive:
        assert minilm.WEIGHTS not in "".join(archive.namelist())
        assert "mm_env/sentiment/data/tfidf.npz" in archive.namelist()
    weights = minilm.shipped_weights()
    monkeypatch.setattr(minilm, "WEIGHTS", "data/not_in_the_wheel.npz")
    with pytest.raises(MissingExtraError, match=r"mm_env-minilm, the weights of minilm, is not installed"):
        minilm.shipped_weights()
    with zipfile.ZipFile(built(ROOT / "scripts" / "tools" / "minilm", tmp_path / "dist")) as archive:
        archive.extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert minilm.shipped_weights() == weights


def test_from_a_file_of_ones_own_to_a_trained_agent(wheel, tmp_path):
    site, home = tmp_path / "site", tmp_path / "home"
    home.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (home / "commands.json").write_text(json.dumps(COMMANDS))
    (home / "example.py").write_text(EXAMPLE[1])
    (home / "agent.yaml").write_text(yaml.safe_dump(AGENT))
    done = subprocess.run([sys.executable, "-I", "-c", DRIVER, str(site), str(ROOT)], cwd=home, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    assert "spread_capture" in done.stdout, "the README's example"
    rows = json.loads((home / "compare.json").read_text())["rows"]
    assert [row["agent"] for row in rows] == ["as", "ppo:runs/ppo"]
    assert {"simulated", "zero intelligence"} <= set(json.loads((home / "realism.json").read_text())["markets"])
    for folder in ("compare", "baseline"):
        assert (home / "runs" / folder / "report.html").stat().st_size > 100_000
        assert (home / "runs" / folder / "report.pdf").read_bytes().startswith(b"%PDF")
    assert str(ROOT) not in done.stdout
