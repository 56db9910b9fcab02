"""What `normalise` adds to a headline: which figure moved which way, which numbers it compares."""

import pytest

from mm_env.sentiment.domain import normalise


def tokens(text):
    return sorted({word for word in normalise(text).split() if word.startswith(("mv", "dir", "ev", "num"))})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Revenue rose in the third quarter", ["mvgood"]),
        ("Revenue fell in the third quarter", ["mvbad"]),
        ("Net loss narrowed, costs fell", ["mvgood"]),
        ("Net loss widened", ["mvbad"]),
        ("Unemployment climbs", ["mvbad"]),
        ("Something climbs", ["dirup"]),
        ("Something plunges", ["dirdown"]),
        ("Company wins approval", ["evgood"]),
        ("Company sued over patents", ["evbad"]),
        ("Company avoids bankruptcy", ["evgood"]),
        ("Operating profit was EUR 4.1 mn, up from EUR 3.2 mn", ["mvgood", "numgood"]),
        ("Operating profit totalled 3.2 mln, compared to 4.1 mln a year ago", ["numbad"]),
        ("Operating loss totalled 3.2 mln, compared to 4.1 mln a year ago", ["numgood"]),
        ("Sales decreased to EUR 10,000 from EUR 9,000", ["mvbad", "numgood"]),
        ("The meeting is on 4 May 2020", []),
        ("Ratio of 3 compared to 3", []),
        ("", []),
    ],
)
def test_statements(text, expected):
    assert tokens(text) == expected


def test_numbers_links_and_tickers_are_folded():
    told = normalise("$AAPL up 3.5% &amp; more: https://t.co/Ab1 1,234.56")
    assert "https" not in told and "aapl" not in told and "amp" not in told
    assert "cashtag" in told and "pct" in told
    assert "1" not in told and "234" not in told
    assert normalise("Profit of 12 mln") == normalise("profit of 9.75 mln")


def test_a_negation_marks_the_next_word():
    assert "not_growing" in normalise("Sales are not growing")
    assert "not_deliver" in normalise("Company fails to deliver")


@pytest.mark.parametrize("text", ["loss " * 2000, "from 1 to " * 500, "9" * 5000, "\u2028\x00", "to 1.. from 2,,"])
def test_odd_texts_take_no_time_and_raise_nothing(text):
    assert isinstance(normalise(text), str)
