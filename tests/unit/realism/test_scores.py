"""Distances between markets: 0 from itself, known between known laws, 1 where nothing is in common; and the command."""

import json
from statistics import NormalDist

import numpy as np
import pytest
from typer.testing import CliRunner

from mm_env.cli import realism
from mm_env.cli.app import single
from mm_env.data.events import About, Events, EventWriter
from mm_env.errors import DataError
from mm_env.realism.scores import Response, Sample, Statistics, compare_markets, floor_of, shifts_of, statistics_of

SECOND = 1_000_000_000


def one(values, condition=None, seconds=3600.0):
    time = np.linspace(0, seconds * SECOND, len(values)).astype(np.int64)
    return Statistics({"x": Sample(np.asarray(values, float), time, condition)}, {})


def l1(real, other, name="x"):
    return compare_markets(real, other, resamples=20, block_seconds=300.0).distances[name]


def normal(mean, seed, n=40_000):
    return np.random.default_rng(seed).normal(mean, 1.0, n)


def test_a_market_is_at_no_distance_from_itself():
    found = l1(one(normal(0, 1)), one(normal(0, 1)))
    assert (found.l1, found.wasserstein) == (0.0, 0.0)


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_normal_laws_are_as_far_apart_as_they_are_known_to_be(shift):
    found = l1(one(normal(0, 1)), one(normal(shift, 2)))
    assert found.l1 == pytest.approx(2 * NormalDist().cdf(shift / 2) - 1, abs=0.02)
    assert found.wasserstein == pytest.approx(shift, abs=0.02)
    assert 0.0 < found.error < 0.03


def test_what_has_nothing_in_common_and_what_is_missing_is_at_one():
    real = one(np.repeat([1.0, 2.0], 500))
    assert l1(real, one(np.repeat([8.0, 9.0], 500))).l1 == 0.5  # all of it in the outermost bin, which holds what is beyond
    assert l1(one(normal(0, 1)), one(normal(50, 2))).l1 > 0.99
    assert l1(real, Statistics({}, {})).l1 == 1.0
    assert np.isnan(l1(real, Statistics({}, {})).wasserstein)


def test_whole_numbers_have_bins_of_whole_numbers():
    rng = np.random.default_rng(0)
    real, other = (rng.geometric(0.02, 20_000).astype(float) for _ in range(2))
    assert l1(one(real), one(other)).l1 < 0.04
    assert l1(one(real / 2), one(other / 2)).l1 == l1(one(real), one(other)).l1


def test_a_conditional_statistic_sees_what_the_margins_hide():
    rng = np.random.default_rng(0)
    values, condition = rng.normal(size=20_000), rng.normal(size=20_000)
    tied, free = np.sort(values)[np.argsort(np.argsort(condition))], values
    assert l1(one(free), one(tied)).l1 < 0.02
    assert l1(one(free, condition), one(tied, condition)).l1 > 0.4


def test_responses_are_compared_as_curves():
    rng = np.random.default_rng(0)
    time = np.arange(4000) * SECOND
    curve = np.array([1.0, 2, 3, 4, 5, 6])
    real = Statistics(one(normal(0, 1)).samples, {"r": Response(curve + rng.normal(size=(4000, 6)), time)})
    for scale, distance in ((1.0, 0.0), (3.0, 0.5), (-1.0, 1.0), (0.0, 1.0)):
        moves = scale * curve + rng.normal(size=(4000, 6))
        moves[-50:] = np.nan
        other = Statistics(real.samples, {"r": Response(moves, time)})
        assert l1(real, other, "r").l1 == pytest.approx(distance, abs=0.02)
    assert l1(real, Statistics(real.samples, {}), "r").l1 == 1.0


def test_shifts_have_signs():
    """Of a law that moves up less lies below each real quantile; of a response twice as large the difference is its size."""
    time = np.arange(4000) * SECOND
    curve = np.array([1.0, 2, 3, 4, 5, 6])

    def market(values, scale):
        return Statistics(one(values).samples, {"r": Response(np.tile(scale * curve, (4000, 1)), time)})

    real = market(normal(0, 1), 1.0)
    laws, responses = shifts_of(real, real)
    assert (laws == 0.0).all() and (responses == 0.0).all()
    laws, responses = shifts_of(real, market(normal(1.0, 2), 2.0))
    at = [NormalDist().inv_cdf(q) for q in (0.1, 0.3, 0.5, 0.7, 0.9)]
    assert laws == pytest.approx([NormalDist(1.0).cdf(x) - NormalDist().cdf(x) for x in at], abs=0.02)
    assert responses == pytest.approx(curve / 3.5)
    laws, responses = shifts_of(real, Statistics({}, {}))
    assert (laws == 1.0).all() and responses == pytest.approx(-curve / 3.5)
    tied, _ = shifts_of(market(np.repeat([1.0, 2.0], 500), 1.0), market(np.repeat([1.0, 2.0], 500), 1.0))
    assert (tied == 0.0).all()


