"""Policies: formulas in thin classes that act on an environment, as a trained agent does."""

from mm_env.policies.avellaneda_stoikov import AvellanedaStoikov, SymmetricAvellanedaStoikov
from mm_env.policies.base import Policy
from mm_env.policies.cartea_jaimungal import CarteaJaimungalPenalva
from mm_env.policies.fixed_spread import FixedSpread
from mm_env.policies.glft import GueantLehalleFernandezTapia
from mm_env.policies.random_policy import RandomPolicy
from mm_env.policies.registry import POLICY_NAMES, get_policy

__all__ = [
    "POLICY_NAMES",
    "AvellanedaStoikov",
    "CarteaJaimungalPenalva",
    "FixedSpread",
    "GueantLehalleFernandezTapia",
    "Policy",
    "RandomPolicy",
    "SymmetricAvellanedaStoikov",
    "get_policy",
]
