"""A summary has every estimate that the events allow."""

import numpy as np
import pytest

from mm_env.calibration.summary import summarise
from mm_env.data.events import About
from mm_env.errors import DataError
from tests.unit.calibration.made import ABOUT, market


def test_a_summary_has_every_part_that_the_events_allow():
    summary = summarise(market(), ABOUT, lot=100.0)
    assert summary.spread.median_ticks == 2
    assert [scale for scale, _, _ in summary.volatility] == [0.1, 1.0, 10.0, 60.0]
    assert summary.best_hawkes.process.branching_ratio < 0.15  # trades come at any time
    assert summary.best_hawkes.bic == min(fit.bic for fit in summary.hawkes)
    assert summary.intensity.decay == pytest.approx(50.0, rel=0.3)
    assert summary.tail.tail_exponent == pytest.approx(1.5, abs=0.3)
    assert summary.cancels is None
    assert [len(part) for part in summary.relaxed()] == np.bincount(summary.takers[1]).tolist()


def test_a_summary_of_few_events_leaves_out_what_they_do_not_say():
    events = market()
    summary = summarise(events.where(np.arange(len(events)) < 12), About("made", "XYZ", "A", 1))
    assert (summary.spread, summary.intensity, summary.tail, summary.best_hawkes) == (None, None, None, None)
    assert summary.hawkes == [] and summary.relaxed() == []
    with pytest.raises(DataError, match="1 events that span no time"):
        summarise(events.where(np.arange(len(events)) < 1), ABOUT)
