"""Tapes of headlines: what is read, dropped and counted, where it falls in an episode, and every error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from mm_env.config.io import load_config
from mm_env.errors import ConfigError, TapeError
from mm_env.market.build import build_market
from mm_env.sentiment import Tape, get_scorer, load_tape

SYMBOLS = ("XYZ", "ABC")
REAL = Path(__file__).resolve().parents[3] / "../shared/data/headlines/cnbc.csv"


class LengthScorer:
    """A score that shows which text it is of."""

    name = key = "length"
    neutral_band = 0.05

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([len(text) / 1000 for text in texts])


def load(path: Path, **options: Any) -> Tape:
    arguments: dict[str, Any] = {"step_seconds": 2.0, "episode_seconds": 100.0, **options}
    return load_tape(path, SYMBOLS, LengthScorer(), **arguments)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def _write(content: str | bytes, name: str = "news.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


def rows_add_up(tape: Tape) -> bool:
    report = tape.report
    dropped = report.empty + report.unknown_symbol + report.duplicates + report.past_end
    same_length = {len(column) for column in (tape.time_seconds, tape.symbol, tape.score, tape.text)}
    return report.read == report.kept + dropped and same_length == {report.kept}


def test_rows_become_columns(write: Any) -> None:
    path = write(
        "timestamp,symbol,headline,polarity\n"
        "2024-01-02T09:30:00,XYZ,up,0.5\n"
        "2024-01-02T09:30:10,,market,\n"
        '2024-01-02T09:30:20, abc ,"down, ""far""",-1\n'
    )
    tape = load(path)
    assert tape.text == ("up", "market", 'down, "far"')
    np.testing.assert_array_equal(tape.symbol, [0, -1, 1])
    np.testing.assert_array_equal(tape.polarity, [0.5, np.nan, -1.0])
    np.testing.assert_array_equal(tape.has_polarity, [True, False, True])
    np.testing.assert_array_equal(tape.score, [0.002, 0.006, 0.011])
    np.testing.assert_allclose(tape.time_seconds, [1.0, 50.0, 99.0])
    kinds = [a.dtype for a in (tape.time_seconds, tape.symbol, tape.polarity, tape.has_polarity, tape.score)]
    assert kinds == [np.float64, np.int32, np.float64, np.bool_, np.float64]
    assert (tape.report.read, tape.report.kept, tape.report.without_polarity) == (3, 3, 1)
    assert tape.report.first_timestamp == "2024-01-02T09:30:00"
    assert tape.report.last_timestamp == "2024-01-02T09:30:20"
    assert rows_add_up(tape)


def test_only_headline_and_time_are_needed(write: Any) -> None:
    tape = load(write("step,headline\n0,a\n3,b\n"))
    np.testing.assert_array_equal(tape.symbol, [-1, -1])
    assert not tape.has_polarity.any()
    assert tape.report.without_polarity == 2


def test_header_matches_in_any_case_with_spaces_and_a_byte_order_mark(write: Any) -> None:
    tape = load(write("\ufeff Headline , STEP,Symbol ,Source\nup,1,xyz,wire\n"))
    assert tape.text == ("up",)
    assert tape.symbol[0] == 0
    assert tape.report.ignored_columns == ("Source",)
    assert tape.report.replaced_bytes == 0


def test_symbols_that_differ_in_case_alone_match_exactly_first(write: Any) -> None:
    path = write("step,symbol,headline\n0,abc,a\n0,ABC,b\n0,Abc,c\n")
    tape = load_tape(path, ["ABC", "abc"], LengthScorer(), step_seconds=1, episode_seconds=9)
    np.testing.assert_array_equal(tape.symbol, [1, 0, 0])


def test_blank_lines_trailing_commas_and_lines_within_a_headline(write: Any) -> None:
    tape = load(write('step,headline\n\n0,"two\n  lines"\n\n1,b,,\n'))
    assert tape.text == ("two lines", "b")


