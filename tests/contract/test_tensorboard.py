"""The event files of a training, read back: every tag is there, and says what is so."""

from __future__ import annotations

import io

import numpy as np
import pytest

pytest.importorskip("tensorboard")
pytest.importorskip("torch")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import plugin_data_pb2

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.evaluation.evaluation import evaluate
from mm_env.learning import tags
from mm_env.learning.hyperparameters import Hyperparameters
from mm_env.learning.run_folder import SELECTION_SEED
from mm_env.learning.training import Training, begin, train
from mm_env.policies import get_policy
from mm_env.sim.classic.state import REWARDS as CLASSIC_REWARDS
from mm_env.sim.state import REWARDS

EPISODES = 6
BOOK = load_config({"episode": {"steps": 20}})
CLASSIC = load_config({"episode": {"step": 0.05}, "reward": {"inventory_penalty": 1.0}}, ClassicConfig)
KNOWN = [
    "reward",
    "profit",
    "sharpe",
    "drawdown",
    "inventory_sd",
    "fills",
    "spread_capture",
    "hedge_cost",
    "value_at_risk",
    "over_limit",
    "reward_terms/profit",
    "reward_terms/inventory_penalty",
    "reward_terms/terminal_penalty",
]
BOOK_TERMS = [f"reward_terms/{name}" for name in ("hedging_cost", "exponential_utility", "asymmetric_dampening")]
ADVANTAGE = ["advantage", "advantage_error", "advantage_profit", "advantage_over_limit"]
SPEED = ["steps_per_second", "steps_per_second_envs", "steps_per_second_learner", "share_of_envs"]


def play(path, market, mode):
    hyperparameters = Hyperparameters(
        "ppo", timesteps=640, n_envs=8, policy_kwargs={"net_arch": [8]}, normalize={}, action_mode=mode, stagger=True,
        arguments={"n_steps": 16, "batch_size": 64, "n_epochs": 1, "learning_rate": "lin_1e-3"},
    )  # fmt: skip
    options = Training(seed=1, evaluate_every=256, evaluation_episodes=EPISODES, threads=1)
    run = begin(path, market, hyperparameters, options)
    assert train(run, options) is None
    return run


def events(run, name):
    found = EventAccumulator(str(run.events(name)), size_guidance={"tensors": 0, "scalars": 0, "histograms": 0, "images": 0})
    found.Reload()
    return found


@pytest.fixture(scope="module", params=["book", "classic"])
def made(request, tmp_path_factory):
    market, mode = (BOOK, "residual") if request.param == "book" else (CLASSIC, "absolute")
    return play(tmp_path_factory.mktemp("tb") / request.param, market, mode), market


def test_every_scalar_is_there(made):
    run, market = made
    terms = BOOK_TERMS if market is BOOK else []
    found = set(events(run, "agent").Tags()["scalars"])
    wanted = [f"{part}/{name}" for part in ("training", "evaluation") for name in (*KNOWN, *terms)]
    wanted += [f"evaluation/{name}" for name in ADVANTAGE] + [f"time/{name}" for name in SPEED]
    assert set(wanted) <= found, sorted(set(wanted) - found)
    assert sorted(wanted) == sorted(tags.scalar_tags(REWARDS if market is BOOK else CLASSIC_REWARDS))
    assert {"train/loss", "train/learning_rate", "train/std"} <= found, "what the algorithm says of itself"


def test_the_baseline_is_a_run_of_its_own_under_the_same_tags(made):
    run, market = made
    agent, baseline = events(run, "agent"), events(run, "baseline")
    terms = REWARDS if market is BOOK else CLASSIC_REWARDS
    assert sorted(baseline.Tags()["scalars"]) == sorted(tags.baseline_tags(terms))
    lone = evaluate(get_policy("as"), market, EPISODES, SELECTION_SEED)
    for name in ("reward", "profit", "inventory_sd", "fills", "spread_capture", "hedge_cost", "over_limit"):
        line = baseline.Scalars(f"evaluation/{name}")
        assert (
            [event.step for event in line]
            == [event.step for event in agent.Scalars(f"evaluation/{name}")]
            == [0, 256, 512, 640]
        )
        assert [event.value for event in line] == pytest.approx([float(getattr(lone, name).mean())] * 4, rel=1e-5)
    for own, theirs, advantage in zip(
        *(agent.Scalars("evaluation/reward"), baseline.Scalars("evaluation/reward"), agent.Scalars("evaluation/advantage")),
        strict=True,
    ):
        assert advantage.value == pytest.approx(own.value - theirs.value, abs=1e-2)


def test_the_terms_of_the_reward_add_up(made):
    found = events(made[0], "agent")
    for part in ("training", "evaluation"):
        names = [tag for tag in found.Tags()["scalars"] if tag.startswith(f"{part}/reward_terms/")]
        totals = np.sum([[event.value for event in found.Scalars(tag)] for tag in names], axis=0)
        assert totals == pytest.approx([event.value for event in found.Scalars(f"{part}/reward")], rel=1e-3, abs=1e-2)


def test_histograms_of_actions_and_inventories(made):
    run, market = made
    found = events(run, "agent")
    names = ["bid", "ask"] if market is CLASSIC else [f"{s}.{p}" for s in ("XYZ", "ABC") for p in ("bid", "ask", "hedge")]
    symbols = ["asset"] if market is CLASSIC else ["XYZ", "ABC"]
    wanted = [*(f"actions/{name}" for name in names), *(f"inventory/{symbol}" for symbol in symbols)]
    assert sorted(wanted) == sorted(tags.histogram_tags(names, symbols)) == sorted(found.Tags()["histograms"])
    actions = found.Histograms(f"actions/{names[0]}")[0].histogram_value
    assert actions.num >= 8 * 16 and -1.0 <= actions.min < actions.max <= 1.0


def test_the_picture_of_an_evaluated_episode(made):
    from matplotlib import image

    found = events(made[0], "agent")
    assert found.Tags()["images"] == [tags.EPISODE]
    pictures = found.Images(tags.EPISODE)
    shown = image.imread(io.BytesIO(pictures[-1].encoded_image_string))
    assert shown.shape[0] > 300 and shown.shape[1] > 600 and shown[..., :3].std() > 0.05


def test_the_layout_puts_agent_and_baseline_in_one_chart(made):
    found = events(made[0], "agent")
    held = found.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0]
    parsed = layout_pb2.Layout.FromString(held)
    charts = {chart.title: list(chart.multiline.tag) for category in parsed.category for chart in category.chart}
    assert [category.title for category in parsed.category] == [tags.LAYOUT_TITLE]
    assert charts["profit"] == ["^evaluation/profit$"] and set(tags.MEASURES) < set(charts)


def test_hyperparameters_stand_beside_their_metrics(made):
    run, _ = made
    found = events(run, "agent")
    content = found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    assert start.hparams["learning_rate"].string_value == "lin_1e-3" and start.hparams["n_envs"].number_value == 8
    experiment = found.SummaryMetadata("_hparams_/experiment").plugin_data.content
    metrics = plugin_data_pb2.HParamsPluginData.FromString(experiment).experiment.metric_infos
    assert {metric.name.tag for metric in metrics} == {"evaluation/reward", "evaluation/profit", "evaluation/advantage"}
