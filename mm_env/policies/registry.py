"""Policies by name: one spelling for every script."""

from __future__ import annotations

from mm_env.envs.actions import check_choice
from mm_env.policies.avellaneda_stoikov import AvellanedaStoikov, SymmetricAvellanedaStoikov
from mm_env.policies.base import Policy
from mm_env.policies.cartea_jaimungal import CarteaJaimungalPenalva
from mm_env.policies.fixed_spread import FixedSpread
from mm_env.policies.glft import GueantLehalleFernandezTapia
from mm_env.policies.random_policy import RandomPolicy

POLICY_NAMES = ("as", "as_symmetric", "glft", "cj", "fixed", "random")


def get_policy(spec: str, seed: int = 0) -> Policy:
    """The policy of that name, with the environment's parameters.

    spec: "as" Avellaneda-Stoikov, "as_symmetric" its average spread around the mid, "glft" Guéant-Lehalle-Fernandez-Tapia,
        "cj" Cartea-Jaimungal-Penalva, "fixed" a fixed spread, "random" random actions
    seed: of the policy's own draws, where it has any

    Raises `ValueError` for any other name.
    """
    check_choice("policy", spec, POLICY_NAMES)
    if spec == "random":
        return RandomPolicy(seed)
    policies: dict[str, type[Policy]] = {
        "as": AvellanedaStoikov,
        "as_symmetric": SymmetricAvellanedaStoikov,
        "glft": GueantLehalleFernandezTapia,
        "cj": CarteaJaimungalPenalva,
        "fixed": FixedSpread,
    }
    return policies[spec]()