def test_same_columns_from_parquet(write: Any, tmp_path: Path) -> None:
    text = (
        "timestamp,symbol,headline,polarity\n"
        "2024-01-02T09:30:20,XYZ,late,0.25\n"
        "2024-01-02T09:30:00,,first,\n"
        "2024-01-02T09:30:05,QQQ,other,\n"
    )
    expected = load(write(text))
    frame = pd.read_csv(write(text))
    frame["symbol"] = frame["symbol"].astype("category")
    for dtype in ("string", "datetime64[ns]", "datetime64[ms, UTC]"):
        path = tmp_path / f"news-{dtype[:12]}.parquet"
        frame.assign(timestamp=frame["timestamp"].astype(dtype)).to_parquet(path)
        tape = load(path)
        assert tape.text == expected.text == ("first", "late")
        np.testing.assert_array_equal(tape.time_seconds, expected.time_seconds)
        np.testing.assert_array_equal(tape.symbol, expected.symbol)
        np.testing.assert_array_equal(tape.polarity, expected.polarity)
        assert tape.report.unknown_names == ("QQQ",)


def test_parquet_numbers_bytes_and_index(tmp_path: Path) -> None:
    frame = pd.DataFrame({"headline": [b"caf\xe9", b"ok"], "polarity": [np.nan, 0.5]})
    frame.index = pd.Index([4.0, 5.5], name="timestamp")
    path = tmp_path / "no_suffix"
    frame.to_parquet(path)
    tape = load(path, seconds_per_episode_second=0.5)
    assert tape.text == ("caf\ufffd", "ok")
    np.testing.assert_array_equal(tape.time_seconds, [1.0, 4.0])  # after a hundredth of the episode
    np.testing.assert_array_equal(tape.has_polarity, [False, True])
    assert tape.report.replaced_bytes == 1


@pytest.mark.parametrize("as_dictionary", [False, True])
def test_parquet_text_that_is_not_utf8_and_numbers_that_are_not(tmp_path: Path, as_dictionary: bool) -> None:
    anything = pc.CastOptions(target_type=pa.string(), allow_invalid_utf8=True)
    headline = pc.cast(pa.array([b"caf\xe9", b"ok"]), options=anything)
    if as_dictionary:
        headline = headline.dictionary_encode()
    table = pa.table({"headline": headline, "step": [0, 1], "polarity": [float("nan"), 0.5]})
    path = tmp_path / "news.parquet"
    pq.write_table(table, path)
    tape = load(path)
    assert tape.text == ("caf\ufffd", "ok")
    assert tape.report.replaced_bytes == 1
    np.testing.assert_array_equal(tape.has_polarity, [False, True])


def test_every_count(write: Any) -> None:
    path = write(
        b"timestamp,symbol,headline,polarity,note\n"
        b"10,XYZ,a,0.1,\n"
        b"30,XYZ,c,,\n"
        b"20,XYZ,b\xff\xfe,,\n"  # two bytes that are not UTF-8, out of order
        b"15,ABC,b,,\n"  # out of order
        b"30,XYZ,  c ,,\n"  # a duplicate once stripped
        b"30,ABC,c,,\n"
        b"31,XYZ,c,-0.4,\n"
        b"40,XYZ, ,,\n"
        b"41,QQQ,d,,\n"
        b"42,RRR,d,,\n"
        b"43,QQQ,d,,\n"
        b"500,ABC,z,,\n"
        b"600,ABC,z,,\n"
    )
    tape = load(path, seconds_per_episode_second=1.0)
    report = tape.report
    assert report.read == 13
    assert report.kept == 8
    assert report.empty == 1
    assert report.unknown_symbol == 3
    assert report.unknown_names == ("QQQ", "RRR")
    assert report.duplicates == 1
    assert report.past_end == 0
    assert report.seconds_per_second == 1.0 and report.part == pytest.approx(100 / 590)
    assert report.out_of_order == 2
    assert report.replaced_bytes == 2
    assert report.without_polarity == 6
    assert report.first_timestamp == "10"
    assert report.last_timestamp == "600"
    assert report.ignored_columns == ("note",)
    assert rows_add_up(tape)
    assert tape.text == ("a", "b", "b\ufffd\ufffd", "c", "c", "c", "z", "z")
    np.testing.assert_array_equal(tape.symbol, [0, 1, 0, 0, 1, 0, 1, 1])
    np.testing.assert_array_equal(tape.polarity, [0.1, np.nan, np.nan, np.nan, np.nan, -0.4, np.nan, np.nan])
    assert report.describe() == (
        f"{path}: 8 of 13 headlines, 10 to 600, 1 s a second of the episode, "
        "of which each plays 16.9 % from a random place, 1 empty, 3 of unknown symbols (QQQ, RRR), 1 duplicates, "
        "2 out of order, sorted, 2 undecodable bytes replaced, "
        "6 without polarity (truth drawn from the confusion matrix of length), "
        "columns ignored: note"
    )


