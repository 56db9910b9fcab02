"""A folder with one of everything that the dashboard opens."""

from __future__ import annotations

from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from mm_env.config.io import load_config, override
from mm_env.config.scenario import ScenarioFile
from mm_env.config.scenarios import expand, levels_of
from mm_env.dashboard.comparing import play_comparison
from mm_env.files import write_json
from mm_env.policies import get_policy
from mm_env.reports.figures import write_episode_picture
from mm_env.risk.scenario_runs import ScenarioRun, begin, play_scenarios
from mm_env.risk.scenario_table import tabulate
from mm_env.runs.baseline import Baseline, run_baseline


def make_runs(root: Path) -> None:
    """Write run, comparison, scenarios and event files of two trainings below `root`."""
    short = override(load_config(), {"episode.steps": 40})
    run_baseline(Baseline(root / "run", steps=40, episodes=3, record=2, log_every=0))
    write_episode_picture(root / "run")
    comparison = play_comparison(["as", "fixed"], short, 6, 0)
    (root / "compare").mkdir()
    write_json(root / "compare" / "comparison.json", comparison.about | {"training_seeds": []})
    comparison.episodes.to_parquet(root / "compare" / "episodes.parquet")
    file = load_config("quick", ScenarioFile)
    run = ScenarioRun(root / "scenarios", expand(file, short.model_copy(
        update={"episode": short.episode.model_copy(update={"steps": 60})}
    )), get_policy("as"), "as", 0, 4, levels_of(file, short), market="two_symbols")  # fmt: skip
    begin(run)
    play_scenarios(run)
    tabulate(run.folder)
    for seed in range(2):
        writer = EventFileWriter(str(root / f"ppo/seed_{seed}/tensorboard/agent"))
        for step in range(40):
            value = Summary.Value(tag="evaluation/reward", simple_value=seed + step**0.5)
            writer.add_event(Event(step=1000 * step, summary=Summary(value=[value])))
        writer.close()
