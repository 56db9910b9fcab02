"""Cuts of the attribution: they agree with the ledger, with the recorded tables, and with each other."""

import io
import re
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mm_env.config.io import load_config, override
from mm_env.envs.play import play
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.evaluation.attribution_cuts import (
    CUT_COLUMNS,
    DEFAULT_CUTS,
    DIMENSIONS,
    AttributionCuts,
    cut_name,
    default_minutes,
    parse_cut,
)
from mm_env.evaluation.episode_details import EpisodeDetails
from mm_env.policies.registry import get_policy
from mm_env.runs import Recorder
from mm_env.runs.folder import cuts_bytes
from mm_env.runs.tables import cut_columns
from mm_env.sim.ledger import REVALUATION
from mm_env.sim.state import TERMS
from tests.unit.market.test_replay import ASKS, QUIET, replay_of, write

STEPS, EPISODES = 90, 5
CONFIG = override(
    load_config("two_symbols"),
    {
        "episode.steps": STEPS,
        "regimes": [
            {"name": "calm", "mean_duration_seconds": 20.0},
            {"name": "stress", "mean_duration_seconds": 15.0, "volatility_multiplier": 2.5},
        ],
        "risk.portfolio_var_limit": 60.0,
        "venues.0.price_basis_ticks": 3,
    },
)
TRADE, HELD = TERMS[:REVALUATION], TERMS[REVALUATION:]
MINUTES = 0.5
FINEST = tuple(DIMENSIONS)


def played_by(envs, episodes=EPISODES, config=CONFIG, cuts=(*DEFAULT_CUTS, FINEST), minutes=MINUTES, stop=lambda: False):
    market = MultiVenueVectorEnv(envs, config, record=True)
    tables = {}
    recorder = Recorder(lambda name, rows: tables.setdefault(name, []).append(pd.DataFrame(rows)), episodes)
    watcher = AttributionCuts(cuts, minutes)
    details = EpisodeDetails()
    outcome = play(market, get_policy("as"), episodes, seed=4, watchers=[watcher, recorder, details], stop=stop)
    market.close()
    rows = pd.DataFrame(watcher.rows(), columns=list(CUT_COLUMNS))
    played = SimpleNamespace(episodes=details.result(), stopped=outcome.stopped, complete=outcome.episodes > 0)
    return played, rows, {name: pd.concat(parts) for name, parts in tables.items()}


@pytest.fixture(scope="module")
def whole():
    return played_by(EPISODES)


def values(rows, cut, **key):
    """Term -> mean of the one key of a cut."""
    found = rows[(rows["cut"] == cut) & np.logical_and.reduce([rows[name] == value for name, value in key.items()])]
    assert not found["term"].duplicated().any()
    return dict(zip(found["term"], found["mean"], strict=True))


def test_every_cut_sums_to_the_profit_and_to_each_term(whole):
    played, rows, _ = whole
    mean = played.episodes.breakdown.mean(axis=0)
    for cut in (*DEFAULT_CUTS, FINEST):
        of = rows[(rows["cut"] == cut_name(cut)) & (rows["kind"] == "term")]
        assert of["mean"].sum() == pytest.approx(played.episodes.profit.mean(), abs=1e-9)
        by_term = of.groupby("term")["mean"].sum()
        assert by_term.to_dict() == pytest.approx(dict(zip(TERMS, mean.sum(axis=(0, 1)), strict=True)), abs=1e-9)
        profit = rows[(rows["cut"] == cut_name(cut)) & (rows["kind"] == "profit")]["mean"].sum()
        assert profit == pytest.approx(played.episodes.profit.mean(), abs=1e-9)


