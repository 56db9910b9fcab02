"""The benchmark measures what it says, and writes it under stable names."""

import json

import pytest
from typer.testing import CliRunner

from mm_env.cli import benchmark, benchmark_classic, benchmark_market
from mm_env.cli.app import single
from mm_env.config.io import load_config
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.sim.state import state_dtype

CONFIG = load_config({"episode": {"steps": 30, "burn_in_seconds": 5.0}})


def test_rates_of_the_vector_env_count_its_steps_and_events(monkeypatch):
    monkeypatch.setattr(benchmark_market, "NUMBERS", (1, 40))
    rows = benchmark_market.vector_rates(CONFIG, seed=0, seconds=0.05, rounds=1)
    assert [(row["envs"], row["threads_asked"], row["threads"]) for row in rows] == [
        (1, 1, 1),
        (1, 2, 1),
        (40, 1, 1),
        (40, 2, 2),
    ]
    for row in rows:
        assert row["steps_per_second"] * row["microseconds_per_env_step"] == pytest.approx(1e6)
        assert row["times_one_thread"] > 0 and (row["threads_asked"] > 1 or row["times_one_thread"] == 1.0)
        assert 40 < row["events_per_step"] < 160  # about 80 in the default market


def test_events_are_counted_over_resets(monkeypatch):
    """A clock that allows 70 calls: two whole episodes of 30 steps with their resets, and the beginning of a third."""
    env = MultiVenueVectorEnv(2, CONFIG)
    clock = iter(range(1000))
    monkeypatch.setattr(benchmark_market, "perf_counter", lambda: float(next(clock)))
    steps, events, own = benchmark_market._run_vector(env, 0, 70.0)
    # of the 70 calls two were resets; the first step of the first episode came before the clock
    assert steps * 70 == pytest.approx(2 * 68)

    env.reset(seed=0)
    total = 0
    for k in range(71):
        truncated = env.step(env.default_action())[3]
        total -= env.batch.states["events"].sum() if k == 0 else 0
        total += env.batch.states["events"].sum() if truncated.all() else 0
    total += env.batch.states["events"].sum()
    assert events * 70 == pytest.approx(total)
    assert 1e4 < own < 1e9
    env.close()


def test_the_stripped_kernel_runs_the_same_market_without_the_agent():
    found = benchmark_market.stripped_ratio(CONFIG, seed=0, rounds=3, number=16)
    assert found["burn_in_steps"] == 5
    assert 0.1 < found["ratio"] < 2.0
    assert found["whole_events_per_second"] > 1e5 and found["reset_microseconds"] > 1.0


def test_rates_of_the_classic_market_count_its_steps(monkeypatch):
    """A clock that moves by one at each look: of 10 looks a round, 8 calls of 64 envs each."""
    monkeypatch.setattr(benchmark_classic, "NUMBER", 64)
    clock = iter(range(10_000))
    monkeypatch.setattr(benchmark_classic, "perf_counter", lambda: float(next(clock)))
    rows = benchmark_classic.classic_rates(seed=0, seconds=9.0, rounds=2)
    assert [(row["case"], row["threads"]) for row in rows] == [(case, k) for case in benchmark_classic.CASES for k in (1, 2)]
    for row in rows:
        assert row["steps_per_second"] == row["best_steps_per_second"] == 8 * 64 / 9
    text = benchmark_classic.classic_text(rows)
    assert "avellaneda_stoikov" in text and text.count("0.0") == 2 * len(rows)


def test_memory_is_that_of_the_state_records():
    envs = MultiVenueVectorEnv(3, CONFIG)
    found = benchmark_market.memory(CONFIG)
    assert found["state_bytes_per_env"] == envs.batch.states.nbytes // 3 == state_dtype(envs.batch.capacity).itemsize
    envs.close()


def test_a_part_of_the_five_symbol_market_is_a_valid_one():
    part = benchmark_market._part_of_five(2, 3)
    assert [symbol.name for symbol in part.symbols] == ["XYZ", "ABC"] and len(part.venues) == 3
    assert part.correlation_matrix().shape == (2, 2)


