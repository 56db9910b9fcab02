import re

import gymnasium as gym
import numpy as np
import pytest
from matplotlib.figure import Figure

import mm_env  # noqa: F401, registers the id
from mm_env.envs import picture
from mm_env.envs.rendering import LENGTH, Ladder, decimals, sparkline

ID = "mm_env/MultiVenue-v0"


def played(render_mode: str, steps: int = 40, config=None, **arguments) -> gym.Env:
    env = gym.make(ID, config=config, render_mode=render_mode, **arguments).unwrapped
    env.reset(seed=5)
    for _ in range(steps):
        env.step(env.default_action())
    return env


def ladder_of(env: gym.Env, k: int) -> Ladder:
    return Ladder.of(env.batch, env.vector.market, 0, k)


def test_a_ladder_holds_every_lot_of_the_books():
    env = played("ansi")
    state = env.batch.states[0]
    for k in range(2):
        ladder = ladder_of(env, k)
        for v in range(3):
            for side in range(2):
                lots, own = ladder.lots[v, side], ladder.own[v, side]
                assert lots.sum() == state["resting"][k, v, side]
                if lots.any():
                    best = ladder.price[np.flatnonzero(lots)[-1 if side == 0 else 0]]
                    assert best == state["best"][k, v, side]
                assert own.sum() == state["own_quantity"][k, v, side]
                if own.any():
                    assert ladder.price[np.argmax(own)] == state["own_price"][k, v, side]
        assert ladder.mid == pytest.approx(env.batch.results["mid"][0, k])


def test_a_ladder_holds_own_orders_outside_the_window():
    env = played("ansi", steps=1)
    state = env.batch.states[0]
    state["own_price"][0, 0, 0], state["own_quantity"][0, 0, 0] = state["window_low"][0] - 7, 4
    ladder = ladder_of(env, 0)
    assert ladder.own[0, 0, ladder.price == state["window_low"][0] - 7].tolist() == [4]
    assert ladder.lots.sum() == state["resting"][0, :3].sum()
    near = ladder.near(2)
    assert state["window_low"][0] - 7 in near.price


def test_the_text_shows_figures_books_and_own_quotes():
    env = played("ansi")
    text = env.render()
    result, state = env.batch.results[0], env.batch.states[0]
    assert "step 40 of 1000" in text
    assert f"regime {env.config.regimes[result['regime']].name}" in text
    assert f"profit {result['pnl']:,.2f}" in text
    assert f"VaR {result['value_at_risk']:,.2f} of {env.config.risk.portfolio_var_limit:,.2f}" in text
    for k, symbol in enumerate(env.symbols):
        assert f"{symbol}  mid {result['mid'][k]:.3f}  inventory {result['inventory'][k]:+d} of ±" in text
        assert f"alpha {state['alpha'][k]:+.2f} bps" in text
    assert all(text.count(venue) == 2 for venue in env.venues), "once a symbol"
    assert state["own_quantity"][:2, :3].any()
    for k, v, side in np.argwhere(state["own_quantity"] > 0).tolist():
        price = state["own_price"][k, v, side] * env.config.symbols[k].tick_size
        cell = f"*{state['own_quantity'][k, v, side]}"
        block = text.split(env.symbols[k] + "  mid")[1]
        line = next(line for line in block.splitlines() if line.startswith(f"{price:>11.2f} "))
        assert _cells(block, line)[v][side].endswith(cell)


def _cells(block: str, line: str) -> list[tuple[str, str]]:
    """(bid, ask) text of each venue of a line, by the columns of the bars in the line of headings."""
    heading = next(row for row in block.splitlines() if row.lstrip().startswith("price"))
    bars = [place for place, letter in enumerate(heading) if letter == "|"]
    half = bars[0] - 12  # the prices take the first 12 columns
    padded = line.ljust(len(heading) + half)
    return [(padded[bar - half : bar].strip(), padded[bar + 1 : bar + 1 + half].strip()) for bar in bars]


def test_prices_fall_down_the_page_and_the_best_stand_in_the_middle():
    env = played("ansi", config="one_symbol")
    block = env.render().split("XYZ  mid")[1]
    rows = [line for line in block.splitlines() if re.match(r"\s+\d+\.\d\d ", line)]
    prices = [float(line.split()[0]) for line in rows]
    assert prices == sorted(prices, reverse=True)
    bids = [price for line, price in zip(rows, prices, strict=True) if _cells(block, line)[0][0]]
    asks = [price for line, price in zip(rows, prices, strict=True) if _cells(block, line)[0][1]]
    assert max(bids) < min(asks)
    book = ladder_of(env, 0)
    assert [max(bids), min(asks)] == pytest.approx([_best(book, 0), _best(book, 1)])


def _best(ladder: Ladder, side: int) -> float:
    prices = ladder.price[(ladder.lots + ladder.own)[:, side].any(axis=0)] * ladder.tick
    return prices.max() if side == 0 else prices.min()


