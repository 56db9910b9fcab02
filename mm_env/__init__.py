"""A market that fights back: gymnasium environments of multi-venue limit order books for market-making policies."""

from gymnasium.envs.registration import register, registry

__version__ = "0.1.0"

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
