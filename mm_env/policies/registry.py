"""Policies by name: one spelling for every script."""

from __future__ import annotations

from collections.abc import Callable

from mm_env.errors import check_choice
from mm_env.policies.avellaneda_stoikov import AvellanedaStoikov, SymmetricAvellanedaStoikov
from mm_env.policies.base import Policy
from mm_env.policies.cartea_jaimungal import CarteaJaimungalPenalva
from mm_env.policies.constant import ConstantAction
from mm_env.policies.fixed_spread import FixedSpread
from mm_env.policies.from_file import PolicyFromFile
from mm_env.policies.glft import GueantLehalleFernandezTapia
from mm_env.policies.random_policy import RandomPolicy

OTHERS: dict[str, Callable[[str, int], Policy]] = {}
"""Names that other packages add, as that of an algorithm: what is called with (spec, seed) for them."""
POLICY_NAMES = ("as", "as_symmetric", "glft", "cj", "fixed", "constant", "random")


def get_policy(spec: str, seed: int = 0) -> Policy:
    """The policy of that name, with the environment's parameters.

    spec: "as" Avellaneda-Stoikov, "as_symmetric" its average spread around the mid, "glft" Guéant-Lehalle-Fernandez-Tapia,
        "cj" Cartea-Jaimungal-Penalva, "fixed" a fixed spread, "constant" or "constant:0.2" the same action at every step,
        "random" random actions; "as:FILE.yaml", and so for the first five, with the parameters of a file
    seed: of the policy's own draws, where it has any

    Raises `ValueError` for any other name or argument, `ConfigError` for a file that cannot be used.
    """
    name, colon, argument = spec.partition(":")
    if name in OTHERS:
        return OTHERS[name](spec, seed)
    check_choice("policy", name, [*POLICY_NAMES, *OTHERS])
    if name == "constant":
        return ConstantAction(_number(spec, argument)) if colon else ConstantAction()
    if name == "random":
        if colon:
            raise ValueError(f"policy {spec!r}: expected 'random', which takes no argument")
        return RandomPolicy(seed)
    policies: dict[str, type[Policy]] = {
        "as": AvellanedaStoikov,
        "as_symmetric": SymmetricAvellanedaStoikov,
        "glft": GueantLehalleFernandezTapia,
        "cj": CarteaJaimungalPenalva,
        "fixed": FixedSpread,
    }
    return PolicyFromFile(policies[name](), argument) if colon else policies[name]()


def _number(spec: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"policy {spec!r}: expected a number from -1 to 1 after the colon") from None
