"""Value of a sentiment scorer: oracles and their opposite, in paired episodes."""

import numpy as np
import pytest

from mm_env.config.io import load_config, override
from mm_env.errors import ConfigError
from mm_env.evaluation.sentiment_value import reading, scorer_value
from mm_env.interrupt import Stopped
from mm_env.market.build import build_market
from mm_env.policies.registry import get_policy

LOUD = load_config({"episode": {"steps": 150}, "news": {"rate_per_hour": 1500.0}})
POLICY = get_policy("as")


def scored_by(scorer, market=LOUD):
    return override(market, {"news.scorer": scorer})


def test_perfect_scores_are_the_truth_and_flipped_ones_the_opposite():
    perfect, plain, flipped = (
        build_market(scored_by(name)).headlines.tape for name in ("perfect", "tfidf", "flipped:tfidf")
    )
    np.testing.assert_array_equal(perfect["score"], plain["polarity"])
    np.testing.assert_array_equal(flipped["score"], -plain["score"])
    np.testing.assert_array_equal(flipped["polarity"], plain["polarity"])


def test_perfect_needs_a_tape_that_states_the_truth(tmp_path):
    path = tmp_path / "news.csv"
    path.write_text("step,headline,polarity\n1,a,0.5\n2,b,\n")
    market = override(LOUD, {"news.source": "tape", "news.tape": str(path)})
    with pytest.raises(ConfigError, match="'perfect' with 1 headlines of unknown polarity"):
        build_market(scored_by("perfect", market))
    path.write_text("step,headline,polarity\n1,a,0.5\n2,b,-0.25\n")
    np.testing.assert_array_equal(build_market(scored_by("perfect", market)).headlines.tape["score"], [0.5, -0.25])


def test_an_unknown_scorer_is_told_of_both_kinds():
    with pytest.raises(ConfigError, match=r"unknown scorer 'tfid'.*and 'perfect' in a market; nearest: 'tfidf'"):
        build_market(scored_by("tfid"))


def test_who_knows_the_truth_earns_more_than_who_reads_nothing_than_who_reads_it_wrongly():
    perfect, none = (scorer_value(POLICY, scored_by(name), 48, 3) for name in ("perfect", "none"))
    wrong = scorer_value(POLICY, override(scored_by("perfect"), {"policy.alpha_weight": -3.0}), 48, 3)
    for better, worse in ((perfect, none), (none, wrong)):
        gain = better.profit - worse.profit
        assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(len(gain))
        assert better.adverse.mean() < worse.adverse.mean()


def test_weights_are_fitted_to_the_scorer_and_kept_when_it_is_flipped():
    fitted = reading(LOUD, "perfect", POLICY, 12, 1)
    again = reading(LOUD, "perfect", POLICY, 12, 1)
    assert fitted == again
    assert fitted.policy.alpha_weight not in (0.0, LOUD.policy.alpha_weight)
    assert reading(LOUD, "none", POLICY, 12, 1).policy.alpha_weight == 0.0
    plain, flipped = (reading(LOUD, name, POLICY, 12, 1).policy for name in ("vader", "flipped:vader"))
    assert plain == flipped
    assert reading(LOUD, "vader", POLICY, 0, 1).policy == LOUD.policy


def test_a_tape_without_polarity_and_a_short_episode_compare_nothing(tmp_path):
    path = tmp_path / "news.csv"
    path.write_text("step,headline,polarity\n1,a,0.5\n2,b,\n")
    tape = override(LOUD, {"news.source": "tape", "news.tape": str(path)})
    with pytest.raises(ConfigError, match="1 headlines without polarity; expected a tape that states all"):
        reading(tape, "tfidf", POLICY, 0, 1)
    with pytest.raises(ConfigError, match="10 steps of 1 s; expected"):
        reading(override(LOUD, {"episode.steps": 10}), "tfidf", POLICY, 12, 1)


def test_it_stops_and_refuses():
    with pytest.raises(Stopped):
        scorer_value(POLICY, LOUD, 2, 1, stop=lambda: True)
    with pytest.raises(ConfigError, match="a comparison needs one market"):
        scorer_value(POLICY, load_config({"randomize": {"policy.risk_aversion": [0.01, 0.1]}}), 2, 1)
