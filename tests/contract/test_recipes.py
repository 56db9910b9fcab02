"""Each recipe of agents/ runs, with small settings: trains, compares, saves."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("stable_baselines3")

from mm_env.learning.hyperparameters import agent_preset_names

RECIPES = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "agents").glob("[!_]*.py"))
SMALL = {
    "n_steps": 8, "batch_size": 32, "n_epochs": 1, "buffer_size": 500, "learning_starts": 32, "gradient_steps": 1,
    "target_update_interval": 32,
}  # fmt: skip


def test_each_preset_of_an_agent_has_a_recipe():
    assert agent_preset_names() == RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains_compares_and_saves(name, tmp_path, monkeypatch, capsys):
    recipe = import_module(f"agents.{name}")
    settings = {key: SMALL.get(key, value) for key, value in recipe.SETTINGS.items()}
    small = {"SETTINGS": settings, "N_ENVS": 4, "TIMESTEPS": 64, "EPISODES": 3, "OUT": tmp_path / "new" / name}
    short = {"episode": {"steps": 12}}
    if name == "classic_ppo":
        short = {"base": recipe.MARKET, "episode": {"step": 0.05}}
    elif isinstance(recipe.MARKET, str):
        short["base"] = recipe.MARKET
    else:
        short |= recipe.MARKET
    for key, value in {**small, "MARKET": short}.items():
        assert hasattr(recipe, key)
        monkeypatch.setattr(recipe, key, value)
    recipe.main()
    table = [line.split("|")[1].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    rows = [line for line in table if line in ("as", name.removeprefix("classic_"))]
    assert rows == ["as", name.removeprefix("classic_")]
    assert sorted(path.name for path in recipe.OUT.iterdir()) == ["model.zip", "model_normalize.pkl"]
