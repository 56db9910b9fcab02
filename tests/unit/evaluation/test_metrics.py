"""One definition of each metric: the same episodes have the same figures wherever they are shown."""

import json
from pathlib import Path

import numpy as np
import pytest

from mm_env.config.io import load_config, override
from mm_env.config.scenario import ScenarioFile
from mm_env.config.scenarios import expand, levels_of
from mm_env.envs.play import make_envs, play
from mm_env.evaluation.comparison import COLUMNS, PAIRED, compare, episodes_table
from mm_env.evaluation.episode_details import EpisodeDetails
from mm_env.evaluation.evaluation import VALUES, evaluate
from mm_env.evaluation.metrics import (
    BASELINE,
    COMPARE,
    OF_AN_EPISODE,
    OVER_EPISODES,
    SCENARIOS,
    TRAINING,
    metrics_page,
)
from mm_env.learning.tags import MEASURES
from mm_env.policies import get_policy
from mm_env.risk.scenario_runs import ScenarioRun, begin, play_scenarios
from mm_env.risk.scenario_table import MEANS, tabulate
from mm_env.risk.scenarios import load_results
from mm_env.runs.baseline import Baseline, run_baseline

STEPS, EPISODES, SEED = 60, 4, 3
CHANGES = {"episode.steps": STEPS, "risk.portfolio_var_limit": 180.0}
MARKET = override(load_config(), CHANGES)
POLICY = get_policy("as")
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def evaluated():
    return evaluate(POLICY, MARKET, EPISODES, SEED)


def means(evaluation) -> dict[str, float]:
    return {name: float(getattr(evaluation, name).mean()) for name in VALUES}


def test_the_episodes_hedge_breach_and_are_liquidated(evaluated):
    assert evaluated.hedge_cost.min() == 0.0 < evaluated.hedge_cost.max()
    assert 0.0 < evaluated.over_limit.mean() < 1.0
    assert (evaluated.attribution["liquidation_cost"] != 0.0).all()


def test_play_and_evaluate_agree(evaluated):
    details, envs = EpisodeDetails(), make_envs(POLICY, POLICY.configure(MARKET), EPISODES, record=True)
    play(envs, POLICY, EPISODES, SEED, options={"evaluation": True}, watchers=[details])
    envs.close()
    found = details.result()
    for name in VALUES:
        np.testing.assert_array_equal(getattr(found.metrics, name), getattr(evaluated, name), err_msg=name)
    np.testing.assert_allclose(found.hedge_cost.sum(axis=1), evaluated.hedge_cost, atol=1e-9)


def test_a_comparison_agrees(evaluated):
    row = compare({"as": [evaluated]}, "as", resamples=100)[0]
    for name in VALUES:
        assert row[name] == pytest.approx(getattr(evaluated, name).mean()), name
        np.testing.assert_array_equal(episodes_table({"as": [evaluated]})[name], getattr(evaluated, name))


def test_scenarios_agree(evaluated, tmp_path):
    file = load_config({}, ScenarioFile)
    run = ScenarioRun(tmp_path / "out", expand(file, MARKET), POLICY, "as", SEED, EPISODES, levels_of(file, MARKET), batch=3)
    begin(run)
    play_scenarios(run)
    table, rows = tabulate(run.folder), load_results(run.folder).episodes("base")
    for name in VALUES:
        np.testing.assert_allclose(rows[name], getattr(evaluated, name), rtol=1e-12, err_msg=name)
        assert table[name][0] == pytest.approx(getattr(evaluated, name).mean()), name


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    """Of a baseline run on training episodes of the seed."""
    folder = tmp_path_factory.mktemp("baseline")
    run_baseline(Baseline(folder, seed=SEED, episodes=EPISODES, log_every=0, overrides=CHANGES))
    return json.loads((folder / "summary.json").read_text())


def test_a_baseline_run_agrees(summary):
    same = means(evaluate(POLICY, MARKET, EPISODES, SEED, evaluation=False))
    found = {name: summary["portfolio"][name]["value"] for name in VALUES}
    assert found == pytest.approx(same)
    by_symbol = [part["hedge_cost"]["value"] for part in summary["symbols"].values()]
    assert sum(by_symbol) == pytest.approx(same["hedge_cost"])


def test_a_training_agrees(evaluated):
    pytest.importorskip("stable_baselines3")
    from mm_env.learning.training_count import TrainingCount
    from mm_env.learning.vec_env import make_vec_env

    envs = make_vec_env(MARKET, EPISODES, seed=SEED, evaluation=True, record=True)
    count = TrainingCount(envs.native)
    envs.reset()
    for _ in range(STEPS):
        _, _, dones, _ = envs.step(np.zeros((EPISODES, 6), np.float32))
        infos = envs.batch_infos
        count.add(infos, dones, np.asarray(sum(infos["reward_terms"].values())))
    found = count.take()
    envs.close()
    same = means(evaluated)
    assert {name: found[name] for name in MEASURES if name != "sharpe"} == pytest.approx(
        {name: same[name] for name in MEASURES if name != "sharpe"}
    )
    assert found["sharpe"] == pytest.approx(evaluated.profit.mean() / evaluated.profit.std(ddof=1))


def shown_in(place: str, metrics=(*OF_AN_EPISODE, *OVER_EPISODES)) -> set[str]:
    return {one.name for one in metrics if place in one.shown}


def test_the_names_of_every_output_are_those_of_the_table(summary):
    assert set(VALUES) == shown_in(COMPARE, OF_AN_EPISODE)
    assert {name for name, *_ in COLUMNS} | {"improvement", "correlation"} == shown_in(COMPARE)
    assert set(PAIRED) <= shown_in(COMPARE)
    assert {*MEANS, "inventory_end"} == shown_in(SCENARIOS, OF_AN_EPISODE)
    assert {*MEASURES, "advantage"} == shown_in(TRAINING)
    parts = [summary["portfolio"], *summary["symbols"].values(), *summary["venues"].values()]
    assert {name.removesuffix("_first") for part in parts for name in part} == shown_in(BASELINE)


def test_a_name_stands_once_in_the_table():
    names = [one.name for one in (*OF_AN_EPISODE, *OVER_EPISODES)]
    assert len(names) == len(set(names))


def test_the_page_is_that_of_the_table():
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert page == metrics_page(), "run python -m mm_env.evaluation.metrics > docs/metrics.md"
