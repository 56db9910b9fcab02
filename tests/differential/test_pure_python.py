"""The compiled kernels do what their Python says: the same run with the compiler off ends in the same state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.differential.short_run import short_run

PROGRAM = Path(__file__).with_name("short_run.py")


def test_compiled_and_interpreted_runs_agree() -> None:
    root = str(PROGRAM.parents[2])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    interpreted, compiled = json.loads(done.stdout), short_run()
    assert compiled["events"][0] > 500
    for name, values in compiled.items():
        assert interpreted[name] == pytest.approx(values, rel=1e-9, abs=1e-9), name
