"""Hyperparameters from YAML: what is read, what is refused, and that each file of the project can be used."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("stable_baselines3")
import torch

from mm_env.config import MarketConfig
from mm_env.errors import ConfigError
from mm_env.learning.algorithms import ALGORITHMS
from mm_env.learning.hyperparameters import agent_preset_names, agent_preset_path, read_hyperparameters

AGENTS = Path(__file__).resolve().parents[3] / "configs" / "agent"


@pytest.fixture
def written(tmp_path):
    def write(text: str, name: str = "agent.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_what_a_file_says(written):
    written("policy: {risk_aversion: 0.2}\nrisk: {hedge_target: 0.5}\n", "tuned.yaml")
    path = written(
        "n_timesteps: 5000\nn_envs: 16\nlearning_rate: lin_2e-3\nclip_range: 0.1\nn_steps: 32\n"
        "policy_kwargs: {net_arch: [8, 4], activation_fn: elu, log_std_init: -2.0}\nnormalize: {clip_reward: 5.0}\n"
        "env_kwargs:\n  policy: tuned.yaml\n  policy_parameters: {residual_half_spreads: 3.0, risk_aversion: 0.3}\n"
    )
    found = read_hyperparameters("ppo", path)
    assert (found.timesteps, found.n_envs, found.action_mode, found.policy) == (5000, 16, "residual", "MlpPolicy")
    assert found.normalize == {"clip_reward": 5.0}
    market = found.market(MarketConfig())
    assert (market.policy.risk_aversion, market.risk.hedge_target, market.policy.residual_half_spreads) == (0.3, 0.5, 3.0)
    arguments = found.class_arguments()
    assert arguments["policy_kwargs"] == {"net_arch": [8, 4], "activation_fn": torch.nn.ELU, "log_std_init": -2.0}
    assert [arguments["learning_rate"](left) for left in (1.0, 0.5, 0.0)] == pytest.approx([2e-3, 1e-3, 0.0])
    assert arguments["clip_range"] == 0.1 and arguments["n_steps"] == 32


def test_what_it_says_of_itself_reads_back_the_same(written):
    for algo in ("ppo", "td3"):
        found = read_hyperparameters(algo, AGENTS / f"{algo}.yaml")
        from mm_env.config.yaml_reader import format_yaml

        again = read_hyperparameters(algo, written(format_yaml(found.as_dict())))
        assert again.as_dict() == found.as_dict()
        assert again.market(MarketConfig()) == found.market(MarketConfig())


@pytest.mark.parametrize("algo", sorted(ALGORITHMS))
def test_each_algorithm_has_a_file(algo):
    found = read_hyperparameters(algo, AGENTS / f"{algo}.yaml")
    assert found.timesteps >= 1_000_000 and found.class_arguments()
    assert found.policy_file is not None and found.market(MarketConfig()).policy != MarketConfig().policy


def test_presets_are_found_by_name():
    assert [agent_preset_path(name) for name in agent_preset_names()] == sorted(AGENTS.glob("*.yaml"))
    with pytest.raises(ConfigError, match=r"recurent_ppo: no such agent preset: .*nearest: 'recurrent_ppo'"):
        agent_preset_path("recurent_ppo")


def test_the_file_of_the_classic_market():
    found = read_hyperparameters("ppo", AGENTS / "classic_ppo.yaml", classic=True)
    assert found.action_mode == "absolute" and found.arguments["gamma"] == 1.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("n_step: 5", r"n_step: no such key of ppo; nearest: 'n_steps'"),
        ("buffer_size: 5", r"buffer_size: no such key of ppo"),
        ("learning_rate: lin_x", r"learning_rate: value 'lin_x': expected a number, or a schedule as lin_3e-4"),
        ("learning_rate: fast", r"learning_rate: value 'fast': expected a number"),
        ("n_envs: 0", r"n_envs: value 0: expected whole numbers from 1"),
        ("n_envs: true", r"n_envs: value True: expected whole numbers from 1"),
        ("policy_kwargs: [1]", r"policy_kwargs: value \[1\]: expected a mapping"),
        ("policy_kwargs: {activation_fn: 'os.system'}", r"activation_fn: value 'os.system': expected one of tanh, relu"),
        ("normalize: {clip_rewards: 1}", r"normalize.clip_rewards: no such key; nearest: 'clip_reward'"),
        ("env_kwargs: {action_mod: residual}", r"env_kwargs.action_mod: no such key; nearest: 'action_mode'"),
        ("env_kwargs: {action_mode: relative}", r"action_mode: value 'relative': expected one of residual, absolute"),
        ("env_kwargs: {policy: nowhere.yaml}", r"nowhere.yaml: No such file"),
        ("env_kwargs: {policy_parameters: {risk_aversoin: 1}}", r"policy.risk_aversoin.*risk_aversion"),
        ("noise_std: 0.1", r"noise_std: only beside noise_type"),
        ("noise_type: pink", r"noise_type: value 'pink': expected one of normal, ornstein-uhlenbeck"),
        ("- 1", r"expected a mapping of hyperparameters"),
        ("a: [", r"agent.yaml: "),
    ],
)
def test_mistakes_are_told(written, text, told):
    with pytest.raises(ConfigError, match=told):
        read_hyperparameters("ppo", written(text))


def test_a_parameter_of_the_task_is_no_parameter_of_the_policy(written):
    written("risk: {portfolio_var_limit: 1000}\n", "tuned.yaml")
    with pytest.raises(ConfigError, match=r"risk.portfolio_var_limit: expected what is the policy's own"):
        read_hyperparameters("ppo", written("env_kwargs: {policy: tuned.yaml}"))
    with pytest.raises(ConfigError, match=r"risk.portfolio_var_limit: expected what is the policy's own"):
        read_hyperparameters("ppo", written("env_kwargs: {policy_parameters: {risk.portfolio_var_limit: 1000}}"))
