"""Policies: formulas in thin classes that act on an environment, as a trained agent does.

A policy of your own is a class with `name`, `configure(config)` and `act(env)`, or a function (env) -> action, as in
lean.py::

    import numpy as np

    def lean(env, strength=0.1):
        view = env.unwrapped.view()  # what the agent knows: mid, inventory, variance, (N, symbols) each
        action = np.zeros((len(view.mid), 3 * view.symbols), np.float32)  # bid, ask and hedge of each symbol
        action[:, 0::3] = np.clip(strength * view.inventory, -1, 1)
        action[:, 1::3] = -action[:, 0::3]
        return action.reshape(env.action_space.shape)

`mm-env compare --agents as,lean:lean:strength=0.2` plays it beside Avellaneda-Stoikov; `names` describes the names.
"""

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
