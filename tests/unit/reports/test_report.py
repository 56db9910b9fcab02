"""Reports: what they say is what the folder holds, nothing from data runs or is fetched, and odd runs have one too."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pandas as pd
import pytest
from typer.testing import CliRunner

from mm_env.errors import RunError, UsageError
from mm_env.reports.report import read_report, write_report
from mm_env.reports.report.content import Chart, Table, split_columns
from mm_env.reports.report.html import html_of
from mm_env.reports.report.numbers import UNKNOWN, between, number, with_error
from mm_env.reports.report.pdf import pdf_of
from mm_env.runs import read_run
from mm_env.runs.baseline import Baseline, run_baseline

STEPS = 60
EVIL = "</script><script>alert('XYZ')</script> & <img src=https://example.org/x.png> 中文 €"
LONG = "XYZ " + "says a very long thing about its business, " * 12
NEWS = pd.DataFrame(
    {"step": [5, 20, 40], "symbol": ["XYZ", "", "ABC"], "headline": [EVIL, LONG, "ABC falls"], "polarity": [0.9, -0.5, -0.7]}
)
SECTIONS = [
    "Summary", "Equity and drawdown", "Inventories", "Quotes and fills", "Sentiment and headlines",
    "Value at risk and hedges", "Attribution of the profit", "Venues", "Configuration and seeds",
]  # fmt: skip


class Page(HTMLParser):
    """Headings, tables (caption -> rows of cells), text outside scripts, and every address that is referred to."""

    def __init__(self, text):
        super().__init__()
        self.headings, self.tables, self.text, self.addresses, self.tags = [], {}, [], [], []
        self._cell, self._caption, self._rows, self._open = None, "", [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._open.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "data", "action", "poster")]
        if tag in ("h1", "h2", "caption", "td", "th"):
            self._cell = ""
        if tag == "tr":
            self._rows.append([])

    def handle_endtag(self, tag):
        if tag == "h2":
            self.headings.append(self._cell)
        elif tag == "caption":
            self._caption = self._cell
        elif tag in ("td", "th"):
            self._rows[-1].append(self._cell)
        elif tag == "table":
            self.tables[self._caption], self._rows = self._rows, []
        if tag in ("h2", "caption", "td", "th"):
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data
        if self.lasttag not in ("script", "style"):
            self.text.append(data)

    def row(self, caption, name):
        header, *rows = self.tables[caption]
        return dict(zip(header, next(row for row in rows if row[0] == name), strict=True))


@pytest.fixture(autouse=True, scope="module")
def quick():
    """Figures of the documents are small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mm_env.reports.report.pdf.DOTS_PER_INCH", 40)
        yield


def play(folder, **changes):
    overrides = {"risk.portfolio_var_limit": 60.0, **changes.pop("overrides", {})}
    options = {"episodes": 3, "steps": STEPS, "log_every": 0, "overrides": overrides} | changes
    run_baseline(Baseline(folder, **options))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    NEWS.to_csv(folder / "news.csv", index=False)
    return play(folder / "run", news=folder / "news.csv")


@pytest.fixture(scope="module")
def written(run):
    found = write_report(run)
    return found.html.read_text("utf-8"), found.pdf.read_bytes()


@pytest.fixture(scope="module")
def page(written):
    return Page(written[0])


def test_every_section_stands_in_both(written, page):
    assert page.headings == SECTIONS
    outline = re.findall(rb"/Title \((.*?)\)", written[1])
    assert [title.decode() for title in outline if title != b"Run of two_symbols"] == SECTIONS


def test_the_numbers_are_those_of_the_summary(run, page):
    summary = json.loads((run / "summary.json").read_text())
    caption = "Statistics an episode; ± one standard error over episodes"
    p = summary["portfolio"]
    profit = page.row(caption, "profit, mean [currency]")
    assert profit["portfolio"] == f"{number(p['profit']['value'])} ± {number(p['profit']['error'])}"
    assert profit["ABC"] == with_error(summary["symbols"]["ABC"]["profit"])
    assert page.row(caption, "VaR over its limit [% of steps]")["portfolio"].startswith(
        number(100.0 * p["over_limit"]["value"], 2)
    )
    assert page.row(caption, "inventory limit of quotes [lots]")["XYZ"] == "200"
    margins = summary["attribution"]
    terms = page.row("By venue: currency, mean of an episode", "profit")
    assert terms == {"term": "profit", "all": number(margins["all"]["all"]["profit"])} | {
        venue: number(part["profit"]) for venue, part in margins["venues"].items()
    }
    marks = page.row("Mark-outs of own quotes' fills [bps of the traded value, before fees]; ± one standard error", "all")
    found = {row["horizon_seconds"]: row for row in summary["markouts"] if row["venue"] == "all"}
    assert marks["after 10 s"] == with_error(found[10.0]["bps"], 2) and marks["fills"] == number(found[0.0]["fills"])