def test_report_of_a_clean_file_says_no_more_than_needed(write: Any) -> None:
    path = write("step,headline,polarity\n0,a,0\n7,b,1\n")
    assert load(path).report.describe() == f"{path}: 2 of 2 headlines, step 0 to step 7"


def test_report_names_a_few_unknown_symbols(write: Any) -> None:
    path = write("step,symbol,headline\n0,,a\n" + "".join(f"0,Q{k},a\n" for k in range(9)))
    assert "9 of unknown symbols (Q0, Q1, Q2, …)" in load(path).report.describe()


def test_sorting_is_stable(write: Any) -> None:
    tape = load(write("step,headline\n5,e\n1,a\n5,f\n1,b\n0,z\n1,c\n"))
    assert tape.text == ("z", "a", "b", "c", "e", "f")
    assert tape.report.out_of_order == 4


def test_replacement_characters_of_the_file_itself_are_not_counted(write: Any) -> None:
    assert load(write("step,headline\n0,a \ufffd b\n")).report.replaced_bytes == 0


def test_fit_maps_the_span_with_a_margin(write: Any) -> None:
    tape = load(write("timestamp,headline\n100,a\n125,b\n300,c\n"), episode_seconds=1000.0)
    np.testing.assert_allclose(tape.time_seconds, [10.0, 10.0 + 980.0 / 8, 990.0])
    assert tape.report.past_end == 0


def test_fit_of_a_single_time_stands_at_the_margin(write: Any) -> None:
    tape = load(write("timestamp,headline\n2024-01-02,a\n2024-01-02,b\n"), episode_seconds=1000.0)
    np.testing.assert_allclose(tape.time_seconds, [10.0, 10.0])


def test_a_longer_tape_goes_on_past_the_episode(write: Any) -> None:
    path = write("timestamp,headline\n1000,a\n1010,b\n1998,c\n2000,d\n2501,e\n")
    tape = load(path, seconds_per_episode_second=10.0)
    np.testing.assert_allclose(tape.time_seconds, [0.0, 1.0, 99.8, 100.0, 150.1])
    assert tape.latest_start_seconds == pytest.approx(50.1)
    assert tape.report.past_end == 0
    assert tape.report.last_timestamp == "2501"


def test_a_dense_tape_is_not_squeezed_into_the_episode(write: Any) -> None:
    """Two market-wide headlines and two of one symbol in 1000 s touch a symbol three times: at 0.01 a second, in 300 s."""
    path = write("timestamp,symbol,headline\n0,,a\n100,,b\n200,XYZ,c\n1000,XYZ,d\n")
    tape = load(path, most_per_second=0.01)
    assert tape.report.seconds_per_second == pytest.approx(1000 / 300)
    np.testing.assert_allclose(tape.time_seconds, [0.0, 30.0, 60.0, 300.0])
    assert tape.latest_start_seconds == pytest.approx(200.0)
    loose = load(path, most_per_second=1.0)
    assert loose.latest_start_seconds == 0.0
    np.testing.assert_allclose(loose.time_seconds[[0, -1]], [1.0, 99.0])


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_numbers_since_1970_in_any_unit(write: Any, unit: int) -> None:
    cells = [1_700_000_000 * unit, 1_700_000_030 * unit]
    tape = load(write(f"timestamp,headline\n{cells[0]},a\n{cells[1]},b\n"), seconds_per_episode_second=1.0)
    assert np.diff(tape.time_seconds) == pytest.approx([30.0])