def test_symbol_and_venue_are_those_of_the_ledger_and_errors_those_of_episodes(whole):
    played, rows, _ = whole
    breakdown = played.episodes.breakdown
    for i, symbol in enumerate(("XYZ", "ABC")):
        for v, venue in enumerate(("ALPHA", "BETA", "GAMMA")):
            of = rows[(rows["cut"] == "symbol,venue") & (rows["symbol"] == symbol) & (rows["venue"] == venue)]
            of = of[of["kind"] == "term"].set_index("term")
            assert of["mean"].to_dict() == pytest.approx(dict(zip(TERMS, breakdown[:, i, v].mean(axis=0), strict=True)))
            error = breakdown[:, i, v].std(axis=0, ddof=1) / np.sqrt(EPISODES)
            assert of["error"].to_dict() == pytest.approx(dict(zip(TERMS, error, strict=True)))
    profit = rows[(rows["cut"] == "all") & (rows["term"] == "profit")].iloc[0]
    assert profit["error"] == pytest.approx(played.episodes.profit.std(ddof=1) / np.sqrt(EPISODES))
    assert (rows["episodes"] == EPISODES).all()


def test_regimes_and_periods_are_those_of_the_recorded_steps(whole):
    _, rows, tables = whole
    steps = tables["steps"].sort_values(["episode", "step"])
    parts = steps.groupby("episode")[[f"attribution.{term}" for term in TERMS]].diff()
    parts.columns = list(TERMS)
    assert steps["regime"].nunique() == 2
    for cut, key in (("regime", steps["regime"]), ("period", (steps["step"] - 1) // 30)):
        wanted = parts[steps["step"] > 0].groupby(key[steps["step"] > 0]).sum() / EPISODES
        assert len(wanted) >= 2
        for name, row in wanted.iterrows():
            label = name if cut == "regime" else f"{name * MINUTES:g}-{(name + 1) * MINUTES:g} min"
            found = values(rows, cut, **{cut: label})
            assert {term: found[term] for term in TERMS} == pytest.approx(row.to_dict(), abs=1e-7)


def test_sides_of_fills_are_those_of_the_recorded_fills(whole):
    _, rows, tables = whole
    fills = tables["fills"].merge(pd.DataFrame({"symbol": ["XYZ", "ABC"], "lot": [100.0, 100.0]}), on="symbol")
    assert {"maker", "hedge", "liquidation"} <= set(fills["role"])
    sign = np.where(fills["side"] == "buy", 1.0, -1.0)
    fills["edge"] = sign * (fills["mid"] - fills["price"]) * fills["quantity"] * fills["lot"]
    for side in ("buy", "sell"):
        for symbol in ("XYZ", "ABC"):
            of = fills[(fills["side"] == side) & (fills["symbol"] == symbol)]
            maker, fee = of["role"] == "maker", of["fee"]
            wanted = {
                "spread_capture": of["edge"][maker].sum(),
                "maker_rebates": -fee[maker & (fee < 0)].sum(),
                "maker_fees": -fee[maker & (fee >= 0)].sum(),
                "taker_fees": -fee[~maker].sum(),
                "hedge_cost": of["edge"][of["role"] == "hedge"].sum(),
                "liquidation_cost": of["edge"][of["role"] == "liquidation"].sum(),
                "fills": maker.sum(),
                "filled_lots": of["quantity"][maker].sum(),
                "hedge_fees": -fee[of["role"] == "hedge"].sum(),
            }
            found = values(rows, "symbol,side", symbol=symbol, side=side)
            assert not set(found) & set(HELD)
            assert {name: found[name] * EPISODES for name in wanted} == pytest.approx(wanted, abs=1e-6)
    assert "unlogged" not in set(rows["side"])


def test_sides_of_revaluation_are_those_of_the_inventory_before_the_step(whole):
    _, rows, tables = whole
    steps = tables["steps"].sort_values(["episode", "step"])
    fills = tables["fills"]
    # per symbol the profit of a step less what its fills made of it at once is its revaluation
    sign = np.where(fills["side"] == "buy", 1.0, -1.0)
    fills = fills.assign(made=sign * (fills["mid"] - fills["price"]) * fills["quantity"] * 100.0 - fills["fee"])
    for symbol in ("XYZ", "ABC"):
        made = fills[fills["symbol"] == symbol].groupby(["episode", "step"])["made"].sum()
        at = pd.MultiIndex.from_frame(steps[["episode", "step"]])
        held = steps.groupby("episode")[f"{symbol}.pnl"].diff().to_numpy() - made.reindex(at, fill_value=0.0).to_numpy()
        before = np.sign(steps.groupby("episode")[f"{symbol}.inventory"].shift())
        for side, number in (("long", 1.0), ("short", -1.0), ("flat", 0.0)):
            found = values(rows, "symbol,side", symbol=symbol, side=side)
            assert not set(found) & set(TRADE)
            assert found["profit"] * EPISODES == pytest.approx(held[before == number].sum(), abs=1e-6)


def test_mark_outs_are_those_of_the_episodes(whole):
    played, rows, _ = whole
    marks = played.episodes.marks
    for v, venue in enumerate(("ALPHA", "BETA", "GAMMA")):
        found = values(rows, "venue", venue=venue)
        for k, horizon in enumerate((1, 10, 60), start=1):
            assert found[f"marked_fills_{horizon}s"] == pytest.approx(marks.count[:, v, k].mean())
            assert found[f"markout_{horizon}s"] == pytest.approx(marks.value[:, v, k].mean())
    found = values(rows, "all")
    # fills whose horizon is inside the episode captured what they were marked at and what was lost until then
    assert found["marked_fills_1s"] < found["fills"] and found["marked_fills_60s"] < 0.5 * found["fills"]
    captured = found["markout_1s"] + found["adverse_selection_1s"]
    assert captured == pytest.approx(found["spread_capture"], rel=0.1) and captured < found["spread_capture"]


def test_rounds_of_fewer_envs_add_up_to_all_episodes():
    played, rows, _ = played_by(2)
    breakdown = played.episodes.breakdown
    assert len(breakdown) == EPISODES
    for i, symbol in enumerate(("XYZ", "ABC")):
        of = rows[(rows["cut"] == "symbol") & (rows["symbol"] == symbol) & (rows["kind"] == "term")].set_index("term")
        made = breakdown[:, i].sum(axis=1)
        assert of["mean"].to_dict() == pytest.approx(dict(zip(TERMS, made.mean(axis=0), strict=True)))
        error = made.std(axis=0, ddof=1) / np.sqrt(EPISODES)
        assert of["error"].to_dict() == pytest.approx(dict(zip(TERMS, error, strict=True)))
    for cut in (*DEFAULT_CUTS, FINEST):
        of = rows[(rows["cut"] == cut_name(cut)) & (rows["kind"] == "term")]
        assert of["mean"].sum() == pytest.approx(played.episodes.profit.mean(), abs=1e-9)


def test_of_a_stopped_run_the_finished_rounds_count_or_the_episodes_under_way():
    for asked, finished in ((STEPS + 20, True), (20, False)):
        count = iter(range(10_000))
        played, rows, _ = played_by(2, stop=lambda count=count, asked=asked: next(count) == asked)
        assert played.stopped and played.complete is finished
        assert (rows["episodes"] == 2).all()
        assert values(rows, "all")["profit"] == pytest.approx(played.episodes.profit.mean())
    played, rows, _ = played_by(2, stop=lambda: True)
    assert played.episodes is None and rows.empty


def test_fills_past_the_log_are_unlogged_and_the_cut_still_sums(monkeypatch, caplog):
    monkeypatch.setattr("mm_env.sim.batch.LOG_ROWS", 1)
    played, rows, _ = played_by(EPISODES, cuts=[("side",)])
    assert "more than 1 fills" in caplog.text
    assert values(rows, "side", side="unlogged")["spread_capture"] > 0.0
    of = rows[rows["kind"] == "term"]
    assert of["mean"].sum() == pytest.approx(played.episodes.profit.mean(), abs=1e-9)


def test_periods_of_a_replayed_record_are_its_date_and_time(tmp_path):
    start = 1_340_285_340.0  # 2012-06-21 13:29 UTC
    kinds = [("trade", -1, 99.9), ("limit", 1, 99.98), ("trade", 1, 100.1), ("limit", 1, 99.98)]
    events = [(start + k, *kinds[k % 4], 5000.0, QUIET, ASKS) for k in range(200)]
    config = replay_of(write(tmp_path / "a.parquet", events), **{"episode.steps": 150})
    played, rows, tables = played_by(2, episodes=2, config=config, cuts=[("period",)], minutes=1.0)
    # the first decision is 2 s into the record: after the burn-in, and a step
    fills = tables["fills"]
    maker = fills[fills["role"] == "maker"]
    minute = np.ceil(maker["time"] - 1.0 + 2.0).astype(int) // 60
    assert sorted(set(minute)) == [0, 1, 2]
    for k, count in minute.value_counts().items():
        found = values(rows, "period", period=f"2012-06-21 13:{29 + k}-13:{30 + k} UTC")
        assert found["fills"] * 2 == count
    assert rows[rows["kind"] == "term"]["mean"].sum() == pytest.approx(played.episodes.profit.mean())


@pytest.mark.parametrize(("steps", "minutes"), [(1000, 5.0), (60, 1.0), (23_400, 60.0), (7200, 15.0), (86_400 * 2, 360.0)])
def test_an_episode_has_at_most_eight_periods_unless_asked(steps, minutes):
    assert default_minutes(override(load_config(None), {"episode.steps": steps})) == minutes


def test_cuts_are_spelt_in_any_order_and_wrong_ones_are_refused():
    assert parse_cut("side, regime") == ("regime", "side") and parse_cut("all") == () and cut_name(()) == "all"
    for text, wrong in (("regime,hour", "'hour'"), ("side,side", "'side'"), ("all,side", "'all'")):
        with pytest.raises(ValueError, match=re.escape(wrong) + ".*expected all, or.*symbol, venue"):
            parse_cut(text)
    with pytest.raises(ValueError, match=r"minutes 0\.0; expected a number above 0"):
        AttributionCuts(minutes=0.0)


def test_the_file_reads_back_with_its_columns(whole):
    _, rows, _ = whole
    assert [name for name, *_ in cut_columns()] == list(CUT_COLUMNS)
    read = pd.read_parquet(io.BytesIO(cuts_bytes(rows.to_dict("records"))))
    pd.testing.assert_frame_equal(read, rows, check_dtype=False)


def test_periods_of_a_record_that_are_shorter_than_a_minute_have_names_of_their_own():
    cuts = AttributionCuts([("period",)], 0.25)
    cuts._clock = datetime(1970, 1, 1, tzinfo=UTC)
    assert [cuts._period(k) for k in (0, 1)] == ["1970-01-01 00:00:00-00:00:15 UTC", "1970-01-01 00:00:15-00:00:30 UTC"]
    cuts.minutes = 60.0
    assert cuts._period(1) == "1970-01-01 01:00-02:00 UTC"


def test_one_env_by_itself_has_every_term_where_it_was_made():
    envs = MultiVenueVectorEnv(1, override(load_config(None), {"episode.steps": 60}), num_threads=1, record=True)
    watcher, details = AttributionCuts([("symbol", "venue", "side", "period")], minutes=0.2), EpisodeDetails()
    play(envs, get_policy("as"), 2, 3, watchers=[watcher, details])
    envs.close()
    episodes = details.result()
    assert episodes is not None
    rows = pd.DataFrame(watcher.rows())
    rows = rows[rows["kind"] == "term"].groupby(["symbol", "venue", "term"])["mean"].sum()
    mean = episodes.breakdown.mean(axis=0)
    for k, symbol in enumerate(envs.symbols):
        for j, venue in enumerate(envs.venues):
            found = rows[symbol, venue].reindex(list(TERMS), fill_value=0.0)
            assert found.to_numpy() == pytest.approx(mean[k, j], abs=1e-6)
