"""The baseline is tuned on training episodes, by knobs that do something, and never on what is the task's."""

import numpy as np
import pytest

pytest.importorskip("optuna")

import optuna

from mm_env.config.io import load_config
from mm_env.evaluation.evaluation import VALUES, Evaluation, evaluate
from mm_env.interrupt import Stopped
from mm_env.learning import tuning
from mm_env.learning.tuning import FINALISTS, SPACES, candidate, done, finals, open_study, search
from mm_env.policies.base import HEDGING

MARKET = load_config(
    {
        "episode": {"steps": 40},
        "risk": {"portfolio_var_limit": 60.0},
        "news": {"rate_per_hour": 1800.0},
        "policy": {"fill_decay": 40.0},
    }
)


def middle(name: str) -> dict[str, float]:
    return {key: (one.low * one.high) ** 0.5 if one.log else 0.5 * (one.low + one.high) for key, one in SPACES[name].items()}


@pytest.mark.parametrize("name", SPACES)
def test_every_knob_is_the_policys_own_and_moves_the_reward(name):
    def reward(changes) -> np.ndarray:
        policy, market = candidate(name, changes, MARKET)
        assert market.model_dump(exclude={"policy", "risk"}) == MARKET.model_dump(exclude={"policy", "risk"})
        own = set(HEDGING)
        assert market.risk.model_dump(exclude=own) == MARKET.risk.model_dump(exclude=own)
        return evaluate(policy, market, 6, 1, evaluation=False).reward

    for key, one in SPACES[name].items():
        low, high = (reward(middle(name) | {key: value}) for value in (one.low, one.high))
        assert (low != high).any(), key


@pytest.fixture
def peak(monkeypatch):
    """Rewards with their peak at base_spread_bps 7 and size_skew 2, or a constant of 0.3; what was asked is kept."""
    asked = []

    def evaluate_at(policy, config, episodes, seed, *, evaluation, on_progress=None, stop=lambda: False):
        if stop():
            raise Stopped
        asked.append((episodes, seed, evaluation))
        value = getattr(policy, "value", None)
        own = config.policy
        far = (
            np.log(own.base_spread_bps / 7.0) ** 2 + np.log(own.size_skew / 2.0) ** 2
            if value is None
            else (value - 0.3) ** 2
        )
        rest = {name: np.zeros(episodes) for name in VALUES if name != "reward"}
        return Evaluation(reward=np.full(episodes, -far), **rest, reward_terms={}, attribution={})

    monkeypatch.setattr(tuning, "evaluate", evaluate_at)
    return asked


def study_of(name: str, trials: int, seed: int = 1, storage=None, **more):
    study = open_study(name, MARKET, 8, seed, storage)
    search(study, name, MARKET, trials, 8, seed, **more)
    return study


def test_the_search_finds_the_peak_on_training_episodes_alone(peak):
    best = done(study_of("fixed", 150))[0].params
    assert best["policy.base_spread_bps"] == pytest.approx(7.0, rel=0.15) and best["policy.size_skew"] == pytest.approx(
        2.0, rel=0.15
    )
    assert done(study_of("constant", 40))[0].params["value"] == pytest.approx(0.3, abs=0.05)
    assert set(peak) == {(8, 1, False)}


def test_the_same_seed_tries_the_same_and_another_another(peak):
    tried = [[trial.params for trial in study_of("fixed", 12, seed).trials] for seed in (1, 1, 2)]
    assert tried[0] == tried[1] != tried[2]


@pytest.mark.parametrize("name", ["fixed", "constant"])
def test_a_study_goes_on_where_it_stopped_and_tries_nothing_twice(peak, tmp_path, name):
    storage = tmp_path / "study.db"
    asked, told = iter([False] * 6 + [True] * 9), []  # before the first trial, and after each
    assert (
        len(done(study_of(name, 20, storage=storage, on_progress=told.append, stop=lambda: next(asked)))) == 6 == sum(told)
    )
    study = study_of(name, 20, storage=storage)
    assert len(done(study)) == 20 == len({tuple(trial.params.items()) for trial in study.trials})
    assert len(done(study_of(name, 20, storage=storage))) == 20
    assert len(open_study(name, MARKET, 9, 1, storage).trials) == 0  # trials of other episodes are another study
    assert len(open_study(name, MARKET, 8, 2, storage).trials) == 0


def test_the_best_and_the_default_are_played_again_on_fresh_episodes(peak):
    study = study_of("fixed", 20)
    study.add_trial(optuna.create_trial(state=optuna.trial.TrialState.FAIL))
    peak.clear()
    played = finals(study, "fixed", MARKET, 30, 2)
    assert peak == [(30, 2, False)] * (1 + FINALISTS)
    assert played[0][0] == {}
    rewards = [found.reward.mean() for _, found in played[1:]]
    assert rewards == sorted(rewards, reverse=True) and len(played) == 1 + FINALISTS
    best = done(study)[0].params
    assert played[1][0] == {key: float(f"{value:.4g}") for key, value in best.items()} != best
    with pytest.raises(Stopped):
        finals(study, "fixed", MARKET, 30, 2, stop=lambda: True)


def test_a_policy_without_knobs_is_refused():
    with pytest.raises(ValueError, match="policy 'randm': expected one of 'as', 'glft'"):
        open_study("randm", MARKET, 8, 1, None)
