"""The compiled kernels do what their Python says: the same run with the compiler off ends in the same state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.differential.short_classic import CASES, short_classic
from tests.differential.short_run import short_run

FOLDER = Path(__file__).parent


def interpreted_run(program: str) -> dict[str, Any]:
    """What a program of this folder prints with the compiler off."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(FOLDER.parents[1])}
    command = [sys.executable, str(FOLDER / program)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_compiled_and_interpreted_runs_agree() -> None:
    interpreted, compiled = interpreted_run("short_run.py"), short_run()
    assert compiled["events"][0] > 500
    for name, values in compiled.items():
        assert interpreted[name] == pytest.approx(values, rel=1e-9, abs=1e-9), name


def test_compiled_and_interpreted_runs_of_the_classic_market_agree() -> None:
    interpreted = interpreted_run("short_classic.py")
    for case, config in CASES.items():
        compiled = short_classic(config)
        assert sum(compiled["fills"]) > 20 and all(compiled["ends"])
        for name, values in compiled.items():
            assert interpreted[case][name] == pytest.approx(values, rel=1e-9, abs=1e-9), (case, name)