def test_the_start_is_timed_in_a_process_of_its_own():
    found = benchmark_market.start_up(load_config("one_symbol"), repeats=1, cold=False)
    assert 0 < found["import_seconds"] < found["first_step_warm_seconds"]
    assert found["first_step_cold_seconds"] is None


def test_the_command_prints_every_part_and_writes_it(tmp_path, monkeypatch):
    """All parts, the slow ones replaced by what they return."""
    monkeypatch.setattr(benchmark_market, "NUMBERS", (1, 32))
    rates = {f"{name}_{kind}": 5e3 for name in ("mm_env", "cartpole") for kind in ("step", "vector_step_1024")}
    monkeypatch.setattr(benchmark, "gymnasium_rates", lambda *_: rates)
    start = {"import_seconds": 0.5, "first_step_warm_seconds": 2.25, "first_step_cold_seconds": None}
    monkeypatch.setattr(benchmark, "start_up", lambda *_, **__: start)
    size = {"symbols": 5, "venues": 2, "events_per_step": 208.3}
    size |= {"nanoseconds_per_event": 120.0, "microseconds_per_env_step": 25.0}
    monkeypatch.setattr(benchmark, "linearity", lambda *_: [size])
    monkeypatch.setattr(benchmark_classic, "NUMBER", 64)
    arguments = ["--quick", "--config", "one_symbol", "--out", str(tmp_path), "--json", str(tmp_path / "sub" / "x.json")]
    result = CliRunner().invoke(single("benchmark"), arguments)
    assert result.exit_code == 0, result.output
    for said in ("one_symbol, seed 0; cores", "32 envs on 2 threads over one: ", "single env", "ratio 0.", "CartPole-v1",
                 "state of an env: 16,", "import to first step: 2.25 s", "25.00"):  # fmt: skip
        assert said in result.stdout or (said == "ratio 0." and "ratio 1." in result.stdout), said
    found = json.loads((tmp_path / "benchmark.json").read_text())
    assert found == json.loads((tmp_path / "sub" / "x.json").read_text())
    parts = ["vector", "classic", "single", "stripped", "gymnasium", "memory", "start", "linearity"]
    assert list(found) == ["machine", "config", "config_hash", "quick", *parts]


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--config", "no_such"], "no_such: no such file or preset"),
        (["--json", "FOLDER"], "--json FOLDER: cannot be a file"),
        (["--out", "FILE"], "--out FILE/benchmark.json: cannot be a file"),
    ],
)
def test_a_mistake_exits_with_2_before_anything_is_measured(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FOLDER").mkdir()
    (tmp_path / "FILE").write_text("mine")
    result = CliRunner().invoke(single("benchmark"), arguments)
    assert result.exit_code == 2 and said in result.stderr and result.stdout == ""


def test_training_is_measured_alone_and_on_the_market(monkeypatch):
    pytest.importorskip("stable_baselines3")
    from mm_env.cli import benchmark_train

    monkeypatch.setattr(benchmark_train, "NUMBERS", (4,))
    monkeypatch.setattr(benchmark_train, "SETTINGS", ((False, 1, 1), (True, 1, 2)))
    rows = benchmark_train.train_rates(CONFIG, seed=0, rounds=1, frames=64, batch=32)
    assert [(row["normalize"], row["torch_threads"], row["env_threads"]) for row in rows] == [(False, 1, 1), (True, 1, 2)]
    for row in rows:
        parts = sum(row[f"microseconds_{part}"] for part in ("envs", "update", "collect"))
        assert parts * row["market_frames_per_second"] == pytest.approx(1e6)
        assert row["ratio"] == pytest.approx(row["market_frames_per_second"] / row["alone_frames_per_second"])
        assert min(row[f"microseconds_{part}"] for part in ("envs", "update", "collect")) > 0.0
    assert "learner alone" in benchmark_train.train_text(rows)
