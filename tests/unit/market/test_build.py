import numpy as np
import pytest

from mm_env.config.io import load_config, override
from mm_env.errors import TapeError
from mm_env.market.build import build_market
from mm_env.sentiment import class_of, get_scorer
from mm_env.sim.state import SIZES

ROWS = ["0,XYZ,Profits soar on record demand,0.9", "3,,Terrible crash feared,", "2,abc,Board meets on Tuesday,0.0"]


def tape(tmp_path, rows=ROWS):
    path = tmp_path / "tape.csv"
    path.write_text("\n".join(["step,symbol,headline,polarity", *rows, ""]))
    return path


def on_tape(path):
    return override(load_config(), {"news": {"source": "tape", "tape": str(path)}, "episode.steps": 10})


def test_poisson_news_draws_from_the_bundled_headlines():
    market = build_market(load_config())
    assert len(market.headlines.tape) == len(market.texts) == market.headlines.offsets[-1] > 300
    assert (
        market.headlines.offsets[0] == 0
        and len(market.headlines.offsets) == 4
        and (np.diff(market.headlines.offsets) > 0).all()
    )
    for block, owner in enumerate((0, 1, -1)):
        rows = market.headlines.tape[market.headlines.offsets[block] : market.headlines.offsets[block + 1]]
        assert (rows["symbol"] == owner).all()
    assert market.headlines.tape["stated"].all() and np.abs(market.headlines.tape["polarity"]).max() <= 1.0
    scorer = get_scorer(market.config.news.scorer)
    np.testing.assert_array_equal(
        market.headlines.tape["scored"], class_of(market.headlines.tape["score"], scorer.neutral_band)
    )
    np.testing.assert_array_equal(market.headlines.tape["score"][:5], scorer.score(market.texts[:5]))
    assert market.tape_report is None


def test_a_tape_keeps_times_symbols_and_what_is_not_stated(tmp_path):
    market = build_market(on_tape(tape(tmp_path)))
    assert market.headlines.tape["time"].tolist() == [0.0, 2.0, 3.0]
    assert market.headlines.tape["symbol"].tolist() == [0, 1, -1]
    assert market.headlines.tape["polarity"].tolist() == [0.9, 0.0, 0.0]
    assert market.headlines.tape["stated"].tolist() == [1, 1, 0]
    assert market.texts == ("Profits soar on record demand", "Board meets on Tuesday", "Terrible crash feared")
    assert market.headlines.tape["scored"].tolist() == [2, 1, 0]
    assert market.tape_report.kept == 3 and market.params["news_source"] == 2


def test_no_news_is_no_tape():
    market = build_market(override(load_config(), {"news.source": "none"}))
    assert len(market.headlines.tape) == 0 and market.texts == () and not market.headlines.offsets.any()


def test_the_confusion_of_the_scorer_reaches_the_kernel():
    market = build_market(load_config())
    truth, magnitude = market.confusion
    np.testing.assert_allclose(market.params["truth"], np.cumsum(truth, axis=1))
    np.testing.assert_array_equal(market.params["truth_magnitude"], magnitude)
    blind = build_market(override(load_config(), {"news.scorer": "none"}))
    assert not blind.headlines.tape["score"].any() and not np.array_equal(blind.confusion[0], truth)


def test_a_market_is_built_once_and_again_when_its_tape_changes(tmp_path):
    path = tape(tmp_path)
    config = on_tape(path)
    first = build_market(config)
    assert build_market(on_tape(path)) is first
    tape(tmp_path, [*ROWS[:1], "5,XYZ,Another headline of another length,0.1"])
    assert build_market(config).texts[-1] == "Another headline of another length"
    assert build_market(override(config, {"policy.risk_aversion": 0.1})) is not first


def test_a_tape_that_has_vanished_is_an_error(tmp_path):
    path = tape(tmp_path)
    config = on_tape(path)
    build_market(config)
    path.unlink()
    with pytest.raises(TapeError, match=r"tape\.csv"):
        build_market(config)


@pytest.mark.parametrize(
    ("preset", "size"), [("one_symbol", SIZES[0]), ("two_symbols", SIZES[0]), ("five_symbols", SIZES[1])]
)
def test_capacity_is_the_smallest_that_holds_the_market(preset, size):
    market = build_market(load_config(preset))
    assert market.capacity == size
    assert (market.symbols, market.venues) == (
        tuple(symbol.name for symbol in market.config.symbols),
        tuple(venue.name for venue in market.config.venues),
    )


def test_params_of_a_variation_keep_the_scorer():
    market = build_market(load_config())
    varied = market.params_of(override(load_config(), {"policy.risk_aversion": 0.7}))
    assert varied["risk_aversion"] == 0.7
    np.testing.assert_array_equal(varied["truth"], market.params["truth"])