def test_days_without_hyphens_are_days(write: Any) -> None:
    tape = load(write("timestamp,headline\n20240131,a\n20240201,b\n"), seconds_per_episode_second=86_400.0)
    assert np.diff(tape.time_seconds) == pytest.approx([1.0])


def test_dropped_rows_do_not_stretch_the_span(write: Any) -> None:
    tape = load(write("timestamp,symbol,headline\n0,QQQ,a\n10,,b\n20,,c\n99,,\n"))
    np.testing.assert_allclose(tape.time_seconds, [1.0, 99.0])


def test_steps_are_decision_steps(write: Any) -> None:
    tape = load(write("step,headline\n0,a\n7.0,b\n49,c\n50,d\n"))
    np.testing.assert_array_equal(tape.time_seconds, [0.0, 14.0, 98.0])
    assert tape.report.past_end == 1


def test_mixed_zones_are_one_clock_and_none_is_utc(write: Any) -> None:
    path = write("timestamp,headline\n2024-01-02T12:00:00+02:00,a\n2024-01-02 10:00:05,b\n2024-01-02T05:00:20.5-05:00,c\n")
    tape = load(path, seconds_per_episode_second=1.0)
    assert tape.text == ("a", "b", "c")
    np.testing.assert_allclose(tape.time_seconds - tape.time_seconds[0], [0.0, 5.0, 20.5])


def test_other_date_formats(write: Any) -> None:
    feed = "timestamp,headline\n" + '"Wed, 05 Feb 2020 19:43:00 GMT",a\n"Wed, 05 Feb 2020 19:43:30 GMT",b\n'
    np.testing.assert_allclose(np.diff(load(write(feed), seconds_per_episode_second=1.0).time_seconds), [30.0])
    day_first = "timestamp,headline\n13/02/2020,a\n05/03/2020,b\n"
    tape = load(write(day_first), seconds_per_episode_second=86_400.0)
    np.testing.assert_allclose(np.diff(tape.time_seconds), [21.0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"news\.csv: empty; expected a header with 'headline'"),
        ("step,headline\n", r"no rows under the header step, headline"),
        ("step,headlin\n0,a\n", r"no column 'headline'; found: 'step', 'headlin'; nearest: 'headlin'"),
        ("headline,timestam\na,0\n", r"no column 'timestamp' and none 'step'.*nearest: 'timestam'"),
        ("headline,steps\na,0\n", r"no column 'timestamp' and none 'step'.*nearest: 'steps'"),
        ("headline,step,timestamp\na,0,0\n", r"'timestamp' and 'step' both say when"),
        ("headline,step,Headline\na,0,b\n", r"column 'headline' is there 2 times"),
        ("headline,step,symbols\na,0,XYZ\n", r"unknown column 'symbols'; nearest: 'symbol'"),
        ("headline,step,polarty\na,0,1\n", r"unknown column 'polarty'; nearest: 'polarity'"),
        ("step,headline\n0,a\n1,Up, for once\n", r"line 3: 3 cells under a header of 2; .*needs quotes"),
        ("step,symbol,headline\n0,a\n", r"line 2: 2 cells under a header of 3"),
        ('step,headline\n0,a\n1,"open\n2,b\n', r"line 3: not a row of CSV: .*expected quotes"),
        (b"\xff\xfes\x00t\x00", r"UTF-16; expected UTF-8"),
        (b"PAR1 and nothing more", r"not a Parquet file"),
    ],
)
def test_unusable_files(write: Any, content: str | bytes, message: str) -> None:
    path = write(content)
    with pytest.raises(TapeError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))


def test_popularity_is_not_taken_for_polarity(write: Any) -> None:
    assert load(write("headline,step,popularity\na,0,9\n")).report.ignored_columns == ("popularity",)


def test_missing_file_names_the_nearest(write: Any, tmp_path: Path) -> None:
    write("step,headline\n0,a\n", "headlines.csv")
    with pytest.raises(TapeError, match=r"headline\.csv: .*No such file.*nearest: 'headlines\.csv'"):
        load(tmp_path / "headline.csv")
    with pytest.raises(TapeError, match=r"No such file or directory$"):
        load(tmp_path / "nowhere" / "headline.csv")
    with pytest.raises(TapeError, match="Is a directory"):
        load(tmp_path)


