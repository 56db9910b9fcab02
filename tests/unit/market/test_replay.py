"""A recorded day drives the books: they are the record's, and own orders are filled as the stated assumptions say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from mm_env.config import MarketConfig
from mm_env.config.io import dump_config, load_config, override
from mm_env.data.events import About, Events, EventWriter, join_events
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import ConfigError
from mm_env.market.build import build_market
from mm_env.market.replay import load_replay
from mm_env.runs.book_events import book_about, simulate_events
from mm_env.sim.batch import Batch
from mm_env.sim.state import DEEPEST, WINDOW
from mm_env.sim.step import MARKET

BID, ASK = 0, 1
Level = tuple[float, float]
QUIET: list[Level] = [(99.99, 300.0), (99.98, 500.0)]
ASKS: list[Level] = [(100.01, 300.0), (100.02, 500.0)]


def write(
    path: Path, rows: list[tuple[float, str, int, float, float, list[Level], list[Level]]], source: str = "lobster"
) -> Path:
    """Events of (seconds, kind, side, price, size, bids, asks), two levels each."""

    def column(which: int, part: int) -> np.ndarray:
        return np.array([[level[part] for level in row[which]] for row in rows])

    events = Events(
        time=np.array([round(row[0] * 1e9) for row in rows], np.int64),
        kind=np.array([row[1] for row in rows], dtype=object),
        side=np.array([row[2] for row in rows], np.int8),
        price=np.array([row[3] for row in rows]),
        size=np.array([row[4] for row in rows]),
        order=np.zeros(len(rows), np.int64),
        bid_prices=column(5, 0),
        bid_sizes=column(5, 1),
        ask_prices=column(6, 0),
        ask_sizes=column(6, 1),
    )
    with EventWriter(path, About(source, "XYZ", "A", 2, 0.01)) as writer:
        writer.write(events)
    return path


def replay_of(path: Path, **changes: Any) -> MarketConfig:
    market = {
        "symbols": [{"name": "XYZ", "lot_size": 100.0}],
        "venues": [{"name": "A", "maker_fee_bps": 0.0, "latency_ms": 0.0, "data_latency_ms": 0.0}],
        "news": {"source": "none"},
        "replay": {"files": {"XYZ": {"A": str(path)}}, "start_seconds": 0.0},
        "episode": {"steps": 5, "burn_in_seconds": 1.0},
    }
    return override(load_config(market), changes)


def begun(config: MarketConfig, **own: Any) -> Batch:
    """The market at its first step, with an own order put in its books."""
    market = build_market(config)
    batch = Batch(market.params, 1, market.capacity, market.headlines, threads=1, log=True)
    batch.replay = market.replay.inputs
    batch.seed([np.random.SeedSequence(1)])
    batch.reset()
    place(batch, **own)
    return batch


def place(batch: Batch, side: int = BID, price: int = 0, lots: int = 0, ahead: int = 0) -> None:
    s = batch.states[0]
    s["own_price"][0, 0, side], s["own_quantity"][0, 0, side], s["own_ahead"][0, 0, side] = price, lots, ahead


def market_step(batch: Batch) -> np.void:
    batch.run(np.zeros((1, 3), np.float32), 0, np.full(1, MARKET, np.uint8))
    return batch.states[0]


def quiet(path: Path, *events: tuple[float, str, int, float, float, list[Level], list[Level]]) -> Path:
    """A record that is quiet but for some events: a book at 0 s and another at 20 s."""
    return write(path, [(0.0, "limit", 1, 99.98, 1.0, QUIET, ASKS), *events, (20.0, "limit", 1, 99.98, 1.0, QUIET, ASKS)])


def test_a_trade_at_the_own_price_takes_those_ahead_first(tmp_path):
    # sells of 2 lots each into the bid at 9999, where 3 lots stand and the own 4 came after the first of them
    trades = [
        (2.1 + 0.1 * k, "trade", -1, 99.99, 200.0, [(99.99, left), QUIET[1]], ASKS) for k, left in enumerate((200.0, 100.0))
    ]
    batch = begun(replay_of(quiet(tmp_path / "a.parquet", *trades)), side=BID, price=9999, lots=4, ahead=1)
    s = market_step(batch)
    assert s["own_quantity"][0, 0, BID] == 4 - 1 - 2
    assert s["own_ahead"][0, 0, BID] == 0
    assert s["position"][0, 0] == 3
    fills = batch.logged_fills(0)
    assert fills["quantity"].tolist() == [1, 2]
    assert fills["price"].tolist() == [9999, 9999]
    assert fills["mid"].tolist() == [10000.0, 10000.0]
    assert s["taker_volume"] == s["maker_volume"] + s["own_maker_volume"]
    assert s["takers"].tolist()[:2] == [0, 2]


def test_a_better_own_order_is_first_and_a_worse_one_is_not_reached(tmp_path):
    trade = (2.1, "trade", -1, 99.99, 300.0, [(99.99, 0.0), QUIET[1]], ASKS)
    path = quiet(tmp_path / "a.parquet", trade)
    s = market_step(begun(replay_of(path), side=BID, price=10000, lots=2))
    assert s["position"][0, 0] == 2
    s = market_step(begun(replay_of(path), side=BID, price=9998, lots=2, ahead=5))
    assert s["position"][0, 0] == 0
    assert s["own_ahead"][0, 0, BID] == 5
    hidden = quiet(tmp_path / "h.parquet", (2.1, "hidden", 1, 100.005, 100.0, QUIET, ASKS))
    s = market_step(begun(replay_of(hidden), side=ASK, price=10000, lots=2))
    assert s["position"][0, 0] == -1


def test_a_level_that_shrinks_without_a_trade_moves_the_queue_up(tmp_path):
    shrinks = (2.1, "reduce", 1, 99.99, 200.0, [(99.99, 100.0), QUIET[1]], ASKS)
    path = quiet(tmp_path / "a.parquet", shrinks)
    for ahead, left in ((3, {1}), (0, {0}), (2, {0, 1})):
        s = market_step(begun(replay_of(path), side=BID, price=9999, lots=4, ahead=ahead))
        assert int(s["own_ahead"][0, 0, BID]) in left
        assert s["position"][0, 0] == 0
    assert s["depth"][0, 0, BID, 9999 % WINDOW] == 1


def test_cancels_come_from_before_the_own_order_as_often_as_lots_stand_there(tmp_path):
    # one lot of three leaves at each of many events, then the level is as before: 1 of 3 lots stands ahead each time
    rows = []
    for k in range(200):
        rows.append((2.0 + 0.09 * k, "reduce", 1, 99.99, 100.0, [(99.99, 200.0), QUIET[1]], ASKS))
        rows.append((2.04 + 0.09 * k, "limit", 1, 99.99, 100.0, QUIET, ASKS))
    batch = begun(replay_of(quiet(tmp_path / "a.parquet", *rows), **{"episode.steps": 18}))
    ahead = 0
    for _ in range(17):
        place(batch, BID, 9999, 4, 1)
        s = market_step(batch)
        ahead += int(s["own_ahead"][0, 0, BID])
    # ten cancels a second: it is still one ahead after all of them with probability (2/3)^11
    assert ahead <= 2


def test_the_other_side_meets_an_own_order_that_it_reaches(tmp_path):
    falls = (2.1, "limit", -1, 99.98, 100.0, [(99.97, 300.0), (99.96, 100.0)], [(99.98, 100.0), (99.99, 200.0)])
    batch = begun(replay_of(quiet(tmp_path / "a.parquet", falls)), side=BID, price=9999, lots=2)
    s = market_step(batch)
    assert s["position"][0, 0] == 2
    assert batch.logged_fills(0)["price"].tolist() == [9999, 9999]
    assert s["depth"][0, 0, ASK, 9998 % WINDOW] == 0
    assert s["depth"][0, 0, ASK, 9999 % WINDOW] == 1


def test_an_order_past_the_record_has_all_before_it_when_its_level_is_shown(tmp_path):
    falls = (3.1, "delete", 1, 99.99, 300.0, [(99.98, 500.0), (99.97, 700.0)], ASKS)
    config = replay_of(
        quiet(tmp_path / "a.parquet", falls), **{"policy.absolute_max_ticks": 6.0, "policy.adaptive_tick": False}
    )
    env = MultiVenueVectorEnv(1, config, "absolute", num_threads=1)
    env.reset(seed=0)
    env.step(np.zeros((1, 3), np.float32))  # three ticks from the mid, at 9997, below what is shown
    s = env.batch.states[0]
    assert s["own_price"][0, 0, BID] == 9997
    assert s["own_ahead"][0, 0, BID] == DEEPEST
    env.step(np.zeros((1, 3), np.float32))
    assert env.batch.states[0]["own_ahead"][0, 0, BID] == 7
    env.close()


@pytest.mark.parametrize("source", ["binance", "tables"])
def test_a_trade_beside_its_book_takes_its_lots_until_the_book_comes(tmp_path, source):
    rows = [
        (0.0, "depth", 0, np.nan, np.nan, QUIET, ASKS),
        (2.1, "trade", -1, 99.99, 200.0, QUIET, ASKS),  # told with the last book, the new one comes later
        (20.0, "depth", 0, np.nan, np.nan, QUIET, ASKS),
    ]
    s = market_step(begun(replay_of(write(tmp_path / "a.parquet", rows, source))))
    assert s["depth"][0, 0, BID, 9999 % WINDOW] == 1


def test_impact_moves_the_recorded_prices_when_configured(tmp_path):
    path = quiet(tmp_path / "a.parquet", *[(2.0 + k, "limit", 1, 99.98, 1.0, QUIET, ASKS) for k in range(16)])
    buying = {"flow.impact_kappa": 2.0, "policy.hedge_action_lots": 3, "risk.hedge_limit_ticks": 5, "episode.steps": 10}
    mids = []
    for impact in (False, True):
        env = MultiVenueVectorEnv(1, replay_of(path, **buying, **{"replay.impact": impact}), "absolute", num_threads=1)
        env.reset(seed=0)
        env.step(np.array([[1.0, 1.0, 1.0]], np.float32))
        env.step(np.array([[1.0, 1.0, 0.0]], np.float32))
        s = env.batch.states[0]
        assert s["position"][0, 0] == 3
        mids.append(0.5 * int(s["mid2"][0]))
        # 2 bps a lot are 6 ticks at a price of 100 dollars, less what decayed in a second or two
        assert s["price_moves"][0, 2] == pytest.approx(5.8 if impact else 0.0, abs=0.2)
        env.close()
    assert mids == [10000.0, 10006.0]


def test_books_of_a_recorded_market_are_imposed_at_every_step(tmp_path):
    simulated = override(load_config("one_symbol"), {"episode.burn_in_seconds": 2.0})
    path = tmp_path / "xyz.parquet"
    parts = list(simulate_events(simulated, 60.0, levels=4, seed=3))
    with EventWriter(path, book_about(simulated, 0, 0, 4)) as writer:
        for part in parts:
            writer.write(part)
    events = join_events(parts)
    config = replay_of(path, **{"episode.steps": 40, "replay.start_seconds": None})
    env = MultiVenueVectorEnv(3, config, num_threads=1, record=True)
    env.reset(seed=5)
    starts = env.batch.states["replay_start"].copy()
    record = load_replay(config)
    assert len(set(starts)) == 3
    assert ((starts >= record.earliest) & (starts <= record.latest)).all()
    filled = 0
    for _ in range(40):
        env.step(np.zeros((3, 3), np.float32))
        for i, s in enumerate(env.batch.states):
            filled += len(env.fills(i))
            now = int(events.time[0]) + round((starts[i] + s["time"]) * 1e9)
            k = int(np.searchsorted(events.time, now, side="right")) - 1
            if s["time"] >= 40.0 or (s["own_quantity"].any() and s["position"].any()):
                continue  # the agent's own taking stands until the next event
            for side, prices, sizes in (
                (BID, events.bid_prices, events.bid_sizes),
                (ASK, events.ask_prices, events.ask_sizes),
            ):
                low = int(s["window_low"][0])
                for price, size in zip(np.rint(prices[k] * 100).astype(int), sizes[k], strict=True):
                    if low <= price < low + WINDOW:
                        assert s["depth"][0, 0, side, price % WINDOW] == size / 100.0
    assert filled > 20
    env.close()


def test_same_seed_same_part_whatever_the_agent_does(tmp_path):
    path = quiet(tmp_path / "a.parquet", *[(1.0 + k / 4, "limit", 1, 99.98, 1.0, QUIET, ASKS) for k in range(70)])
    config = replay_of(path, **{"replay.start_seconds": None})
    starts, states = [], []
    for action in (-0.5, 0.5):
        env = gym.make("mm_env/MultiVenue-v0", config=config)
        env.reset(seed=9)
        for _ in range(3):
            env.step(np.full(3, action, np.float32))
        starts.append(float(env.unwrapped.vector.batch.states["replay_start"][0]))
        saved = env.unwrapped.save_state()
        env.step(np.zeros(3, np.float32))
        states.append(env.unwrapped.vector.batch.states["depth"].copy())
        env.unwrapped.load_state(saved)
        env.step(np.zeros(3, np.float32))
        np.testing.assert_array_equal(env.unwrapped.vector.batch.states["depth"], states[-1])
        env.close()
    assert starts[0] == starts[1]


def test_coarse_ticks_add_levels_up_and_keep_the_sides_apart(tmp_path):
    rows = [
        (float(k), "limit", 1, 99.98, 1.0, [(99.99, 300.0), (99.96, 500.0)], [(100.01, 40.0), (100.04, 500.0)])
        for k in range(21)
    ]
    config = replay_of(write(tmp_path / "a.parquet", rows))
    coarse = override(config, {"symbols.XYZ.tick_size": 0.05})
    s = market_step(begun(coarse))
    assert s["depth"][0, 0, BID, 1999 % WINDOW] == 8
    assert s["depth"][0, 0, ASK, 2001 % WINDOW] == 6  # 40 shares are a lot
    shifted = override(config, {"venues.A.price_basis_ticks": -5})
    s = market_step(begun(shifted))
    assert s["best"][0, 0].tolist() == [9999 + 5, 10001 + 5]


def test_dumped_configurations_find_the_record_from_anywhere(tmp_path, monkeypatch):
    quiet(tmp_path / "a.parquet")
    (tmp_path / "replay.yaml").write_text(
        "symbols: [{name: XYZ}]\nvenues: [{name: A}]\nnews: {source: none}\nreplay: {files: {XYZ: {A: a.parquet}}}\n"
        "episode: {steps: 5, burn_in_seconds: 1.0}\n"
    )
    monkeypatch.chdir(Path(tmp_path.root))
    config = load_config(tmp_path / "replay.yaml")
    assert Path(config.replay.files["XYZ"]["A"]) == (tmp_path / "a.parquet").resolve()
    dump_config(config, tmp_path / "all.yaml")
    assert load_config(tmp_path / "all.yaml") == config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"news.source": "poisson"}, "news.source.*'none' with replay"),
        ({"replay.files": {"XYZ": {}}}, "missing: A"),
        ({"replay.files": {"XYZ": {"A": "x", "B": "y"}}}, "replay.files.XYZ.B.*only A"),
        ({"replay.files": {"ABC": {"A": "x"}}}, "missing: XYZ"),
    ],
)
def test_what_does_not_go_with_a_record_is_told(tmp_path, changes, message):
    raw = replay_of(quiet(tmp_path / "a.parquet")).model_dump()
    for key, value in changes.items():
        section, name = key.split(".")
        raw[section][name] = value
    with pytest.raises(ConfigError, match=message):
        load_config(raw)


def test_files_that_cannot_be_replayed_are_told(tmp_path):
    short = replay_of(quiet(tmp_path / "a.parquet"), **{"episode.steps": 30})
    with pytest.raises(ConfigError, match="20 s; expected 32 s or more"):
        build_market(short)
    with pytest.raises(ConfigError, match=r"replay.files.XYZ.A: .*there is no such file"):
        build_market(replay_of(tmp_path / "none.parquet"))
    text = tmp_path / "text.parquet"
    text.write_text("no")
    with pytest.raises(ConfigError, match="not a Parquet file"):
        build_market(replay_of(text))


def test_a_replayed_market_is_not_recorded_again(tmp_path):
    with pytest.raises(ConfigError, match="a simulated market"):
        next(simulate_events(replay_of(quiet(tmp_path / "a.parquet")), 3.0))


def test_an_agent_is_compared_on_a_record(tmp_path):
    from typer.testing import CliRunner

    from mm_env.cli.app import single

    path = quiet(tmp_path / "a.parquet", *[(1.0 + k / 4, "trade", -1, 99.99, 100.0, QUIET, ASKS) for k in range(70)])
    dump_config(replay_of(path, **{"replay.start_seconds": None}), tmp_path / "replay.yaml")
    arguments = [
        "--agents",
        "as,fixed",
        "--config",
        str(tmp_path / "replay.yaml"),
        "--episodes",
        "8",
        "--out",
        str(tmp_path / "out"),
    ]
    said = CliRunner().invoke(single("compare"), arguments)
    assert said.exit_code == 0, said.output
