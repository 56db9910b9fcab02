"""Policies: formulas in thin classes that act on an environment, as a trained agent does."""

from mm_env.policies.avellaneda_stoikov import AvellanedaStoikov
from mm_env.policies.base import Policy
from mm_env.policies.fixed_spread import FixedSpread
from mm_env.policies.random_policy import RandomPolicy
from mm_env.policies.registry import POLICY_NAMES, get_policy

__all__ = ["POLICY_NAMES", "AvellanedaStoikov", "FixedSpread", "Policy", "RandomPolicy", "get_policy"]
