"""The table of bars of several symbols."""

from mm_env.calibration.bars import summarise_bars
from mm_env.reports.bars_report import bars_table
from tests.unit.data.made_bars import DAY, DAYS, walk


def test_a_table_has_the_scales_of_the_longest_symbol():
    summaries = {"NEW": summarise_bars(walk(9, DAY), DAYS), "OLD": summarise_bars(walk(90, DAY), DAYS)}
    rows = {line.partition("  ")[0]: line for line in bars_table(summaries).splitlines()}
    for scale, known in ((1, 2), (5, 1), (20, 1)):
        (line,) = (line for name, line in rows.items() if name.strip().startswith(f"volatility over {scale} bar"))
        assert line.count("±") == known
