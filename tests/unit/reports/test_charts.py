"""Interactive figures: what they draw is what the tables say, in few points, with a unit on every axis."""

import numpy as np
import pandas as pd
import pytest

from mm_env.reports import charts
from mm_env.reports.charts.grids import cell_texts
from mm_env.reports.charts.look import COLOURS, DASHES, MOST_POINTS, line_look, sampled, thin
from mm_env.reports.figures import PROFIT_PARTS
from mm_env.reports.waterfall import waterfall_steps
from mm_env.risk.scenarios import Fan
from mm_env.sim.state import TERMS

N = 9000  # steps: more than a figure shows
SYMBOLS = ("A&B", "XYZ")


def tables():
    rng = np.random.default_rng(3)
    steps = pd.DataFrame({"episode": 0, "step": np.arange(N), "time": np.arange(N, dtype=float)})
    for k, symbol in enumerate(SYMBOLS):
        mid = 100.0 + np.cumsum(rng.normal(0.0, 0.01, N))
        mid[4321 + k] += 9.0  # one extreme step
        steps[f"{symbol}.mid"], steps[f"{symbol}.bid"], steps[f"{symbol}.ask"] = mid, mid - 0.02, mid + 0.02
        steps[f"{symbol}.bid_lots"] = steps[f"{symbol}.ask_lots"] = 5
        steps[f"{symbol}.inventory"] = rng.integers(-9, 9, N)
        steps[f"{symbol}.sentiment"], steps[f"{symbol}.alpha"] = rng.normal(0.0, 0.3, N), rng.normal(0.0, 3.0, N)
    for term in TERMS:
        steps[f"attribution.{term}"] = np.cumsum(rng.normal(0.1, 1.0, N))
    steps["pnl"] = steps[[f"attribution.{term}" for term in TERMS]].sum(axis=1)
    steps["value_at_risk"], steps["expected_shortfall"] = rng.uniform(0.0, 200.0, N), rng.uniform(0.0, 250.0, N)
    steps["var_limit"], steps["hedged"] = 190.0, False
    steps.loc[1:, "hedged"] = (steps["value_at_risk"].shift() > 190.0).iloc[1:]
    steps["regime"] = np.where((np.arange(N) > 3000) & (np.arange(N) <= 4000), "stress", "calm")
    count = 5000
    at = np.sort(rng.integers(1, N, count))
    fills = pd.DataFrame({
        "episode": 0, "step": at, "time": at - 0.5, "symbol": rng.choice(SYMBOLS, count), "venue": "V<1>", "role": "maker",
        "side": "buy", "quantity": rng.integers(1, 9, count), "price": 100.5, "mid": 100.6, "basis": 0.5, "fee": 0.0,
    })  # fmt: skip
    headlines = pd.DataFrame({
        "episode": 0, "step": [100, 5000], "time": [99.5, 4999.5], "symbol": ["A&B", ""], "text": ["<b>up</b>", "down"],
        "score": [0.5, -0.4], "polarity": [0.8, -0.6],
    })  # fmt: skip
    return steps, fills, headlines


STEPS, FILLS, HEADLINES = tables()


def named(figure):
    return {trace.name: trace for trace in figure.data}


def drawn():
    venues = pd.DataFrame(
        [(0, step, float(step), symbol, venue, float(venue == "P") if step else np.nan)
         for step in range(601) for symbol in SYMBOLS for venue in ("P", "Q")],
        columns=["episode", "step", "time", "symbol", "venue", "weight"],
    )  # fmt: skip
    fan = Fan(np.arange(3.0), np.zeros((3, 7)), np.zeros((3, 7)), 5)
    estimate = {"value": 0.2, "error": 0.01}
    summary = {
        "venues": {name: {"fill_ratio": estimate} for name in ("P", "Q")},
        "markouts": [
            {"venue": name, "horizon_seconds": h, "bps": estimate, "fills": 3}
            for name in ("P", "Q", "all") for h in (0.0, 1.0)
        ],
    }  # fmt: skip
    rows = [
        {"agent": "as"},
        {"agent": "x", "reward_difference": 3.0, "reward_difference_low": 1.0, "reward_difference_high": 6.0},
    ]
    episodes = pd.DataFrame({"agent": ["as"] * 5 + ["x"] * 5, "profit": [1.0, 2.0, 3.0, 4.0, 5.0] * 2})
    terms = dict.fromkeys(TERMS, 2.0) | {"spread_capture": 500.0, "hedge_cost": -40.0}
    return {
        "prices": charts.prices_chart(STEPS, FILLS, HEADLINES, "A&B"),
        "close_up": charts.close_up_chart(STEPS, FILLS, HEADLINES, "A&B"),
        "inventory": charts.inventory_chart(STEPS, SYMBOLS),
        "equity": charts.equity_chart(STEPS),
        "parts": charts.parts_chart(STEPS),
        "sentiment": charts.sentiment_chart(STEPS, HEADLINES, SYMBOLS),
        "risk": charts.risk_chart(STEPS),
        "venues": charts.venues_chart(summary),
        "router": charts.router_chart(venues, SYMBOLS),
        "waterfall": charts.waterfall_chart(waterfall_steps(terms)),
        "surface": charts.surface_chart(
            ["a", "b"], ["c"], [[1.0, np.nan]], column_title="x [1]", row_title="y [1]", unit="z [1]"
        ),
        "fan": charts.fan_chart({"base": fan, "crash": fan}, "profit"),
        "differences": charts.differences_chart(rows, "as"),
        "profits": charts.profits_chart(episodes),
    }  # fmt: skip


CHARTS = drawn()


