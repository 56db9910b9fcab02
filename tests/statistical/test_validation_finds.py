"""The validation at other parameters than the publications', and bugs that it must find in the running environment.

A section that is right fails at another seed with 6e-5 a sampled figure, of which it has at most a dozen: 7e-4 a section.
"""

from __future__ import annotations

from typing import Any

import pytest

from mm_env.envs.classic_vector import ClassicVectorEnv
from mm_env.evaluation import classic_runs
from mm_env.validation.as2008 import AS2008
from mm_env.validation.checks import Report
from mm_env.validation.cj import CJ
from mm_env.validation.glft import GLFT
from mm_env.validation.hawkes import HawkesCounts
from mm_env.validation.signature import Signature
from tests.statistical.mutants import planted

EPISODES = 40_000


def missed(report: Report) -> set[str]:
    return {check.name for check in report.checks if not check.passed}


@pytest.mark.parametrize(
    "section",
    [
        AS2008(gamma=0.01),
        AS2008(gamma=0.5, sigma=3.0),
        AS2008(gamma=0.5, fill_rule="exponential", move="brownian", q0=3),
        AS2008(sigma=0.5, k=0.4, A=300.0, T=0.5, dt=0.01, limit=12, q0=-12, s=-5.0),
        GLFT(gamma=0.05, sigma=1.0, k=0.5, A=2.0, T=60.0, limit=8, q=(-3, 1)),
        CJ(phi=1.0, alpha=0.1, limit=20),
        CJ(phi=0.0, alpha=0.3, k=0.8, A=60.0, sigma=0.5, T=2.0, dt=0.01, limit=15, q=(-2,)),
        HawkesCounts(hawkes_mu=3.0, hawkes_alpha=1.0, hawkes_beta=4.0, tau=(0.5, 3.0)),
        Signature(hawkes_mu=1.0, hawkes_alpha=0.5, hawkes_beta=4.0, tau=(0.3, 2.0)),
    ],
    ids=repr,
)
def test_other_parameters(section: Any) -> None:
    report = section.run(EPISODES, 1)
    assert not missed(report), report.text()
    assert all(check.published is None for check in report.checks)


# name: module, line, its bug, figures of which at least these must be missed
BUGS = {
    "wrong sign of the skew": (
        "closed_forms",
        "    return half - shift, half + shift\n",
        "    return half + shift, half - shift\n",
        {"inventory: profit", "inventory: profit sd", "inventory: final q sd"},
    ),
    "1 - exp(-λ dt) for λ dt": (
        "classic.flow",
        "return min(1.0, expected) if linear else",
        "return min(1.0, expected) if not linear else",
        {"inventory: profit", "symmetric: profit", "symmetric: final q sd"},
    ),
    "time left is a step short": (
        "classic.quoting",
        "(p.steps - s.step) * p.step",
        "(p.steps - s.step - 1) * p.step",
        {"inventory: final q sd"},
    ),
    "a fill is paid for and lost": (
        "classic.step",
        "    s.inventory = q + buys - sells\n",
        "    s.inventory = q + buys - sells * int(q > -3)\n",
        {"inventory: profit", "inventory: final q", "symmetric: final q"},
    ),
    "bid and ask share a random number": (
        "classic.flow",
        "float(bits >> 32)",
        "float(bits & 0xFFFFFFFF)",
        {"inventory: final q sd", "symmetric: profit sd", "symmetric: final q sd"},
    ),
    "the mid and the bid share a random number": (
        "classic.flow",
        "    bits = next_u64(s, FILLS)\n",
        "    bits = next_u64(s, FILLS)\n    s.signs = (bits >> np.uint64(63)) * ~np.uint64(0)\n",
        {"inventory: profit", "symmetric: profit"},
    ),
}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_a_miss_of_the_2008_table(name: str, tmp_path: Any) -> None:
    module, line, bug, figures = BUGS[name]
    with planted(tmp_path, module, line, bug):
        report = AS2008().run(EPISODES, 1)
    assert figures <= missed(report), report.text()


class SharedEnvs(ClassicVectorEnv):
    """All envs are one."""

    def reset(self, **arguments: Any) -> Any:
        found = super().reset(**arguments)
        self.batch.states["rng"] = self.batch.states["rng"][:1]
        return found


def test_envs_that_share_a_random_stream_are_a_miss_of_the_2008_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classic_runs, "ClassicVectorEnv", SharedEnvs)
    assert {"inventory: profit sd", "symmetric: profit sd"} <= missed(AS2008().run(EPISODES, 1))


def test_excitation_on_the_wrong_side_is_a_miss_of_the_counts(tmp_path: Any) -> None:
    with planted(
        tmp_path, "classic.flow", "s.intensity[side] += p.hawkes_alpha[0]", "s.intensity[side] += p.hawkes_alpha[1]"
    ):
        found = missed(HawkesCounts().run(5000, 1))
    assert {f"classic: variance / mean of counts, τ = {tau}" for tau in ("0.02", "0.1", "0.5", "2")} <= found
    assert "classic: mean intensity, τ = 2" in found
