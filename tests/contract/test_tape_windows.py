"""A tape that is longer than an episode: each episode plays a part of it, the same for every policy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mm_env.envs.vector_env import MultiVenueVectorEnv


@pytest.fixture
def config(tmp_path: Path) -> dict[str, object]:
    """A headline a second for 1000 s, and episodes of 30 s."""
    lines = [f"{second},XYZ,headline {second},0.1" for second in range(1000)]
    path = tmp_path / "tape.csv"
    path.write_text("timestamp,symbol,headline,polarity\n" + "\n".join(lines) + "\n")
    news = {"source": "tape", "tape": str(path), "tape_seconds_per_second": 1.0}
    return {"base": "two_symbols", "news": news, "episode": {"steps": 30, "burn_in_seconds": 2.0}}


def windows(config: dict[str, object], action: float, episodes: int = 3) -> list[list[list[str]]]:
    """Texts of the headlines of each episode of four envs."""
    env = MultiVenueVectorEnv(4, config, record=True, num_threads=1)
    env.reset(seed=5)
    actions = np.full((4, len(env.action_names)), action, np.float32)
    played: list[list[list[str]]] = []
    for episode in range(episodes):
        texts: list[list[str]] = [[] for _ in range(4)]
        for _ in range(30):
            env.step(actions)
            for i in range(4):
                texts[i] += [item.text for item in env.headlines(i)]
        played.append(texts)
        if episode + 1 < episodes:
            env.reset()
    env.close()
    return played


def test_each_episode_plays_a_part_from_a_place_of_its_own(config: dict[str, object]) -> None:
    played = [texts for episode in windows(config, 0.0) for texts in episode]
    starts = set()
    for texts in played:
        seconds = [int(text.split()[1]) for text in texts]
        assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))
        assert 29 <= len(seconds) <= 31
        starts.add(seconds[0])
    assert len(starts) == len(played)
    assert min(starts) < 400 < 600 < max(starts)


def test_policies_meet_the_same_headlines(config: dict[str, object]) -> None:
    assert windows(config, 0.0, 2) == windows(config, 0.7, 2)
