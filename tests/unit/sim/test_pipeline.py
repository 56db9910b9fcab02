"""How kernels are compiled: one form for every width of whole numbers, callable from Python and from functions of Numba."""

from __future__ import annotations

import gc
import logging
from threading import Thread

import numpy as np
import pytest
from numba import njit

from mm_env.sim.compiling import OPTIONS, kernel
from mm_env.sim.pipeline import EntryPoint, Kernel


@kernel
def lower(x, y):
    return x - y


@kernel
def upper(x, y):
    return 10 * lower(x, y)


def fresh() -> EntryPoint:
    """An entry point that nothing has compiled yet."""

    def differences(small, wide, out):
        for i in range(len(out)):
            out[i] = upper(small[i], wide[i]) + upper(1, 2)

    return EntryPoint(differences, OPTIONS, cached=False)


def run(entry: EntryPoint) -> list[int]:
    out = np.zeros(2, np.int64)
    entry(np.array([1, -5], np.int8), np.array([2, 7], np.int64), out)
    return out.tolist()


def test_a_kernel_has_one_form_for_all_whole_numbers() -> None:
    assert run(fresh()) == [-20, -130]
    assert len(lower.overloads) == len(upper.overloads) == 1


def test_a_kernel_can_be_called_from_python_and_from_a_function_of_numba() -> None:
    @njit
    def outside(x, y):
        return upper(x, y) + 1

    assert isinstance(upper, Kernel)
    assert upper(3, 1) == 20 and outside(3, 1) == 21


def test_threads_that_compile_at_once_agree() -> None:
    entry, found = fresh(), []
    threads = [Thread(target=lambda: found.append(run(entry))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[-20, -130]] * 4 and gc.isenabled()


def test_long_compiling_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("mm_env.sim.pipeline._PATIENCE", 0.0)

    @kernel
    def new(x):
        return x + 1

    def call(out):
        out[0] = new(1)

    with caplog.at_level(logging.WARNING):
        EntryPoint(call, OPTIONS, cached=False)(np.zeros(1))
    assert "1 of at most" in caplog.text and "compiled its kernels in" in caplog.text
