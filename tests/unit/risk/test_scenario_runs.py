"""Runs of scenarios: the same episodes however they are cut up, stopped and resumed, in memory that does not grow."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from mm_env.config.io import load_config, override
from mm_env.config.scenario import ScenarioFile
from mm_env.config.scenarios import expand, levels_of
from mm_env.errors import RunError, UsageError
from mm_env.evaluation.evaluation import VALUES, evaluate
from mm_env.policies import get_policy
from mm_env.risk import scenario_runs
from mm_env.risk.scenario_runs import ScenarioRun, begin, estimate, play_scenarios
from mm_env.risk.scenario_table import scenario_row, tabulate
from mm_env.risk.scenarios import LEVELS, fan_path, load_results, part_path, parts_of
from mm_env.risk.sketch import ACCURACY

FILE = load_config(
    {
        "grid": {"volatility": {"own": {}, "double": {"multiply": {"symbols.*.volatility_bps_per_sqrt_second": 2.0}}}},
        "sweeps": {"regime": {}},
        "stresses": {"crash": {"windows": [{"from_seconds": 10.0, "to_seconds": 20.0, "shock_bps": -100.0}]}},
    },
    ScenarioFile,
)
MARKET = override(load_config(), {"episode.steps": 40})


def run_in(folder, episodes=20, batch=8, file=FILE, policy="as", **named):
    scenarios = expand(file, MARKET)
    return ScenarioRun(
        folder, scenarios, get_policy(policy), policy, 3, episodes, levels_of(file, MARKET), batch=batch, **named
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    run = run_in(tmp_path_factory.mktemp("runs") / "done")
    assert begin(run) == 0 and play_scenarios(run)
    return run, tabulate(run.folder)


def same_files(ours, theirs):
    names = sorted(str(path.relative_to(theirs)) for path in theirs.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(ours)) for path in ours.rglob("*") if path.is_file())
    for name in names:
        if name.endswith(".parquet"):
            pd.testing.assert_frame_equal(pd.read_parquet(ours / name), pd.read_parquet(theirs / name), check_exact=True)
        elif name.endswith(".npz"):
            with np.load(ours / name) as a, np.load(theirs / name) as b:
                assert all(np.array_equal(a[key], b[key]) for key in ("steps", "parts", "shape", "places", "numbers"))
        else:
            assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name


def test_episodes_are_those_of_an_evaluation(done):
    run, _ = done
    results = load_results(run.folder)
    for scenario in (run.scenarios[0], run.scenarios[1]):
        rows = results.episodes(scenario.name)
        theirs = evaluate(run.policy, scenario.config, 20, 3, most_envs=7)
        assert rows["episode"].tolist() == list(range(20))
        for name in VALUES:
            np.testing.assert_allclose(rows[name], getattr(theirs, name), rtol=1e-9, atol=1e-9, err_msg=name)
        np.testing.assert_allclose(rows["profit"], rows.filter(like="attribution.").sum(axis=1), atol=1e-6)


def test_batches_are_no_part_of_an_episode(done, tmp_path):
    other = run_in(tmp_path / "other", batch=20, threads=1)
    begin(other)
    play_scenarios(other)
    for k, scenario in enumerate(other.scenarios):
        ours, theirs = (pd.concat(map(pd.read_parquet, parts_of(folder, k))) for folder in (done[0].folder, other.folder))
        np.testing.assert_array_equal(ours["profit"], theirs["profit"], err_msg=scenario.name)
        np.testing.assert_allclose(ours["inventory_sd"], theirs["inventory_sd"])


def test_an_interrupted_run_goes_on_to_the_same_end(done, tmp_path):
    run = run_in(tmp_path / "cut")
    steps, calls = MARKET.episode.steps * len(run.scenarios), 0
    held = []
    for stop_after in (5, steps + 70, 95, 10**9):
        held.append(begin(run))
        calls = 0

        def stop(limit=stop_after):
            nonlocal calls
            calls += 1
            return calls > limit

        finished = play_scenarios(run, stop=stop)
    assert finished and held == [0, 0, 48, 64]
    pd.testing.assert_frame_equal(tabulate(run.folder), done[1], check_exact=True)
    same_files(run.folder, done[0].folder)


@pytest.mark.parametrize("damage", ["counts behind", "counts gone", "counts broken", "rows gone", "half a file"])
def test_what_a_kill_left_half_done_is_played_again(done, tmp_path, damage):
    run = run_in(tmp_path / "killed")
    begin(run)
    play_scenarios(run)
    tabulate(run.folder)
    fan, part = fan_path(run.folder, 2), part_path(run.folder, 2, 2)
    if damage == "counts behind":  # killed after the rows of the last part, before its paths
        short = run_in(tmp_path / "short", episodes=16)
        begin(short)
        play_scenarios(short)
        fan.write_bytes(fan_path(short.folder, 2).read_bytes())
    elif damage == "counts gone":
        fan.unlink()
    elif damage == "counts broken":
        fan.write_bytes(fan.read_bytes()[:100])
    elif damage == "rows gone":
        part.unlink()
    else:
        part.with_name(f".{part.name}.77.partial").write_bytes(b"PAR1")
    whole = damage == "half a file"
    left = begin(run)
    if damage == "counts behind":
        assert not part.exists()  # its rows would be in the table, and its paths not in the fan
    assert left == 100 - {"counts behind": 4, "half a file": 0}.get(damage, 20)
    assert play_scenarios(run)
    tabulate(run.folder)
    if whole:
        part.with_name(f".{part.name}.77.partial").unlink()
    same_files(run.folder, done[0].folder)


def test_a_folder_of_something_else_is_refused(done, tmp_path):
    folder = done[0].folder
    with pytest.raises(RunError, match=r"holds results of something else: episodes 20, here 30; expected another folder"):
        begin(run_in(folder, episodes=30))
    other = load_config({**FILE.model_dump(), "stresses": {}}, ScenarioFile)
    with pytest.raises(RunError, match="scenarios"):
        begin(run_in(folder, file=other))
    with pytest.raises(RunError, match='policy "as", here "fixed"'):
        begin(run_in(folder, policy="fixed"))
    shifted = FILE.model_dump()
    shifted["stresses"]["crash"]["windows"][0]["shock_bps"] = -200.0
    with pytest.raises(RunError, match="something else: scenarios"):
        begin(run_in(folder, file=load_config(shifted, ScenarioFile)))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="holds other files"):
        begin(run_in(tmp_path / "full"))
    assert begin(run_in(tmp_path / "full"), overwrite=True) == 0
    assert (tmp_path / "full" / "notes.txt").read_text() == "mine"
    with pytest.raises(UsageError, match="no results of scenarios"):
        load_results(tmp_path / "nowhere")


def test_a_run_does_not_go_on_with_a_model_that_was_trained_further(tmp_path):
    run = run_in(tmp_path / "out", policy="fixed")
    object.__setattr__(run.policy, "model_hash", "a1")
    begin(run)
    assert begin(run) == 0
    object.__setattr__(run.policy, "model_hash", "b2")
    with pytest.raises(RunError, match='something else: model_hash "a1", here "b2"'):
        begin(run)


def test_overwriting_begins_anew(tmp_path):
    run = run_in(tmp_path / "out", episodes=4)
    begin(run)
    play_scenarios(run)
    tabulate(run.folder)
    for name in ("surface.png", "report.html"):
        (run.folder / name).write_bytes(b"of the first policy")
    fixed = run_in(tmp_path / "out", episodes=4, policy="fixed")
    assert begin(fixed, overwrite=True) == 0
    left = {path.name for path in run.folder.iterdir() if path.is_file()}
    assert left == {"about.json", "market.yaml"}  # a run that is stopped now must not show the figures of the first
    assert not parts_of(fixed.folder, 0) and not fan_path(fixed.folder, 0).exists()


def test_the_table_says_what_the_episodes_say(done):
    run, table = done
    results = load_results(run.folder)
    assert results.complete and list(results.table["scenario"]) == [one.name for one in run.scenarios]
    pd.testing.assert_frame_equal(results.table, table)
    base = results.episodes("base", ["profit"])["profit"].to_numpy()
    for row in table.to_dict("records"):
        profit = results.episodes(row["scenario"])["profit"].to_numpy()
        assert row["episodes"] == 20
        assert row["profit"] == pytest.approx(profit.mean()) and row["profit_low"] < row["profit"] < row["profit_high"]
        assert row["var_95"] == -np.sort(profit)[0] and row["es_95"] == pytest.approx(-profit.min())
        assert row["difference"] == pytest.approx((profit - base).mean())
        if row["scenario"] != "base":
            gain = (profit.var(ddof=1) + base.var(ddof=1)) / (profit - base).var(ddof=1)
            assert row["variance_reduction"] == pytest.approx(gain)
            assert row["correlation"] == pytest.approx(np.corrcoef(profit, base)[0, 1])
    surface = results.surface("volatility", "regime")
    assert surface.shape == (2, 3) and surface.loc["own", "switching"] == table["profit"][0]
    assert surface.loc["own", "stress"] == table.set_index("scenario")["profit"]["regime=stress"]
    assert np.isnan(surface.loc["double", "calm"])  # swept one at a time
    with pytest.raises(UsageError, match=r"scenario 'bse': expected one of 'base', .*; nearest: 'base'"):
        results.episodes("bse")


def test_fans_are_the_quantiles_of_the_paths(done):
    run, _ = done
    results = load_results(run.folder)
    schedule = scenario_runs.Schedule(run.scenarios[-1])
    _, steps, paths = scenario_runs.play_batch(schedule, run.policy, 3, 0, 20)
    fan = results.fans["crash"]
    assert fan.episodes == 20 and fan.seconds.tolist() == steps.tolist() == list(range(41))
    for found, values in ((fan.profit, paths[0]), (fan.inventory, paths[1])):
        ranks = np.maximum(1, np.ceil(np.array(LEVELS) * 20 - 1e-9)).astype(int) - 1
        np.testing.assert_allclose(found, np.sort(values, axis=1)[:, ranks], rtol=1.001 * ACCURACY, atol=0.011)
    last = results.episodes("crash")
    np.testing.assert_allclose(paths[0, -1], last["profit"])
    np.testing.assert_allclose(paths[1, -1], last["inventory_end"])
    assert np.count_nonzero(paths[1, -1]) > 10  # what was held before the sale at the end
    assert not fan.profit[0].any() and not fan.inventory[0].any()


def test_random_numbers_are_common(done):
    """News and diffusion are the same in all: the base and a calmer market have similar episodes, not unrelated ones."""
    table = done[1].set_index("scenario")
    assert table.loc["regime=calm", "correlation"] > 0.3 and table.loc["regime=calm", "variance_reduction"] > 1.2


def test_memory_does_not_grow_with_the_number_of_episodes(tmp_path, monkeypatch):
    """Batches are made up, the same five again and again, so that there can be many: kept, 40 would be 8 MiB more."""
    monkeypatch.setattr(scenario_runs, "TIMES", 8)
    real = scenario_runs.play_batch(scenario_runs.Schedule(expand(FILE, MARKET)[0]), get_policy("as"), 3, 0, 1)

    def made_up(schedule, policy, seed, first, number, *_):
        rng = np.random.default_rng(first // number % 5)
        rows = {name: rng.normal(0.0, 100.0, number) for name in real[0]}
        return rows, real[1], rng.normal(0.0, 1000.0, (2, len(real[1]), number))

    monkeypatch.setattr(scenario_runs, "play_batch", made_up)
    peaks = []
    for batches in (6, 8, 48):
        run = run_in(tmp_path / str(batches), 500 * batches, 500, load_config({}, ScenarioFile))
        begin(run)
        tracemalloc.start()
        assert play_scenarios(run)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert abs(peaks[2] - peaks[1]) < 2**18
    assert len(parts_of(run.folder, 0)) == 48


def test_an_estimate_is_of_all_that_is_to_be_played(tmp_path):
    run = run_in(tmp_path / "estimate")
    clock, work = estimate(run, 100)
    assert clock > 0.0 and work > 0.0
    assert not (tmp_path / "estimate").exists()


def test_figures_that_there_are_none_of():
    rows = pd.DataFrame({name: [1.0] for name in scenario_row.__globals__["MEANS"]})
    row = scenario_row(rows, np.array([1.0]))
    assert row["profit"] == 1.0 and np.isnan(row["profit_low"]) and np.isnan(row["es_99_low"])
    assert np.isnan(row["correlation"]) and row["difference"] == 0.0
