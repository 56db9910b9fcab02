"""Trained agents by name, without the packages that they need."""

import sys

import pytest

from mm_env.errors import MissingExtraError
from mm_env.policies import get_policy


def test_a_trained_agent_without_torch_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "run.json").write_text('{"algo": "ppo", "classic": false, "action_mode": "residual"}')
    (tmp_path / "market.yaml").write_text("{}")
    (tmp_path / "model.zip").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    with pytest.raises(MissingExtraError, match=r"^ppo:.*: stable-baselines3 is not installed: pip install 'mm_env\[rl\]'$"):
        get_policy(f"ppo:{tmp_path}")
