"""Gymnasium environments of multi-venue limit order books for market-making policies; order flow reacts to your quotes.

    import gymnasium
    import mm_env

    env = gymnasium.make("mm_env/MultiVenue-v0", config="two_symbols")
    policy = mm_env.get_policy("as:risk_aversion=0.02")
    observation, info = env.reset(seed=1)
    ended = False
    while not ended:
        observation, reward, _, ended, info = env.step(policy.act(env))
    print(info["pnl"])

Environments: ``mm_env/MultiVenue-v0``, several symbols on several venues, with news and hedging; ``mm_env/Classic-v0``, the
one symbol of Avellaneda & Stoikov 2008, where the best policies are known in closed form. ``gymnasium.make_vec`` makes
the vector env of either, N markets stepped by one call.

Packages, each of which imports only those above it:

sim                             | the market's kernels; `sim.step` is their table of contents
config                          | what a market file may say, presets, JSON schema
policies, sentiment, data       | closed-form policies and their names; headlines to scores; market data in and out
market                          | configuration to arrays
envs                            | the environments, wrappers, rendering, saved states
theory, realism                 | closed forms to compare with; how near a market is to a real one
evaluation                      | metrics, comparison, attribution, mark-outs
risk, runs                      | value at risk, scenarios; the baseline and its run folder
calibration                     | market data to a fitted market
reports                         | figures, HTML, PDF
learning, validation            | training and trained agents; published tables and laws, checked
dashboard, cli                  | the Streamlit app; the command `mm-env`
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gymnasium.envs.registration import register, registry

from mm_env.version import __version__

if TYPE_CHECKING:
    from mm_env.config import ClassicConfig, MarketConfig
    from mm_env.config.io import load_config
    from mm_env.envs.play import play
    from mm_env.errors import Error
    from mm_env.evaluation.comparison import compare
    from mm_env.evaluation.evaluation import evaluate
    from mm_env.policies import Policy, get_policies, get_policy, register_policy

__all__ = [
    "ClassicConfig",
    "Error",
    "MarketConfig",
    "Policy",
    "__version__",
    "compare",
    "evaluate",
    "get_policies",
    "get_policy",
    "load_config",
    "play",
    "register_policy",
]

_HOMES = {
    "ClassicConfig": "mm_env.config",
    "Error": "mm_env.errors",
    "MarketConfig": "mm_env.config",
    "Policy": "mm_env.policies",
    "compare": "mm_env.evaluation.comparison",
    "evaluate": "mm_env.evaluation.evaluation",
    "get_policies": "mm_env.policies",
    "get_policy": "mm_env.policies",
    "load_config": "mm_env.config.io",
    "play": "mm_env.envs.play",
    "register_policy": "mm_env.policies",
}

if "mm_env/MultiVenue-v0" not in registry:
    register(
        id="mm_env/MultiVenue-v0",
        entry_point="mm_env.envs.env:MultiVenueEnv",
        vector_entry_point="mm_env.envs.vector_env:MultiVenueVectorEnv",
    )
if "mm_env/Classic-v0" not in registry:
    register(
        id="mm_env/Classic-v0",
        entry_point="mm_env.envs.classic:ClassicEnv",
        vector_entry_point="mm_env.envs.classic_vector:ClassicVectorEnv",
    )


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for: `import mm_env` alone stays fast."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mm_env' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
