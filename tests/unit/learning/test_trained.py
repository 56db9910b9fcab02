"""Trained agents by name, without the packages that they need."""

import sys

import pytest

from mm_env.errors import MissingExtraError, UsageError
from mm_env.policies import get_policy


def test_a_trained_agent_without_torch_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "run.json").write_text('{"algo": "ppo", "classic": false, "action_mode": "residual"}')
    (tmp_path / "market.yaml").write_text("{}")
    (tmp_path / "model.zip").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    with pytest.raises(MissingExtraError, match=r"^ppo:.*: stable-baselines3 is not installed: pip install 'mm_env\[rl\]'$"):
        get_policy(f"ppo:{tmp_path}")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"algo": "ppo"}'])
def test_a_run_folder_whose_description_is_broken_is_refused(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    (tmp_path / "model.zip").write_bytes(b"")
    with pytest.raises(UsageError, match=r"^ppo:.*run\.json: expected what mm-env train writes"):
        get_policy(f"ppo:{tmp_path}")