def test_parquet_suffix_with_other_content(write: Any) -> None:
    with pytest.raises(TapeError, match="not a Parquet file"):
        load(write("step,headline\n0,a\n", "news.parquet"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("step,headline,polarity\n0,a,\n1,b,1.5\n", r"line 3: polarity '1\.5'; expected a number from -1 to 1"),
        ("step,headline,polarity\n0,a,good\n", r"line 2: polarity 'good'"),
        ("step,headline,polarity\n0,a,nan\n", r"line 2: polarity 'nan'"),
        ("step,headline\n\n0,a\n-1,b\n", r"line 4: step '-1'; expected whole numbers from 0"),
        ("step,headline\n0.5,a\n", r"line 2: step '0\.5'"),
        ("step,headline\n,a\n", r"line 2: step ''"),
        ("step,headline\ninf,a\n", r"line 2: step 'inf'"),
        ("timestamp,headline\n2024-01-02,a\n2024-13-02,b\n", r"line 3: timestamp '2024-13-02'; .*dates as"),
        ("timestamp,headline\n2024-01-02,a\n,b\n", r"line 3: timestamp ''; expected dates"),
        ("timestamp,headline\n2024-01-02,a\nnow,b\n", r"line 3: timestamp 'now'"),
        ("timestamp,headline\n09:30:00,a\n2024-01-02,b\n", r"line 2: timestamp '09:30:00'"),
        ("timestamp,headline\n05/02/2020,a\n13/02/2020,b\n", r"line 3: timestamp '13/02/2020'"),
        ("timestamp,headline\n1,a\n2,b\nsoon,c\n", r"line 4: timestamp 'soon'; expected numbers of seconds"),
        ("timestamp,headline\n1,a\n2,b\n,c\n", r"line 4: timestamp ''; expected numbers of seconds"),
        ("timestamp,headline\n1,a\n2,b\ninf,c\n", r"line 4: timestamp 'inf'"),
        ('timestamp,headline,polarity\n1,a,0\n2,"b\nb",0\n3,c,2\n', r"line 5: polarity '2'"),
    ],
)
def test_bad_cells_name_file_line_and_value(write: Any, content: str, message: str) -> None:
    path = write(content)
    with pytest.raises(TapeError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}, line ")


