"""Policies by name: one spelling for every script."""

from __future__ import annotations

from mm_env.envs.actions import check_choice
from mm_env.policies.avellaneda_stoikov import AvellanedaStoikov
from mm_env.policies.base import Policy
from mm_env.policies.fixed_spread import FixedSpread
from mm_env.policies.random_policy import RandomPolicy

POLICY_NAMES = ("as", "fixed", "random")


def get_policy(spec: str, seed: int = 0) -> Policy:
    """The policy of that name, with the environment's parameters.

    spec: "as" Avellaneda-Stoikov, "fixed" a fixed spread, "random" random actions
    seed: of the policy's own draws, where it has any

    Raises `ValueError` for any other name.
    """
    check_choice("policy", spec, POLICY_NAMES)
    if spec == "as":
        return AvellanedaStoikov()
    if spec == "fixed":
        return FixedSpread()
    return RandomPolicy(seed)
