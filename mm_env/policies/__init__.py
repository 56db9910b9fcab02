"""Policies: formulas in thin classes that act on an environment, as a trained agent does."""

from mm_env.policies.avellaneda_stoikov import AvellanedaStoikov, SymmetricAvellanedaStoikov
from mm_env.policies.base import Policy
from mm_env.policies.cartea_jaimungal import CarteaJaimungalPenalva
from mm_env.policies.fixed_spread import FixedSpread
from mm_env.policies.glft import GueantLehalleFernandezTapia
from mm_env.policies.random_policy import RandomPolicy
from mm_env.policies.registry import (
    POLICY_NAMES,
    PolicyLoader,
    get_policies,
    get_policy,
    policy_names,
    register_policy,
    split_names,
)

__all__ = [
    "POLICY_NAMES",
    "AvellanedaStoikov",
    "CarteaJaimungalPenalva",
    "FixedSpread",
    "GueantLehalleFernandezTapia",
    "Policy",
    "PolicyLoader",
    "RandomPolicy",
    "SymmetricAvellanedaStoikov",
    "get_policies",
    "get_policy",
    "policy_names",
    "register_policy",
    "split_names",
]
