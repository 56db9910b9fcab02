"""The basic statistics of a set of episodes, by hand."""

import json

import numpy as np
import pytest

from mm_env.evaluation.episodes import Episodes, join, statistics
from mm_env.evaluation.evaluation import VALUES, Evaluation
from mm_env.evaluation.markouts import Marks
from mm_env.sim.state import TERMS

SYMBOLS, VENUES = ("XYZ", "ABC"), ("A", "B")


def episodes(number, seed):
    rng = np.random.default_rng(seed)

    def counts(*shape):
        return rng.integers(1, 50, (number, *shape))

    cells = (number, 2, 4)
    breakdown = rng.normal(10.0, 5.0, (number, 2, 2, len(TERMS)))
    metrics = {name: rng.uniform(1.0, 9.0, number) for name in VALUES}
    metrics |= {"profit": breakdown.sum(axis=(1, 2, 3)), "breaches": counts(), "hedges": counts()}
    return Episodes(
        metrics=Evaluation(**metrics, reward_terms={}, attribution={}),
        breakdown=breakdown,
        steps=counts(),
        drawdown=rng.uniform(1.0, 9.0, (number, 2)),
        posted=counts(2) + 100,
        filled=counts(2),
        fills=counts(2),
        venue_posted=counts(2) + 100,
        venue_filled=counts(2),
        inventory_mean=rng.normal(size=(number, 2)),
        inventory_absolute=rng.uniform(5.0, 9.0, (number, 2)),
        inventory_square=rng.uniform(100.0, 200.0, (number, 2)),
        inventory_end=counts(2),
        hedged_lots=counts(2),
        hedge_unfilled=counts(2),
        hedge_cost=rng.uniform(0.0, 5.0, (number, 2)),
        marks=Marks(rng.integers(1, 9, cells), rng.normal(size=cells), rng.uniform(100.0, 200.0, cells)),
    )


E = episodes(12, seed=1)
FOUND = statistics(E, SYMBOLS, VENUES)


def test_profits_of_symbols_and_portfolio():
    by_symbol = E.breakdown.sum(axis=(2, 3))
    for part, profit in ((FOUND["symbols"]["ABC"], by_symbol[:, 1]), (FOUND["portfolio"], by_symbol.sum(axis=1))):
        assert part["profit_first"] == pytest.approx(profit[0])
        assert part["profit"]["value"] == pytest.approx(profit.mean())
        assert part["profit_sd"] == pytest.approx(profit.std(ddof=1))
        assert part["sharpe"]["value"] == pytest.approx(profit.mean() / profit.std(ddof=1))
    assert FOUND["portfolio"]["reward"]["value"] == pytest.approx(E.metrics.reward.mean())


def test_fill_ratios_of_venues():
    found = FOUND["venues"]["B"]
    assert found["filled_lots"]["value"] == pytest.approx(E.venue_filled[:, 1].mean())
    assert found["posted_lots"]["value"] == pytest.approx(E.venue_posted[:, 1].mean())
    assert found["fill_ratio"]["value"] == pytest.approx(E.venue_filled[:, 1].sum() / E.venue_posted[:, 1].sum())


def test_drawdowns():
    assert FOUND["symbols"]["ABC"]["drawdown"]["value"] == pytest.approx(E.drawdown[:, 1].mean())
    assert FOUND["portfolio"]["drawdown"]["value"] == pytest.approx(E.metrics.drawdown.mean())
    assert FOUND["portfolio"]["drawdown_worst"] == E.metrics.drawdown.max()


def test_inventories():
    abc = FOUND["symbols"]["ABC"]
    assert abc["inventory_sd_lots"] == pytest.approx(
        np.sqrt(E.inventory_square[:, 1].mean() - E.inventory_mean[:, 1].mean() ** 2)
    )
    assert abc["inventory_absolute_lots"]["value"] == pytest.approx(E.inventory_absolute[:, 1].mean())
    assert abc["inventory_end_lots_first"] == E.inventory_end[0, 1]
    assert FOUND["portfolio"]["inventory_absolute_lots"]["value"] == pytest.approx(E.inventory_absolute.sum(axis=1).mean())


def test_fills_breaches_and_hedges():
    abc, portfolio = FOUND["symbols"]["ABC"], FOUND["portfolio"]
    assert abc["fill_ratio"]["value"] == pytest.approx(E.filled[:, 1].sum() / E.posted[:, 1].sum())
    assert portfolio["fill_ratio"]["value"] == pytest.approx(E.filled.sum() / E.posted.sum())
    assert portfolio["fills"]["value"] == pytest.approx(E.fills.sum(axis=1).mean())
    assert portfolio["filled_lots"]["value"] == pytest.approx(E.filled.sum(axis=1).mean())
    assert portfolio["over_limit"]["value"] == pytest.approx(E.metrics.breaches.sum() / E.steps.sum())
    assert (portfolio["breaches_first"], portfolio["hedges_first"]) == (E.metrics.breaches[0], E.metrics.hedges[0])
    assert portfolio["hedges"]["value"] == pytest.approx(E.metrics.hedges.mean())
    assert portfolio["hedge_cost"]["value"] == pytest.approx(E.hedge_cost.sum(axis=1).mean())
    assert abc["hedge_cost"]["value"] == pytest.approx(E.hedge_cost[:, 1].mean())
    assert abc["hedged_lots"]["value"] == pytest.approx(E.hedged_lots[:, 1].mean())
    assert abc["hedge_unfilled_lots"]["value"] == pytest.approx(E.hedge_unfilled[:, 1].mean())


def test_attribution_and_mark_outs_are_over_the_same_episodes():
    assert FOUND["attribution"]["all"]["all"]["profit"] == pytest.approx(FOUND["portfolio"]["profit"]["value"])
    assert sum(row["profit"] for row in FOUND["attribution"]["rows"]) == pytest.approx(FOUND["portfolio"]["profit"]["value"])
    assert FOUND["markouts"][-1]["fills"] == E.marks.count[:, :, -1].sum()
    assert (FOUND["episodes"], FOUND["steps"]) == (12, E.steps.sum())


def test_all_of_it_is_json():
    assert json.loads(json.dumps(FOUND, allow_nan=False)) == FOUND


def test_one_episode_has_statistics_without_errors():
    found = statistics(episodes(1, seed=2), SYMBOLS, VENUES)
    assert found["portfolio"]["profit"]["error"] is None and found["portfolio"]["profit_sd"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_joined_episodes_stand_in_their_order():
    first, second = episodes(3, seed=3), episodes(4, seed=4)
    both = join([first, second])
    assert len(both) == 7
    assert both.profit.tolist() == [*first.profit, *second.profit]
    assert both.posted.tolist() == [*first.posted.tolist(), *second.posted.tolist()]
    assert both.marks.value.tolist() == [*first.marks.value.tolist(), *second.marks.value.tolist()]