def test_venues_and_hedges_are_those_of_the_tables(run, page):
    found = read_run(run)
    caption = next(name for name in page.tables if name.startswith("Venues: lots"))
    row = page.row(caption, "BETA")
    weight = found.venues.loc[(found.venues["episode"] == 0) & (found.venues["venue"] == "BETA"), "weight"].mean()
    assert row["router weight [%]"] == number(100.0 * weight, 1)
    assert row["filled / posted [%]"] == with_error(found.summary["venues"]["BETA"]["fill_ratio"], 2, 100.0)
    hedges = found.fills[found.fills["role"] == "hedge"]
    assert len(hedges) > 0
    signed = (hedges["price"] - hedges["mid"]) * hedges["side"].map({"buy": 1, "sell": -1}) * hedges["quantity"] * 100.0
    total = page.row("Fills of hedges by symbol, episode 0; the crossing cost is against the mid at the fill", "all")
    assert total["fills"] == number(len(hedges)) and total["crossing cost [currency]"] == number(signed.sum())
    assert int(total["bought [lots]"]) + int(total["sold [lots]"]) == hedges["quantity"].sum()


def test_the_page_fetches_nothing_and_runs_nothing_of_the_data(run, written, page):
    text = written[0]
    assert all(address.startswith("#") for address in page.addresses)
    assert "default-src 'none'" in text and "@import" not in text and "url(" not in text.split("<script>")[0]
    assert set(page.tags).isdisjoint({"link", "iframe", "img", "object", "embed", "base"})
    charts = sum(isinstance(block, Chart) for _, block in read_report(run).blocks())
    plots = text.count('<div id="plot-')
    assert plots == charts > 8 and text.count("plotly.js v") == 1
    assert EVIL not in text and "<script>alert" not in text and "&lt;script&gt;alert" in text
    assert EVIL in "".join(page.text)  # told letter by letter


def test_figures_hold_the_fills_and_the_hedges(run, written):
    fills = read_run(run).fills
    fills = fills[fills["episode"] == 0]
    from mm_env.reports import charts

    found = read_run(run)
    s, f, h = (charts.one_episode(table, 0) for table in (found.steps, found.fills, found.headlines))
    drawn = charts.prices_chart(s, f, h, "XYZ")
    shown = {trace.name: len(trace.x) for trace in drawn.data}
    for role, side, name in (
        ("maker", "buy", "fill: bought"),
        ("maker", "sell", "fill: sold"),
        ("hedge", "buy", "hedge: bought"),
    ):
        count = ((fills["symbol"] == "XYZ") & (fills["role"] == role) & (fills["side"] == side)).sum()
        assert shown.get(name, 0) == count
    risk = {trace.name: trace for trace in charts.risk_chart(s).data}
    assert len(risk["a hedge was sent"].x) == s["hedged"].sum() > 0
    assert (risk["a hedge was sent"].y > s["var_limit"].iloc[0]).all()
    equity = {trace.name: trace for trace in charts.equity_chart(s).data}
    assert -equity["drawdown"].y.min() == pytest.approx((s["pnl"].clip(lower=0).cummax() - s["pnl"]).max(), rel=1e-5)


def test_the_document_has_numbered_pages_and_long_headlines_in_whole(written, tmp_path):
    document = written[1]
    pages = len(re.findall(rb"/Type /Page\b(?!s)", document))
    assert document.startswith(b"%PDF") and 6 <= pages <= 16
    if shutil.which("pdftotext") is None:
        pytest.skip("needs pdftotext, of poppler")
    (tmp_path / "report.pdf").write_bytes(document)
    text = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "report.pdf", "-"], capture_output=True, check=True
    ).stdout.decode()
    assert [int(found) for found in re.findall(r"page (\d+)", text)] == list(range(1, pages + 1))
    assert "alert('XYZ')" in text and "€" in text and "\N{REPLACEMENT CHARACTER}" in text
    assert text.count("very long thing") >= 24  # twelve times in each of the two tables that tell it


def test_another_recorded_episode_is_drawn_if_asked_for(tmp_path):
    play(tmp_path, record=2, episodes=2, steps=20)
    captions = [block.caption for _, block in read_report(tmp_path, episode=1).blocks() if isinstance(block, Chart)]
    assert any("episode 1" in caption for caption in captions) and not any("episode 0" in caption for caption in captions)
    with pytest.raises(UsageError, match="--episode 2: not recorded; expected 0, 1"):
        read_report(tmp_path, episode=2)


ODD = {
    "one symbol": {"config": "one_symbol"},
    "one episode without hedges": {"episodes": 1, "overrides": {"risk.hedge_portfolio_on_breach": False}},
    "without fills and news": {"policy": "fixed", "overrides": {"policy.base_spread_bps": 900.0, "news.source": "none"}},
}


