"""One spelling of a policy everywhere: by name, with a value, with a file's parameters; torch only for trained ones."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mm_env.config import ClassicConfig
from mm_env.config.io import config_hash, load_config
from mm_env.envs.classic_vector import ClassicVectorEnv
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import ConfigError, UsageError
from mm_env.learning.specs import agent_of, agents_of, split_specs
from mm_env.policies import POLICY_NAMES, get_policy

TUNED = Path(__file__).resolve().parents[3] / "configs" / "tuned"
NAMES = ("as", "fixed", "glft", "cj", "as_symmetric", "constant", "random")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_the_policy_of_that_name(name):
    assert name in POLICY_NAMES and agent_of(name).name == name


def test_the_seed_is_that_of_the_policys_own_draws():
    envs = MultiVenueVectorEnv(3)
    envs.reset(seed=0)
    np.testing.assert_array_equal(agent_of("random", 5).act(envs), get_policy("random", seed=5).act(envs))
    assert (agent_of("random", 5).act(envs) != agent_of("random", 6).act(envs)).any()


def test_a_constant_quotes_one_distance_and_hedges_nothing():
    policy = agent_of("constant:0.2")
    assert (policy.name, policy.action_mode) == ("constant:0.2", "absolute")
    envs = MultiVenueVectorEnv(3, action_mode="absolute")
    envs.reset(seed=0)
    assert policy.act(envs) == pytest.approx(np.tile([0.2, 0.2, 0.0], (3, 2)))
    assert policy.configure(envs.config) is envs.config
    classic = ClassicVectorEnv(2, action_mode="absolute")
    classic.reset(seed=0)
    assert policy.act(classic) == pytest.approx(np.full((2, 2), 0.2))
    low, high = classic.config.policy.absolute_min_depth, classic.config.policy.absolute_max_depth
    _, _, _, _, infos = classic.step(policy.act(classic))
    assert infos["bid_depth"] == pytest.approx(0.6 * high + 0.4 * low) == infos["ask_depth"]


def test_a_file_holds_the_policys_own_parameters(tmp_path):
    file = tmp_path / "tuned.yaml"
    file.write_text("# tuned\npolicy:\n  as_gamma: 0.2\n  as_k: 70.0\nrisk:\n  hedge_target: 0.5\n")
    policy = agent_of(f"as:{file}")
    assert policy.name == f"as:{file}"
    home = policy.configure(load_config({"policy": {"use_avellaneda": False}}))
    assert (home.policy.as_gamma, home.policy.as_k, home.risk.hedge_target) == (0.2, 70.0, 0.5)
    assert home.policy.use_avellaneda and home.risk.portfolio_var_limit == load_config().risk.portfolio_var_limit
    file.write_text("policy: {risk_aversion: 0.3}\n")
    assert agent_of(f"cj:{file}").configure(ClassicConfig()).policy.risk_aversion == 0.3


@pytest.mark.parametrize("file", sorted(TUNED.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_tuned_file_is_of_the_market_and_the_policy_in_its_name(file):
    market, _, name = file.stem.rpartition("_")
    here = load_config(market)
    assert f"# {name} tuned on the reward of market {config_hash(here)}, on training episodes alone" in file.read_text()
    home = agent_of(f"{name}:{file}").configure(here)
    assert home.policy != here.policy and home.reward == here.reward


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("risk: {portfolio_var_limit: 900}", r"risk\.portfolio_var_limit: expected what is the policy's own"),
        ("reward: {inventory_penalty: 0}", r"reward\.inventory_penalty: expected what is the policy's own"),
        ("policy: 3", "expected the sections policy and risk"),
        ("policy: {as_gama: 0.2}", r"as_gama.*as_gamma"),
        ("policy: [", "tuned.yaml: "),
    ],
)
def test_a_file_that_says_more_or_nonsense_is_refused(tmp_path, text, said):
    file = tmp_path / "tuned.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        agent_of(f"as:{file}").configure(load_config())


@pytest.mark.parametrize(
    ("spec", "error", "said"),
    [
        ("fixd", UsageError, r"agent 'fixd': expected as, .*ppo.*; nearest: 'fixed'"),
        ("pppo:runs", UsageError, "nearest: 'ppo'"),
        ("ppo", UsageError, "ppo: expected ppo:PATH of a run folder"),
        ("ppo:", UsageError, "ppo:: expected ppo:PATH of a run folder"),
        ("ppo:nowhere/*", UsageError, "expected ppo:PATH of a run folder, of a folder of those, or a pattern"),
        ("ppo:nowhere", UsageError, "ppo:nowhere: no such file or folder"),
        ("random:3", UsageError, "policy 'random:3': expected 'random', which takes no argument"),
        ("constant:much", UsageError, "policy 'constant:much': expected a number from -1 to 1"),
        ("constant:1.5", UsageError, "constant:1.5: expected a number from -1 to 1"),
        ("constant:nan", UsageError, "constant:nan: expected a number from -1 to 1"),
        ("as:nowhere.yaml", ConfigError, "nowhere.yaml: No such file"),
    ],
)
def test_mistakes_are_told(spec, error, said):
    if spec.startswith(("ppo", "pppo")):
        pytest.importorskip("torch")
    with pytest.raises(error, match=said):
        agents_of(spec)


def test_lists_are_split_and_each_stands_once():
    assert split_specs(" as, constant:-0.5 ,ppo:a/b") == ["as", "constant:-0.5", "ppo:a/b"]
    with pytest.raises(UsageError, match="twice: as"):
        split_specs("as,fixed,as")
    with pytest.raises(UsageError, match="at least one"):
        split_specs(" , ")


def test_policies_of_the_package_bring_no_torch():
    code = (
        "import sys, mm_env.learning.specs as s; [s.agent_of(n) for n in ('as', 'constant:0.1', 'random')]; "
        "import mm_env.cli.compare, mm_env.cli.tune; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_trained_agent_without_torch_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "run.json").write_text('{"algo": "ppo", "classic": false, "action_mode": "residual"}')
    (tmp_path / "market.yaml").write_text("{}")
    (tmp_path / "model.zip").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    with pytest.raises(UsageError, match=r"stable_baselines3 is not installed: pip install -e '\.\[rl\]'"):
        agent_of(f"ppo:{tmp_path}")
