"""make, make_vec and what an environment says of itself."""

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import mm_env  # noqa: F401, registers the id
from mm_env.envs.env import MultiVenueEnv
from mm_env.envs.vector_env import MultiVenueVectorEnv

ID = "mm_env/MultiVenue-v0"


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_loads_nothing_heavy():
    heavy = "('numba', 'pandas', 'matplotlib', 'pydantic', 'vaderSentiment', 'pyarrow')"
    assert run(f"import sys, mm_env; print([name for name in {heavy} if name in sys.modules])") == "[]\n"


def test_make_imports_the_package_when_the_id_names_it():
    code = f"import gymnasium; print(gymnasium.make('mm_env:{ID}').reset(seed=0)[0].shape)"
    assert run(code).splitlines()[-1] == "(36,)"


@pytest.mark.parametrize("env_id", [ID, "mm_env/Classic-v0"])
def test_the_native_class_derives_from_gymnasiums_own_at_first_hand(env_id):
    """skrl's `wrap_env` recognises a vector environment by the names of the direct bases of its class, and no others."""
    envs = gym.make_vec(env_id, num_envs=2)
    assert gym.vector.VectorEnv in type(envs.unwrapped).__bases__


def test_make_and_make_vec_give_the_native_classes():
    assert isinstance(gym.make(ID).unwrapped, MultiVenueEnv)
    envs = gym.make_vec(ID, num_envs=3, autoreset_mode=AutoresetMode.SAME_STEP)
    assert isinstance(envs, MultiVenueVectorEnv)
    assert envs.num_envs == 3
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert MultiVenueVectorEnv.metadata == {"render_modes": ["ansi", "rgb_array"], "render_fps": 10}


@pytest.mark.parametrize(("preset", "symbols", "venues"), [("two_symbols", 2, 3), ("one_symbol", 1, 1)])
def test_spaces_and_names_follow_the_market(preset, symbols, venues):
    envs = gym.make_vec(ID, num_envs=2, config=preset)
    assert (len(envs.symbols), len(envs.venues)) == (symbols, venues)
    assert envs.single_action_space == gym.spaces.Box(-1.0, 1.0, (3 * symbols,), np.float32)
    assert envs.single_observation_space == gym.spaces.Box(-10.0, 10.0, (16 * symbols + 4,), np.float32)
    assert envs.action_space.shape == (2, 3 * symbols)
    assert envs.action_names[:3] == ["XYZ.bid", "XYZ.ask", "XYZ.hedge"]
    names = envs.observation_names
    assert len(set(names)) == len(names) == 16 * symbols + 4
    assert names[0] == "XYZ.mid_change" and names[-4:] == ["value_at_risk", "time_left", "horizon_left", "hedged"]


def test_observation_columns_hold_what_their_names_say():
    env = gym.make(ID, config={"episode": {"steps": 50}}).unwrapped
    env.reset(seed=4)
    for _ in range(20):
        observation, _, _, _, info = env.step(env.default_action())
    column = dict(zip(env.observation_names, observation.tolist(), strict=True))
    state = env.batch.states[0]
    limit = env.config.symbols[1].inventory_limit
    assert column["ABC.inventory"] == pytest.approx(state["seen_position"][1].sum() / limit, abs=1e-6)
    assert column["time_left"] == pytest.approx(30 / 50)
    assert column["value_at_risk"] == pytest.approx(info["value_at_risk"] / env.config.risk.portfolio_var_limit, rel=1e-6)
    assert column["XYZ.alpha"] == pytest.approx(state["alpha"][0], rel=1e-6)


def test_the_default_policy_follows_the_configuration():
    assert gym.make(ID).unwrapped.default_policy.name == "as"
    assert gym.make(ID, config={"policy": {"use_avellaneda_stoikov": False}}).unwrapped.default_policy.name == "fixed"
