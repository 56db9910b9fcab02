"""The figure of the flow shows a tail and regimes where there are some."""

from dataclasses import replace

from mm_env.calibration.placement import fit_placement
from mm_env.calibration.regimes import fit_regimes
from mm_env.calibration.summary import summarise
from mm_env.data.events import About
from mm_env.reports.flow_figure import flow_figure
from mm_env.reports.style import png
from tests.unit.calibration.test_intraday import two_days
from tests.unit.calibration.test_placement import placed
from tests.unit.calibration.test_regimes import chain, windows_of


def test_the_figure_shows_a_tail_and_regimes():
    summary = summarise(two_days(0), About("made", "XYZ", "A", 1, 0.01), "shared", most=1)
    assert summary.placement is None and len(summary.regimes.share) == 1
    plain = png(flow_figure(summary, "a"))
    tail = fit_placement(placed(0), 0.01)
    regimes = fit_regimes(windows_of(chain(0, 300, (20.0, 8.0))), 2, 0)
    both = png(flow_figure(replace(summary, placement=tail, regimes=regimes), "a"))
    assert both != plain