def test_bad_parquet_cell_names_the_row(tmp_path: Path) -> None:
    path = tmp_path / "news.parquet"
    pd.DataFrame({"step": [0, 1], "headline": ["a", "b"], "polarity": [0.0, -3.0]}).to_parquet(path)
    with pytest.raises(TapeError, match=r"news\.parquet, row 2: polarity '-3\.0'"):
        load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("step,symbol,headline\n0,QQQ,a\n1,XYZW,b\n2,XYZ,\n",
         r"1 without a headline, 2 of unknown symbols \(QQQ, XYZW\); expected one of XYZ, ABC, .*nearest: 'XYZ'"),
        ("step,headline\n0, \n", r"no usable row: 1 without a headline, 0 of unknown symbols$"),
        ("step,headline\n50,a\n60,b\n", r"no usable row: all come past the episode's end at 100 s"),
    ],
)  # fmt: skip
def test_no_usable_row(write: Any, content: str, message: str) -> None:
    path = write(content)
    with pytest.raises(TapeError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("name", ["step_seconds", "episode_seconds", "seconds_per_episode_second"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_durations_are_above_zero(write: Any, name: str, value: float) -> None:
    path = write("timestamp,headline\n0,a\n")
    with pytest.raises(ValueError, match=f"{name} {value!r}; expected a finite number above 0"):
        load(path, **{name: value})


def test_a_rate_does_not_go_with_steps(write: Any) -> None:
    with pytest.raises(TapeError, match=r"column 'step' fixes the times; seconds_per_episode_second"):
        load(write("step,headline\n0,a\n"), seconds_per_episode_second=2.0)


@pytest.mark.skipif(not REAL.exists(), reason="needs the real headlines in ../shared/data, which is absent")
def test_real_headlines() -> None:
    tape = load_tape(REAL, SYMBOLS, get_scorer("vader"), step_seconds=1.0, episode_seconds=3600.0)
    assert tape.report.read == tape.report.kept == tape.report.without_polarity == 453
    assert np.all(tape.symbol == -1)
    assert np.all(np.diff(tape.time_seconds) >= 0)
    np.testing.assert_allclose(tape.time_seconds[[0, -1]], [36.0, 3564.0])
    assert tape.report.first_timestamp == "2020-02-05T19:43:00"
    assert tape.report.last_timestamp == "2020-07-17T19:51:00"
    assert len(np.unique(tape.score)) > 100


NEW_YORK = "09:30-16:00 America/New_York"


def test_a_session_leaves_out_the_time_between_days_and_counts_what_fell_there(write: Any) -> None:
    path = write(
        "timestamp,headline\n"
        "2020-03-05T14:29:59Z,before the opening\n"
        "2020-03-05T14:30:00Z,at the opening\n"
        "2020-03-05T21:00:00Z,at the close\n"
        "2020-03-06T20:59:00Z,a minute before the close of Friday\n"
        "2020-03-07T16:00:00Z,on Saturday\n"
        "2020-03-09T13:31:00Z,a minute after the opening of Monday in summer time\n"
    )
    tape = load(path, seconds_per_episode_second=60.0, session=NEW_YORK)
    day = 6.5 * 60  # minutes of a session
    np.testing.assert_allclose(np.diff(tape.time_seconds), [2 * day - 1, 2.0])
    assert tape.text[0] == "at the opening"
    assert (tape.report.kept, tape.report.outside_session) == (3, 3)
    assert ", 3 outside the session," in tape.report.describe()


def test_a_session_reads_numbers_since_1970_and_refuses_others(write: Any) -> None:
    opening = 1583418600  # 2020-03-05 09:30 in New York
    path = write(f"timestamp,headline\n{opening},a\n{opening + 50},b\n{opening - 1},c\n")
    tape = load(path, seconds_per_episode_second=1.0, session=NEW_YORK)
    np.testing.assert_allclose(np.diff(tape.time_seconds), [50.0])
    with pytest.raises(TapeError, match="line 3: timestamp '50'; expected dates, or seconds since 1970"):
        load(write("timestamp,headline\n10,a\n50,b\n"), session=NEW_YORK)
    with pytest.raises(TapeError, match="session goes with a column 'timestamp' only"):
        load(write("step,headline\n10,a\n50,b\n"), session=NEW_YORK)
    with pytest.raises(TapeError, match="0 without a headline, 1 outside the session"):
        load(write(f"timestamp,headline\n{opening - 1},a\n"), session=NEW_YORK)


@pytest.mark.parametrize(
    ("session", "message"),
    [
        ("9-5", "session '9-5'; expected hours of a day and a time zone, as 09:30-16:00 America/New_York"),
        ("16:00-09:30 UTC", "expected hours that end later on the same day"),
        ("09:30-24:30 UTC", "expected hours that end later on the same day, 24:00 at the latest"),
        ("09:30-16:00 Mars/Olympus", "time zone 'Mars/Olympus'; expected a time zone as Europe/Berlin or UTC"),
        ("09:30-16:00 ../etc", "time zone '../etc'"),
    ],
)
def test_a_session_that_cannot_be_read_is_refused_by_tape_and_configuration(write: Any, session: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        load(write("timestamp,headline\n2020-03-05T14:30:00Z,a\n"), session=session)
    with pytest.raises(ConfigError, match=r"news\.tape_session: value"):
        load_config({"news": {"tape_session": session}})


def test_the_market_plays_the_session_of_its_configuration(write: Any) -> None:
    path = write(
        "timestamp,headline,polarity\n2020-03-05T14:30:00Z,a,0.5\n2020-03-05T03:00:00Z,b,0.5\n2020-03-05T15:30:00Z,c,0.5\n"
    )
    news = {"source": "tape", "tape": str(path), "tape_session": NEW_YORK}
    assert build_market(load_config({"news": news})).texts == ("a", "c")