def test_errors_are_those_of_repeated_markets():
    found = [l1(one(normal(0, 1, 2000)), one(normal(0.5, seed, 2000))) for seed in range(10, 40)]
    assert np.mean([f.error for f in found]) == pytest.approx(np.std([f.l1 for f in found]), rel=0.8)


def market(seed, n=8000, reach=5, seconds=7200.0):
    """Limit orders at distances of up to `reach` ticks, cancels and trades around a mid that walks."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0, seconds, n))
    half = rng.integers(1, 4, n)
    mid = 10_000 + np.cumsum(rng.choice([-1, 0, 0, 0, 1], n))
    kind = rng.choice(["limit", "delete", "trade"], n, p=[0.5, 0.4, 0.1]).astype(object)
    side = rng.choice([-1, 1], n).astype(np.int8)
    order = np.zeros(n, np.int64)
    alive = []
    for k, name in enumerate(kind):
        if name == "limit":
            alive.append(k + 1)
            order[k] = k + 1
        elif name == "delete" and alive:
            order[k] = alive.pop(rng.integers(len(alive)))
    price = 0.01 * (mid - side * (half + rng.integers(0, reach, n)))
    levels = np.arange(3)
    return Events(
        time=(time * SECOND).astype(np.int64), kind=kind, side=side, price=price, size=np.full(n, 100.0), order=order,
        bid_prices=0.01 * (mid[:, None] - half[:, None] - levels), ask_prices=0.01 * (mid[:, None] + half[:, None] + levels),
        bid_sizes=rng.geometric(0.01, (n, 3)).astype(float), ask_sizes=rng.geometric(0.01, (n, 3)).astype(float),
    )  # fmt: skip


def test_all_statistics_of_a_market_are_there_and_see_what_differs():
    real, alike, other = (statistics_of(market(seed, reach=reach), 0.01) for seed, reach in ((0, 5), (1, 5), (2, 12)))
    assert len(real.samples) == 14 and len(real.responses) == 6
    near = compare_markets(real, alike, resamples=30)
    far = compare_markets(real, other, resamples=30)
    assert max(near.distances[name].l1 for name in real.samples) < 0.2
    for name in ("limit order depth", "cancel depth", "limit order level"):
        assert far.distances[name].l1 > 0.3
    assert far.distances["spread"].l1 < 0.05
    assert far.mean[0] > near.mean[0] + 3 * near.mean[1]
    floor = floor_of(real, resamples=30)
    assert set(floor.distances) == set(near.distances)
    assert floor.interquartile_mean[0] < 0.2


def test_the_time_to_cancel_is_from_birth_to_death():
    events = market(0, n=200)
    stood = statistics_of(events, 0.01).samples["log time to cancel"]
    born = {int(o): int(t) for k, o, t in zip(events.kind, events.order, events.time, strict=True) if k == "limit"}
    dead = [(o, t) for k, o, t in zip(events.kind, events.order.tolist(), events.time.tolist(), strict=True)
            if k == "delete" and o in born]  # fmt: skip
    np.testing.assert_allclose(10.0**stood.values, [(t - born[o]) * 1e-9 for o, t in dead])


def test_markets_that_cannot_be_compared():
    events = market(0, n=200)
    with pytest.raises(DataError, match="tick 0; expected a number above 0"):
        statistics_of(events, 0.0)
    with pytest.raises(DataError, match="50 events with a bid and an ask; expected 100 or more"):
        statistics_of(events.where(np.arange(200) < 50), 0.01)
    with pytest.raises(DataError, match="no statistic of the real market"):
        compare_markets(Statistics({}, {}), one([1.0, 2.0]))


APP = single("realism")


def write(path, events, tick=0.01):
    with EventWriter(path, About("made", "XYZ", "A", 3, tick)) as writer:
        writer.write(events)
    return path


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_the_command_compares_markets_and_shows_the_floor(tmp_path):
    real, other = write(tmp_path / "real.parquet", market(0)), write(tmp_path / "other.parquet", market(2, reach=12))
    out = tmp_path / "new"
    result = run(real, other, "--resamples", 10, "--block-seconds", 600, "--out", out, "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "figures.json").read_text())["markets"]
    assert list(told) == ["other", realism.ZERO, realism.FLOOR]
    assert told["other"]["statistics"]["limit order depth"]["l1"] > 0.3
    assert told["other"]["mean"] > told[realism.FLOOR]["mean"]
    for name in ("radar.png", "histograms.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert "interquartile mean" in result.output
    assert run(real, "--resamples", 10, "--out", out).exit_code == 0


def test_the_command_refuses_a_market_without_a_tick(tmp_path):
    real = write(tmp_path / "real.parquet", market(0, n=300), tick=None)
    result = run(real, "--out", tmp_path / "new")
    assert result.exit_code == 2
    assert "no tick is known" in " ".join(result.output.split())
