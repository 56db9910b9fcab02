"""A user's own policy: a class, a policy or a function, installed or in the current folder."""

import copy
import sys
import textwrap

import numpy as np
import pytest

import mm_env.policies
from mm_env.config.io import load_config
from mm_env.envs.env import MultiVenueEnv
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import UsageError
from mm_env.policies import get_policy

MODULE = """
import typing

import numpy as np


class Skewed:
    name = "skewed"
    action_mode = "absolute"

    def __init__(self, size: float, seed: int = -1, *, sides: tuple = (1, 1)) -> None:
        self.size, self.seed, self.sides = size, seed, sides

    def configure(self, config):
        return config

    def act(self, env):
        return np.full(env.action_space.shape, self.size, np.float32)


class Nameless:
    def act(self, env):
        return None


class Failing:
    def __init__(self, limit=3):
        raise ValueError(f"limit\\n{limit}")


class Positional:
    def __init__(self, size, /):
        self.size = size


class Protocolled(typing.Protocol):
    name: str


class Unconfigured(Skewed):
    def configure(self, config):
        return None


async def later(env):
    return np.zeros(env.action_space.shape)


def ragged(env):
    return [[1.0], [1.0, 2.0]]


def nothing(env):
    return None


def alone():
    return None


def named(*, env):
    return None


def widest(env, value=1.0):
    return np.full(env.action_space.shape, value)


ready = Skewed(0.25)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    name = f"own_{tmp_path.name}"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path / "folder")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    yield name
    sys.modules.pop(name, None)


def action(policy):
    env = MultiVenueEnv(policy.configure(load_config()), action_mode="absolute")
    env.reset(seed=0)
    chosen = policy.act(env)
    env.step(chosen)
    assert chosen.dtype == np.float32
    return chosen


def test_a_class_of_the_current_folder_with_arguments(module):
    name = f"{module}:Skewed:size=-0.5,sides=[1, 0]"
    policy = get_policy(name, seed=4)
    assert (policy.name, policy.action_mode, policy.seed, policy.sides) == (name, "absolute", 4, [1, 0])
    assert action(policy) == pytest.approx(np.full(6, -0.5))
    assert get_policy(f"{module}:Skewed:size=1,seed=7", seed=4).seed == 7
    assert copy.deepcopy(policy).size == -0.5


def test_a_function_and_a_policy_that_is_made_already(module):
    assert action(get_policy(f"{module}:widest")) == pytest.approx(np.ones(6))
    assert action(get_policy(f"{module}:widest:value=0.5")) == pytest.approx(np.full(6, 0.5))
    assert action(get_policy(f"{module}:ready")) == pytest.approx(np.full(6, 0.25))
    assert get_policy(f"{module}:ready").name == f"{module}:ready"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("M:Skewd:size=1", "'M' holds no 'Skewd'; nearest: 'Skewed'"),
        ("M:Skewed:siz=1", "unknown argument 'siz'; nearest: 'size'"),
        ("M:Skewed", "no value of size; expected size=VALUE after a colon"),
        ("M:Skewed:0.5", "'0.5': expected KEY=VALUE"),
        (
            "M:Nameless",
            "Nameless has no configure and no name; expected a policy with name, configure and act, or a function",
        ),
        ("M:MODULE_NAME", "holds no 'MODULE_NAME'"),
        ("M:np", "module has no configure and no act and no name"),
        ("M:ready:size=1", "size: expected no arguments, as it is no class"),
        ("M:widest:valu=1", "unknown argument 'valu'; nearest: 'value'"),
        ("M:Failing:limit=4", "Failing: ValueError: limit 4$"),
        ("M:Positional", "size is positional-only; expected parameters that KEY=VALUE can set"),
        ("M:Protocolled", "Protocolled: TypeError: Protocols cannot be instantiated"),
        ("M:alone", "takes no positional argument; expected a function"),
        ("M:named", "takes no positional argument; expected a function"),
        ("no_such_module_here:Policy", "there is no module 'no_such_module_here', installed or in "),
    ],
)
def test_what_is_no_policy_is_refused(module, name, said):
    name = name.replace("M:", f"{module}:")
    with pytest.raises(UsageError, match=said.replace("'M'", f"'{module}'")):
        get_policy(name)


def test_the_example_of_the_room_leans_against_its_inventory(tmp_path, monkeypatch):
    lines = str(mm_env.policies.__doc__).partition("::\n")[2].partition("`mm-env")[0]
    (tmp_path / "own_lean.py").write_text(textwrap.dedent(lines))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    policy = get_policy("own_lean:lean:strength=0.2")
    env, envs = MultiVenueEnv(), MultiVenueVectorEnv(3)
    for one in (env, envs):
        one.reset(seed=0)
        for _ in range(20):
            one.step(policy.act(one))
    action, lots = policy.act(envs), envs.view().inventory
    assert lots.any()
    np.testing.assert_allclose(action[:, 0::3], np.clip(0.2 * lots, -1, 1), rtol=1e-6)
    np.testing.assert_array_equal(policy.act(env), action[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import a_module_that_is_not_there\n", "line 1: ModuleNotFoundError: No module named 'a_module_that_is_not_there'"),
        ("x = 1\ndef f(:\n", "line 2: SyntaxError: "),
        ("\n\nraise RuntimeError('no\\nluck')\n", "line 3: RuntimeError: no luck$"),
    ],
)
def test_a_module_that_fails_says_where(tmp_path, monkeypatch, text, said):
    (tmp_path / "fixd.py").write_text(text)  # like a known name, and yet not taken for one that is misspelt
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(UsageError, match=rf"^policy 'fixd:Policy': .*fixd\.py, {said}"):
        get_policy("fixd:Policy")


def test_a_policy_that_configures_no_market_is_refused(module):
    with pytest.raises(
        UsageError, match=f"policy '{module}:Unconfigured:size=1': configure returned None: expected MarketC"
    ):
        get_policy(f"{module}:Unconfigured:size=1").configure(load_config())


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize(("function", "said"), [("later", "coroutine"), ("ragged", "list"), ("nothing", "None")])
def test_a_function_that_returns_no_action_is_refused(module, function, said):
    policy, env = get_policy(f"{module}:{function}"), MultiVenueEnv()
    env.reset(seed=0)
    with pytest.raises(UsageError, match=f"policy '{module}:{function}': returned {said}: expected an array of numbers"):
        policy.act(env)