def test_a_picture_has_its_shape_and_changes_with_what_it_shows():
    env = played("rgb_array")
    first = env.render()
    assert first.shape == (720, 1280, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, env.render())
    for name in ("#0072B2", "#E69F00", "#009E73"):
        shade = [int(name[k : k + 2], 16) for k in (1, 3, 5)]
        assert (first == shade).all(axis=2).sum() > 100, f"the colour of a venue: {name}"
    env.step(env.default_action())
    assert not np.array_equal(first, env.render())


def drawn(env: gym.Env) -> Figure:
    figure = Figure(figsize=(12.8, 7.2))
    picture.draw(figure, env.batch, env.vector.market, env.vector._history, 0)
    return figure


def test_a_picture_shows_books_own_quotes_and_the_course_of_figures():
    env = played("rgb_array")
    figure, result, state = drawn(env), env.batch.results[0], env.batch.states[0]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[0] == f"XYZ   mid {result['mid'][0]:.3f}" and titles[1].startswith("ABC   mid ")
    assert titles[2] == f"profit [currency]   {result['pnl']:,.2f}"
    assert titles[3:5] == ["inventory [lots]", "alpha [bps]"]
    assert titles[5].endswith(f"{result['value_at_risk']:,.2f} of {env.config.risk.portfolio_var_limit:,.2f}")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*env.venues, "own quotes"]
    for k in range(2):
        hatched = [bar for bar in figure.axes[k].patches if bar.get_hatch()]
        lots = [round(abs(bar.get_width())) for bar in hatched]
        assert sorted(lots) == sorted(state["own_quantity"][k][state["own_quantity"][k] > 0].tolist())
    profit, inventory = figure.axes[2].lines[0].get_ydata(), figure.axes[3].lines
    assert len(profit) == 41 and profit[-1] == result["pnl"] and profit[0] == 0.0
    assert [line.get_ydata()[-1] for line in inventory[:2]] == result["inventory"].tolist()
    assert env.config.risk.portfolio_var_limit in {line.get_ydata()[0] for line in figure.axes[5].lines}


def test_bars_stand_where_the_lots_are():
    env = played("rgb_array", config="one_symbol")
    axes, ladder = drawn(env).axes[0], ladder_of(env, 0)
    low, high = axes.get_ylim()
    for side, sign in ((0, -1), (1, 1)):
        total = 0
        for price, lots in zip(ladder.price * 0.01, (ladder.lots + ladder.own)[0, side], strict=True):
            if low < price < high:
                bars = [bar for bar in axes.patches if abs(bar.get_y() + bar.get_height() / 2 - price) < 1e-6]
                mine = [bar for bar in bars if sign * bar.get_width() > 0]
                assert sign * sum(bar.get_width() for bar in mine) == lots
                assert max([sign * (bar.get_x() + bar.get_width()) for bar in mine], default=0) == lots, "end to end"
                total += lots
        assert total > 0


@pytest.mark.parametrize("preset", ["one_symbol", "five_symbols"])
def test_other_markets_can_be_drawn(preset):
    env = played("rgb_array", steps=3, config=preset)
    figure = drawn(env)
    assert len(figure.axes) == len(env.symbols) + 4
    assert env.render().std() > 10.0


def test_an_env_just_reset_can_be_rendered():
    env = played("ansi", steps=0)
    assert "step 0 of 1000" in env.render()
    assert played("rgb_array", steps=0).render().shape == (720, 1280, 3)


def test_history_holds_this_episode_only_and_the_last_steps_of_it():
    env = played("ansi", steps=LENGTH + 50)
    series = env.vector._history.of(0)
    assert len(series["time"]) == LENGTH
    assert series["time"][[0, -1]].tolist() == [51.0, LENGTH + 50.0]
    assert (np.diff(series["time"]) == 1.0).all()
    env.reset()
    assert env.vector._history.of(0)["time"].tolist() == [0.0]


def test_a_vector_env_renders_each_env():
    envs = gym.make_vec(ID, num_envs=2, render_mode="ansi")
    envs.reset(seed=0)
    for _ in range(5):
        envs.step(np.zeros((2, 6)))
    envs.reset(options={"reset_mask": np.array([True, False])})
    frames = envs.render()
    assert isinstance(frames, tuple) and "step 0 of" in frames[0] and "step 5 of" in frames[1]
    assert gym.make_vec(ID).render() is None


@pytest.mark.parametrize(("tick", "digits"), [(0.01, 2), (1.0, 0), (0.005, 3), (0.25, 2), (5.0, 0), (1e-6, 6)])
def test_decimals(tick, digits):
    assert decimals(tick) == digits


def test_sparkline():
    assert sparkline(np.array([0.0, 7.0, 3.0])) == "▁█▄"
    assert sparkline(np.array([2.0, 2.0])) == "▁▁"
    assert sparkline(np.arange(100.0), width=8) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.array([])) == ""


def test_own_quotes_far_from_the_market_do_not_fill_the_memory():
    env = gym.make(ID, config={"policy": {"fill_decay": 1e-6, "risk_aversion": 1e-9}}, render_mode="ansi")
    env.reset(seed=1)
    for _ in range(3):
        env.step(env.unwrapped.default_action())
    assert "XYZ" in env.render()