@pytest.mark.parametrize("name", CHARTS)
def test_every_shown_axis_is_named(name):
    figure = CHARTS[name]
    axes = [figure.layout[key] for key in figure.layout if key.startswith(("xaxis", "yaxis"))]
    shown = [axis for axis in axes if axis.visible is not False]
    titles = [axis.title.text for axis in shown if axis.title.text]
    below = sum(axis.matches is not None and axis.showticklabels is False for axis in shown)  # of panels that share an axis
    assert len(titles) + below == len(shown) or name == "waterfall"
    for axis in shown:
        if axis.title.text and axis.type != "category" and axis.ticktext is None:  # of names, and of labels with their unit
            assert "[" in axis.title.text or "currency" in axis.title.text


@pytest.mark.parametrize("name", CHARTS)
def test_no_trace_is_longer_than_a_screen_shows(name):
    for trace in CHARTS[name].data:
        assert trace.x is None or len(trace.x) <= MOST_POINTS
    assert len(CHARTS[name].to_json()) < 400_000


def test_thinning_keeps_ends_and_extremes():
    y = np.zeros(10_000)
    y[[7, 7777]] = -5.0, 9.0
    y[100:200] = np.nan
    kept = thin(y)
    assert len(kept) <= MOST_POINTS and {0, 7, 7777, 9999} <= set(kept.tolist()) and (np.diff(kept) > 0).all()
    assert thin(np.arange(5.0)).tolist() == [0, 1, 2, 3, 4]
    assert len(sampled(MOST_POINTS + 1)) <= MOST_POINTS and sampled(3).tolist() == [0, 1, 2]
    assert np.nanmax(named(CHARTS["prices"])["mid"].y) == pytest.approx(STEPS["A&B.mid"].max())


def test_lines_are_told_apart_without_colour():
    looks = [tuple(line_look(k).values()) for k in range(len(COLOURS) * len(DASHES))]
    assert len(set(looks[:16])) == 16 and len({dash for _, dash in looks[: len(DASHES)]}) == len(DASHES)


def test_prices_show_fills_at_their_price_less_the_basis_and_say_what_is_left_out():
    own = int((FILLS["symbol"] == "A&B").sum())
    (fills,) = [trace for trace in CHARTS["prices"].data if (trace.name or "").startswith("fill: bought")]
    assert set(np.unique(fills.y)) == {np.float32(100.0)}
    assert fills.name == "fill: bought (1 in 2 shown)" and len(fills.x) == -(-own // 2)
    assert "V&lt;1&gt;" in fills.text[0]
    told = named(CHARTS["prices"])["headline (up: good, down: bad news)"]
    assert len(told.x) == 2 and "&lt;b&gt;up" in told.text[0] and "<b>up" not in told.text[0]
    assert [annotation.text for annotation in CHARTS["prices"].layout.annotations] == ["<b>1</b>", "<b>2</b>"]
    low, high = CHARTS["close_up"].layout.xaxis.range
    assert high - low == 60.0 and low <= 99.5 <= high


def test_equity_and_parts_are_the_ledgers():
    equity = named(CHARTS["equity"])
    assert -equity["drawdown"].y.min() == pytest.approx(
        (STEPS["pnl"].clip(lower=0.0).cummax() - STEPS["pnl"]).max(), rel=1e-6
    )
    parts = named(CHARTS["parts"])
    ends = sum(parts[label].y[-1] for label, *_ in PROFIT_PARTS)
    assert ends == pytest.approx(STEPS["pnl"].iloc[-1], rel=1e-5)
    (shade,) = [shape for shape in CHARTS["equity"].layout.shapes if shape.yref == "y domain"]
    assert (shade.x0 * 60.0, shade.x1 * 60.0) == pytest.approx((3000.0, 4000.0))  # minutes


def test_hedges_are_marked_at_the_var_that_they_answer():
    marks = named(CHARTS["risk"])["a hedge was sent"]
    assert 0 < len(marks.x) <= STEPS["hedged"].sum() and (marks.y > 190.0).all()


def test_the_router_is_shown_in_per_cent_of_the_quoted_size():
    one = CHARTS["router"].data[0]
    assert list(one.y) == ["P", "Q"] and one.z.shape == (2, 60) and set(np.unique(one.z)) == {0.0, 100.0}
    assert (one.z[0] == 100.0).all() and len(one.x) == 61 and one.x[-1] == 600.0


def test_bars_of_the_waterfall_join_and_end_at_the_profit():
    bars = CHARTS["waterfall"].data[0]
    ends = np.add(bars.y, bars.base)
    assert ends[-1] == pytest.approx(500.0 - 40.0 + 2.0 * (len(TERMS) - 2))
    trading = bars.x.index("trading") if isinstance(bars.x, tuple) else list(bars.x).index("trading")
    assert bars.base[trading] == 0.0 and bars.base[trading + 1] == pytest.approx(ends[trading])
    assert [shape == "/" for shape in bars.marker.pattern.shape] == [value < 0.0 for value in bars.y]


def test_cells_of_a_surface_say_their_number_and_error():
    assert cell_texts(np.array([[1234.5, np.nan]]), [[10.0, 1.0]]) == [["1,234<br>± 10", ""]]
    assert cell_texts(np.array([[0.1234]])) == [["0.123"]]


def test_agents_are_compared_with_their_intervals():
    (mark,) = CHARTS["differences"].data
    assert (mark.x, mark.y) == ((3.0,), ("x",)) and (mark.error_x.array, mark.error_x.arrayminus) == ((3.0,), (2.0,))
    box = CHARTS["profits"].data[1]
    assert (box.q1[0], box.median[0], box.q3[0]) == (2.0, 3.0, 4.0)
