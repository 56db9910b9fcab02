"""Every check of the classic market catches the bug that it is there for: each is planted, and must be found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mm_env.market.classic import build_classic
from tests.statistical.classic_checks import (
    Sample,
    check_depths,
    check_fills,
    check_independence,
    check_ledger,
    check_mid,
    check_moments,
    simulate,
)
from tests.statistical.mutants import planted

NUMBER = 15_000  # envs


def check_exact(sample: Sample) -> None:
    check_moments(sample, build_classic(sample.config).depths())


Check = Callable[[Sample], None]
# name: module, line, its bug, the checks that must find it
BUGS: dict[str, tuple[str, str, str, list[Check]]] = {
    "wrong sign of the skew": (
        "closed_forms",
        "    return half - shift, half + shift\n",
        "    return half + shift, half - shift\n",
        [check_depths, check_exact],
    ),
    "1 - exp(-λ dt) where λ dt is named": (
        "classic.flow",
        "return min(1.0, expected) if linear else",
        "return min(1.0, expected) if not linear else",
        [check_fills, check_exact],
    ),
    "time left is a step short": (
        "classic.quoting",
        "(p.steps - s.step) * p.step",
        "(p.steps - s.step - 1) * p.step",
        [check_depths],
    ),
    "an episode is a step short": (
        "classic.step",
        "    result.truncated = s.step == p.steps\n",
        "    result.truncated = s.step == p.steps - 1\n",
        [check_depths, check_exact],
    ),
    "a fill is paid for and lost": (
        "classic.step",
        "    s.inventory = q + buys - sells\n",
        "    s.inventory = q + buys - sells * int(q > -3)\n",
        [check_ledger, check_exact],
    ),
    "a fill is lost when both sides have one": (
        "classic.step",
        "int(sold) & int(q > -p.inventory_limit)",
        "int(sold) & int(q > -p.inventory_limit) & int(not bought)",
        [check_fills],
    ),
    "the inventory before the fills meets the move": (
        "classic.step",
        "    now = profit(s, p)\n    square",
        "    now = profit(s, p) - change * (buys - sells)\n    square",
        [check_ledger],
    ),
    "the mid drifts": (
        "classic.flow",
        "    return p.step_deviation * normal(s, MID)\n",
        "    return p.step_deviation * (normal(s, MID) + 0.01)\n",
        [check_mid],
    ),
    "the mid moves too far": (
        "classic.flow",
        "    return p.step_deviation * normal(s, MID)\n",
        "    return p.step_deviation * 1.02 * normal(s, MID)\n",
        [check_mid],
    ),
}
MOVES = {name: {"mid": {"move": "brownian"}} for name in ("the mid drifts", "the mid moves too far")}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name, tmp_path):
    module, line, bug, checks = BUGS[name]
    with planted(tmp_path, module, line, bug):
        sample = simulate(MOVES.get(name, {}), NUMBER, seed=1)
    for check in checks:
        with pytest.raises(AssertionError):
            check(sample)


def test_the_same_kernels_without_a_bug_pass(tmp_path):
    with planted(tmp_path, "classic.step", "    s.step += 1\n", "    s.step += 2 - 1\n"):
        sample = simulate({}, NUMBER, seed=1)
    for check in (check_depths, check_ledger, check_fills, check_mid, check_independence, check_exact):
        check(sample)


def one_stream_for_all_uses(envs: Any) -> None:
    envs.batch.states["rng"][:, 1] = envs.batch.states["rng"][:, 0]


def one_stream_for_all_envs(envs: Any) -> None:
    envs.batch.states["rng"] = envs.batch.states["rng"][:1]


def one_stream_for_two_envs(envs: Any) -> None:
    envs.batch.states["rng"][1::2] = envs.batch.states["rng"][::2]


@pytest.mark.parametrize("meddle", [one_stream_for_all_uses, one_stream_for_all_envs, one_stream_for_two_envs])
def test_a_shared_random_stream_is_caught(meddle):
    sample = simulate({}, 2000, meddle=meddle)
    with pytest.raises(AssertionError):
        check_independence(sample)


def test_a_shared_stream_shows_in_paths_as_well():
    apart, shared = simulate({}, 50), simulate({}, 50, meddle=one_stream_for_all_envs)
    assert len(np.unique(apart.mid, axis=1).T) == 50 and len(np.unique(shared.mid, axis=1).T) == 1
