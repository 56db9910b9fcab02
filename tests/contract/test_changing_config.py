"""Parameters that change between episodes: set_config, reset options, domain randomisation."""

import gymnasium as gym
import numpy as np
import pytest

import mm_env  # noqa: F401, registers the id
from mm_env.config.io import load_config, override
from mm_env.errors import ConfigError

ID = "mm_env/MultiVenue-v0"
BASE = load_config({"episode": {"steps": 4, "burn_in_seconds": 2.0}})
RANGES = {"policy.risk_aversion": [0.001, 0.02], "venues.BETA.latency_ms": [1.0, 9.0], "episode.steps": [3.0, 6.0]}
RANDOM = override(BASE, {"randomize": RANGES})


def make(number: int = 3, config=BASE, **arguments) -> gym.vector.VectorEnv:
    return gym.make_vec(ID, num_envs=number, config=config, **arguments)


def gammas(envs) -> list[float]:
    return envs.batch.params["risk_aversion"][envs.batch.params_index].tolist()


def test_set_config_holds_from_the_next_reset_of_each_env():
    envs = make(autoreset_mode="Disabled")
    envs.reset(seed=0)
    envs.set_config(override(BASE, {"policy.risk_aversion": 0.5, "episode.steps": 2}))
    assert envs.config.policy.risk_aversion == 0.5
    before = BASE.policy.risk_aversion
    assert gammas(envs) == [before] * 3
    envs.step(np.zeros((3, 6)))
    envs.reset(options={"reset_mask": np.array([False, True, False])})
    assert gammas(envs) == [before, 0.5, before]
    ends = [envs.step(np.zeros((3, 6)))[3].tolist() for _ in range(2)]
    assert ends == [[False] * 3, [False, True, False]], "the new length holds for the env that was reset alone"
    envs.reset()
    assert gammas(envs) == [0.5] * 3
    assert len(envs.batch.params) == 1, "one row of params serves all envs of one market"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("SameStep", [0, 0, 0, 1, 0, 1, 0, 1]), ("NextStep", [0, 0, 0, 1, 0, 0, 1, 0, 0, 1])],
)
def test_autoreset_takes_up_the_new_config(mode, expected):
    envs = make(autoreset_mode=mode)
    envs.reset(seed=0)
    envs.set_config(override(BASE, {"episode.steps": 2}))
    assert [envs.step(np.zeros((3, 6)))[3].all() for _ in expected] == expected


def test_a_reset_option_does_the_same():
    changed, made = make(), make(config=override(BASE, {"policy.risk_aversion": 0.5}))
    observation, _ = changed.reset(seed=3, options={"config": override(BASE, {"policy.risk_aversion": 0.5})})
    expected, _ = made.reset(seed=3)
    np.testing.assert_array_equal(observation, expected)
    env = gym.make(ID, config=BASE).unwrapped
    env.reset(seed=3, options={"config": override(BASE, {"policy.risk_aversion": 0.5})})
    assert env.config.policy.risk_aversion == 0.5
    np.testing.assert_array_equal(env.step(np.zeros(6))[0], changed.step(np.zeros((3, 6)))[0][0])


def test_each_env_reads_the_headlines_of_its_own_market(tmp_path):
    tapes = []
    for name in ("old", "new"):
        tapes.append(tmp_path / f"{name}.csv")
        rows = [f"{step},XYZ,{name} headline {step},0.5" for step in range(4)]
        tapes[-1].write_text("\n".join(["step,symbol,headline,polarity", *rows, ""]))
    old, new = (override(BASE, {"news": {"source": "tape", "tape": str(tape)}}) for tape in tapes)
    envs = make(config=old, autoreset_mode="Disabled", record=True)
    envs.reset(seed=0)
    envs.step(np.zeros((3, 6)))
    envs.set_config(new)
    envs.reset(options={"reset_mask": np.array([False, True, False])})
    envs.step(np.zeros((3, 6)))
    said = [[item.text for item in envs.headlines(i)] for i in range(3)]
    assert said == [["old headline 1"], ["new headline 0"], ["old headline 1"]]
    unchanged = make(config=old, autoreset_mode="Disabled")
    unchanged.reset(seed=0)
    for _ in range(2):
        expected, *_ = unchanged.step(np.zeros((3, 6)))
    np.testing.assert_array_equal(envs.batch.rows[[0, 2]], expected[[0, 2]])


def test_other_symbols_or_venues_are_refused():
    envs = make()
    with pytest.raises(ValueError, match=r"symbols \['XYZ'\]: expected \['XYZ', 'ABC'\]"):
        envs.set_config("one_symbol")
    renamed = BASE.model_dump()
    renamed["venues"][1]["name"] = "OMEGA"
    with pytest.raises(ValueError, match=r"venues \['ALPHA', 'OMEGA', 'GAMMA'\]"):
        envs.reset(options={"config": renamed})
    with pytest.raises(ConfigError, match="nearest: 'calm'"):
        envs.set_config("clam")


def test_ranges_are_drawn_for_each_env_and_episode():
    envs = make(5, RANDOM)
    envs.reset(seed=0)
    first = gammas(envs)
    envs.reset()
    second = gammas(envs)
    assert len({*first, *second}) == 10
    assert all(0.001 <= gamma <= 0.02 for gamma in first + second)
    drawn = envs.episode_config(2)
    assert drawn.policy.risk_aversion == second[2]
    assert drawn.venues[1].latency_ms == pytest.approx(1e3 * envs.batch.params["latency_seconds"][2, 1])
    assert not drawn.randomize


def test_draws_depend_on_seed_env_and_episode_alone():
    def drawn(number: int, steps: int, seed=4) -> list[float]:
        envs = make(number, RANDOM)
        envs.reset(seed=seed)
        for k in range(steps):
            envs.step(np.full((number, 6), 0.1 * k))
        envs.reset()
        return gammas(envs)

    assert drawn(2, 0) == drawn(6, 0)[:2]
    assert drawn(2, 2) == drawn(2, 0)
    assert not set(drawn(2, 0, seed=5)) & set(drawn(2, 0))
    assert drawn(2, 0, seed=[9, 4])[1] == drawn(1, 0)[0]
    alone = gym.make(ID, config=RANDOM).unwrapped
    alone.reset(seed=4)
    alone.reset()
    assert alone.episode_config().policy.risk_aversion == drawn(2, 0)[0]


@pytest.mark.parametrize("mode", ["SameStep", "NextStep"])
def test_autoreset_draws_anew_for_the_envs_that_ended(mode):
    envs = make(6, RANDOM, autoreset_mode=mode)
    envs.reset(seed=1)
    length = envs.batch.params["steps"].copy()
    assert len(set(length.tolist())) > 1
    first_end = np.zeros(6, int)
    ended = np.zeros(6, bool)
    for step in range(1, 7):
        before = gammas(envs)
        truncated = envs.step(np.zeros((6, 6)))[3]
        changed = np.array(gammas(envs)) != before
        np.testing.assert_array_equal(changed, truncated if mode == "SameStep" else ended)
        ended = truncated
        first_end[truncated & (first_end == 0)] = step
    np.testing.assert_array_equal(first_end, length)


def test_ranges_can_be_switched_on_and_off():
    envs = make()
    envs.reset(seed=0)
    assert len(envs.batch.params) == 1
    envs.reset(options={"config": RANDOM})
    assert len(set(gammas(envs))) == 3
    envs.reset(options={"config": BASE})
    assert gammas(envs) == [BASE.policy.risk_aversion] * 3 and len(envs.batch.params) == 1
