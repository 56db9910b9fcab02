"""The run folder: what is written agrees with the environment, whole or not at all, and reads back."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from mm_env.config.io import load_config
from mm_env.envs.play import Watcher, play
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import RunError
from mm_env.evaluation.episode_details import EpisodeDetails
from mm_env.policies.registry import get_policy
from mm_env.runs import Recorder, RunFolder, read_run
from mm_env.runs.tables import fill_columns, headline_columns, step_columns, venue_columns
from mm_env.sim.state import TERMS

STEPS = 80
CONFIG = load_config(
    {
        "symbols": [{"name": "NA", "start_price": 100.0}, {"name": "a.b $", "tick_size": 0.05}],
        "venues": [{"name": "A", "price_basis_ticks": 3}, {"name": "B"}],
        "episode": {"steps": STEPS},
        "news": {"rate_per_hour": 1800.0, "macro_rate_per_hour": 1800.0},
        "risk": {"portfolio_var_limit": 150.0},
        "reward": {"inventory_penalty": 0.0},
    }
)
SUMMARY = {"interrupted": False}
ROW = {"symbol": "NA", "venue": "A", **dict.fromkeys((*TERMS, "profit"), 0.1)}


def record(path, episodes=2, number=3, stop=lambda: False, watchers=()):
    folder, envs = RunFolder(path, CONFIG), MultiVenueVectorEnv(number, CONFIG, record=True)
    recorder = Recorder(folder.append, episodes)
    played = play(envs, get_policy("as"), number, seed=8, watchers=[recorder, *watchers], stop=stop)
    envs.close()
    folder.finish([ROW], SUMMARY)
    return played


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path, infos, quotes = tmp_path_factory.mktemp("run"), [], []

    class Keep(Watcher):
        def reset(self, snapshot):
            self.step(snapshot)

        def step(self, snapshot):
            kept = ("pnl", "mid", "inventory")
            infos.append({name: np.array(value) for name, value in snapshot.infos.items() if name in kept})
            quotes.append(snapshot.envs.batch.states["quote"][1].copy())

    record(path, watchers=[Keep()])
    return read_run(path), infos, quotes, path


def test_the_tables_have_the_stated_columns_with_their_units(run):
    found, _, _, path = run
    assert list(found.steps) == [name for name, *_ in step_columns(["NA", "a.b $"])]
    assert list(found.fills) == [name for name, *_ in fill_columns()]
    assert list(found.headlines) == [name for name, *_ in headline_columns()]
    assert list(found.venues) == [name for name, *_ in venue_columns()]
    assert pq.read_schema(path / "steps.parquet").field("NA.mid").metadata[b"unit"] == b"currency"


def test_steps_are_those_of_the_recorded_episodes(run):
    found, infos, quotes, _ = run
    assert found.steps.groupby("episode").size().to_dict() == {0: STEPS + 1, 1: STEPS + 1}
    second = found.steps[found.steps["episode"] == 1]
    assert second["step"].tolist() == list(range(STEPS + 1)) == second["time"].tolist()
    assert second["pnl"].tolist() == [info["pnl"][1] for info in infos]
    for k, symbol in enumerate(("NA", "a.b $")):
        assert second[f"{symbol}.mid"].tolist() == [info["mid"][1, k] for info in infos]
        assert second[f"{symbol}.inventory"].tolist() == [info["inventory"][1, k] for info in infos]
        tick = CONFIG.symbols[k].tick_size
        assert second[f"{symbol}.bid"].isna().tolist() == [True] + [False] * STEPS
        assert second[f"{symbol}.bid"][1:].tolist() == pytest.approx([q[k, 0] * tick for q in quotes[1:]])
        assert (second[f"{symbol}.bid"][1:] < second[f"{symbol}.ask"][1:]).all()


def test_what_belongs_together_adds_up(run):
    found, *_ = run
    steps = found.steps
    assert steps[[f"attribution.{term}" for term in TERMS]].sum(axis=1).to_numpy() == pytest.approx(steps["pnl"].to_numpy())
    assert (steps["NA.pnl"] + steps["a.b $.pnl"]).to_numpy() == pytest.approx(steps["pnl"].to_numpy(), abs=1e-6)
    for _, episode in steps.groupby("episode"):
        assert episode["reward"].sum() == pytest.approx(episode["pnl"].iloc[-1])
        assert np.isnan(episode["reward"].iloc[0])
        before = episode["value_at_risk"].shift()
        assert (before[episode["hedged"]] > episode["var_limit"][episode["hedged"]]).all()
    assert steps["hedged"].any() and (steps["var_limit"] == 150.0).all()


def test_fills_explain_the_positions_and_the_cash(run):
    found, *_ = run
    for number, fills in found.fills.groupby("episode"):
        steps = found.steps[found.steps["episode"] == number]
        signed = fills["quantity"] * np.where(fills["side"] == "buy", 1, -1)
        for symbol in ("NA", "a.b $"):
            own = fills["symbol"] == symbol
            reached = signed[own].groupby(fills["step"][own]).sum().reindex(range(STEPS + 1), fill_value=0).cumsum()
            assert reached.tolist() == steps[f"{symbol}.inventory"].tolist()
        assert -(signed * 100.0 * fills["price"] + fills["fee"]).sum() == pytest.approx(steps["cash"].iloc[-1], abs=1e-6)
    assert set(found.fills["role"]) == {"maker", "hedge", "liquidation"}
    assert (np.ceil(found.fills["time"]) <= found.fills["step"]).all()


def test_a_fill_says_its_venue_basis_and_its_place_in_the_queue(run):
    fills = run[0].fills
    basis = np.where(fills["venue"] == "A", 3, 0) * np.where(fills["symbol"] == "NA", 0.01, 0.05)
    assert fills["basis"].to_numpy() == pytest.approx(basis)
    stood = fills["queue_ahead"].notna()
    assert stood.any() and not stood.all() and (fills["queue_ahead"][stood] >= 0).all()
    assert not stood[fills["role"] != "maker"].any()


def test_venues_say_where_quotes_went_and_what_the_router_learnt(run):
    found, *_ = run
    venues = found.venues
    places = ["episode", "step", "symbol"]
    assert len(venues) == 4 * len(found.steps) and not venues.duplicated([*places, "venue"]).any()
    later = venues[venues["step"] > 0]
    assert later.groupby(places)["weight"].sum().to_numpy() == pytest.approx(1.0)
    assert venues[venues["step"] == 0][["weight", "score"]].isna().all(axis=None) and later["score"].nunique() > 2
    steps = found.steps.set_index(["episode", "step"])
    for symbol in ("NA", "a.b $"):
        own = venues[venues["symbol"] == symbol].groupby(["episode", "step"])
        for side in ("bid_lots", "ask_lots"):
            assert own[side].sum().tolist() == steps[f"{symbol}.{side}"].tolist()
    quotes = found.fills[found.fills["role"] == "maker"].groupby(["episode", "symbol", "venue"])["quantity"].sum()
    last = venues.groupby(["episode", "symbol", "venue"])[["posted", "filled"]].last()
    assert last["filled"].reindex(quotes.index).tolist() == quotes.tolist() and last["filled"].sum() == quotes.sum()
    assert (last["posted"] >= last["filled"]).all()
    assert venues["fill_rate"].dropna().between(0.0, 1.0).all() and (venues["fill_rate"] > 0.0).any()


def test_headlines_hold_their_text_symbol_and_scores(run):
    headlines = run[0].headlines
    assert set(headlines["symbol"]) == {"NA", "a.b $", ""}
    assert (headlines["step"] - headlines["time"]).between(0, 1).all()
    named = headlines[headlines["symbol"] == "a.b $"]
    assert named["text"].str.contains("a.b $", regex=False).all()
    assert headlines["score"].between(-1, 1).all() and headlines["polarity"].between(-1, 1).all()


def test_the_rest_of_the_folder_reads_back(run):
    found, _, _, path = run
    assert found.config == CONFIG and found.summary == SUMMARY
    assert found.attribution.to_dict("records") == [ROW]
    assert sorted(file.name for file in path.iterdir()) == [
        "attribution.csv", "config.yaml", "fills.parquet", "headlines.parquet", "steps.parquet", "summary.json",
        "venues.parquet",
    ]  # fmt: skip


def test_cuts_are_read_back_where_there_are_any_and_those_of_an_earlier_run_go(run, tmp_path):
    assert run[0].cuts is None
    row = {"cut": "symbol", "symbol": "NA", "venue": "", "regime": "", "period": "", "side": "", "kind": "term",
           "term": "spread_capture", "mean": 0.1, "error": None, "episodes": 1}  # fmt: skip
    RunFolder(tmp_path, CONFIG).finish([ROW], SUMMARY, [row])
    found = read_run(tmp_path).cuts
    assert found.drop(columns="error").to_dict("records") == [{k: v for k, v in row.items() if k != "error"}]
    assert found["error"].isna().all()
    RunFolder(tmp_path, CONFIG).finish([ROW], SUMMARY)
    assert read_run(tmp_path).cuts is None
    found.rename(columns={"mean": "average"}).to_parquet(tmp_path / "attribution_cuts.parquet")
    with pytest.raises(RunError, match=r"attribution_cuts\.parquet has the columns cut, symbol"):
        read_run(tmp_path)


def test_a_row_group_an_episode_bounds_the_memory(run):
    assert pq.ParquetFile(run[3] / "steps.parquet").num_row_groups == 2


def test_a_stopped_run_holds_what_was_done(tmp_path):
    count = iter(range(1000))
    played = record(tmp_path, stop=lambda: next(count) == 30)
    assert played.stopped
    assert read_run(tmp_path).steps.groupby("episode")["step"].max().to_dict() == {0: 30, 1: 30}


def test_more_episodes_than_envs_are_recorded_in_order(tmp_path):
    folder, envs = RunFolder(tmp_path, CONFIG), MultiVenueVectorEnv(2, CONFIG, record=True)
    details = EpisodeDetails()
    play(envs, get_policy("as"), 4, seed=8, watchers=[Recorder(folder.append, 3), details])
    envs.close()
    folder.finish([ROW], SUMMARY)
    last = read_run(tmp_path).steps.groupby("episode")["pnl"].last()
    assert last.index.tolist() == [0, 1, 2]
    assert last.to_numpy() == pytest.approx(details.result().profit[:3])


def test_an_earlier_run_stays_until_the_new_one_is_written(tmp_path):
    record(tmp_path)
    (tmp_path / "episode.png").write_bytes(b"old")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    folder = RunFolder(tmp_path, CONFIG)
    folder.append("headlines", {name: [] for name, *_ in headline_columns()})
    folder.discard()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    folder = RunFolder(tmp_path, CONFIG)
    folder.finish([ROW], {"interrupted": True})
    folder.discard()
    found = read_run(tmp_path)
    assert found.summary == {"interrupted": True} and found.steps.empty
    assert not (tmp_path / "episode.png").exists()  # it showed the earlier run


def test_a_summary_that_is_no_json_leaves_no_run(tmp_path):
    folder = RunFolder(tmp_path, CONFIG)
    with pytest.raises(ValueError, match="JSON"):
        folder.finish([ROW], {"profit": float("nan")})
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(RunError, match="no run folder"):
        read_run(tmp_path)


def test_a_name_that_is_too_long_is_refused(tmp_path):
    with pytest.raises(RunError, match="cannot write there: File name too long"):
        RunFolder(tmp_path / ("x" * 300), CONFIG)


def test_a_place_that_is_no_folder_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for path in (file, file / "below"):
        with pytest.raises(RunError, match=f"{path}: "):
            RunFolder(path, CONFIG)
    assert file.read_text() == "mine"


@pytest.mark.parametrize("name", ["steps.parquet", "attribution.csv", "summary.json"])
def test_a_damaged_run_is_told_by_its_folder(tmp_path, name):
    record(tmp_path)
    (tmp_path / name).write_bytes(b"\x00damaged")
    with pytest.raises(RunError, match=f"{tmp_path}: cannot read the run"):
        read_run(tmp_path)


def test_a_run_whose_statistics_have_other_names_is_refused(tmp_path):
    folder = RunFolder(tmp_path, CONFIG)
    folder.finish([ROW], {"version": "0.1.0", "portfolio": {"max_drawdown": {"value": 1.0}}})
    with pytest.raises(RunError, match=r"a run of version 0\.1\.0, whose statistics had other names; expected"):
        read_run(tmp_path)


def test_a_missing_table_is_told(tmp_path):
    record(tmp_path)
    (tmp_path / "fills.parquet").unlink()
    with pytest.raises(RunError, match=r"fills\.parquet"):
        read_run(tmp_path)


def test_numbers_are_written_with_all_their_digits(tmp_path):
    folder = RunFolder(tmp_path, CONFIG)
    folder.finish([{**ROW, "profit": 0.1 + 0.2}], {"third": 1 / 3})
    assert read_run(tmp_path).attribution["profit"].tolist() == [0.1 + 0.2]
    assert json.loads((tmp_path / "summary.json").read_text())["third"] == 1 / 3
    assert isinstance(read_run(tmp_path).steps, pd.DataFrame)