@pytest.mark.parametrize("name", ODD)
def test_odd_runs_have_a_report(tmp_path, name):
    play(tmp_path, **{"steps": 20, "episodes": 2} | ODD[name])
    report = read_report(tmp_path)
    found = Page(html_of(report))
    assert found.headings == SECTIONS
    text = "".join(found.text)
    assert "nan" not in re.split(r"\W+", text.lower()) and "None" not in re.split(r"\W+", text)
    assert pdf_of(report).startswith(b"%PDF")
    told = {
        "one symbol": ("XYZ",),
        "one episode without hedges": ("does not hedge", "No hedge was filled", "no errors are known"),
        "without fills and news": ("No headline came", "the run had none", UNKNOWN),
    }
    assert all(words in text for words in told[name])


@pytest.mark.parametrize("steps", [0, 7])
def test_a_run_that_was_stopped_says_so(tmp_path, steps):
    count = iter(range(1000))
    run_baseline(Baseline(tmp_path, episodes=2, steps=50, log_every=0), stop=lambda: next(count) == steps)
    text = "".join(Page(html_of(read_report(tmp_path))).text)
    assert "stopped before its end" in text
    assert ("first step" in text) == (steps == 0) and ("Equity" in text) == (steps > 0)
    assert write_report(tmp_path).pdf.stat().st_size > 5000


def test_many_venues_and_symbols_stay_small_and_split(tmp_path):
    play(tmp_path, config="five_symbols", steps=30, episodes=2)
    found = Page(html_of(read_report(tmp_path)))
    widths = [len(row) for rows in found.tables.values() for row in rows]
    assert max(widths) <= 9
    by_venue = [rows for caption, rows in found.tables.items() if caption.startswith("By venue")]
    assert len(by_venue) == 2 and len(by_venue[0][0]) + len(by_venue[1][0]) == 2 + 11
    assert (tmp_path / "config.yaml").read_text().strip() in "".join(found.text)
    written = write_report(tmp_path)
    assert written.html.stat().st_size < 8_000_000 and written.pdf.stat().st_size < 4_000_000


def test_anything_else_is_refused(tmp_path, run):
    with pytest.raises(RunError, match="not a folder"):
        read_report(tmp_path / "none")
    with pytest.raises(
        RunError, match=r"holds no summary\.json, comparison\.json or about\.json; expected a folder of mm-env"
    ):
        read_report(tmp_path)
    (tmp_path / "comparison.json").write_text("{}")
    with pytest.raises(UsageError, match=r"--episode 1: .* is not a run"):
        read_report(tmp_path, episode=1)
    with pytest.raises(RunError, match="cannot read the comparison"):
        read_report(tmp_path)
    with pytest.raises(UsageError, match="no results of scenarios"):
        read_report(run, scenarios=tmp_path)


def test_the_command_writes_the_same_bytes_where_it_is_told_and_refuses_without_a_traceback(tmp_path, run, written):
    from mm_env.cli.app import single

    app = single("report")
    told = CliRunner().invoke(app, [str(run), "--html", str(tmp_path / "a" / "page.html"), "--pdf", str(tmp_path / "b.pdf")])
    assert told.exit_code == 0 and told.output.split() == [str(tmp_path / "a" / "page.html"), str(tmp_path / "b.pdf")]
    assert (tmp_path / "a" / "page.html").read_text("utf-8") == written[0]
    assert (tmp_path / "b.pdf").read_bytes() == written[1]
    refused = CliRunner().invoke(app, [str(tmp_path)])
    assert refused.exit_code == 2 and "expected a folder of mm-env baseline" in refused.output


def test_numbers_are_written_for_people():
    assert number(-1234.5) == "−1,234" and number(0.001, 2) == "0.00" and number(-0.001, 2) == "0.00"
    assert number(12.0, sign=True) == "+12" and number(None) == number(float("nan")) == UNKNOWN
    assert with_error({"value": 0.25, "error": 0.01}, 1, 100.0) == "25.0 ± 1.0"
    assert with_error({"value": 2.0, "error": None}, 1) == "2.0" and with_error({"value": None, "error": None}) == UNKNOWN
    assert between(-1.0, 2.0) == "−1 to 2" and between(None, None) == UNKNOWN


def test_wide_tables_go_on_below():
    header = ["term", *map(str, range(17))]
    tables = split_columns("caption", header, [header])
    assert [len(table.header) for table in tables] == [7, 7, 6] and tables[2].caption == "caption, continued"
    assert [cell for table in tables for cell in table.header[1:]] == header[1:]
    with pytest.raises(ValueError, match="a row of 1 cells under 2 names"):
        Table("caption", ("a", "b"), (("x",),))
