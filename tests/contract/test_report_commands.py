"""`--report` of the commands, the reports of comparisons and scenarios, the page in a real browser, and the gallery."""

import json
import shutil
from types import SimpleNamespace

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from mm_env.cli.app import program, single
from mm_env.reports.report import read_report
from mm_env.reports.report.content import Chart
from mm_env.reports.report.html import html_of
from mm_env.reports.report.numbers import number
from mm_env.reports.report.scenarios import _reading
from scripts.tools import gallery
from tests.unit.reports.test_report import Page, quick  # noqa: F401 (the fixture)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
STEPS = ("--set", "episode.steps=40")


def run(command, *arguments):
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A run, a comparison and scenarios, each with its report."""
    place = tmp_path_factory.mktemp("reports")
    run(single("baseline"), "--episodes", 2, "--steps", 40, "--log-level", "error", "--out", place / "run", "--report")
    run(
        single("compare"),
        "--agents",
        "as,fixed",
        "--episodes",
        6,
        *STEPS,
        "--resamples",
        100,
        "--out",
        place / "agents",
        "--report",
    )
    run(single("scenarios"), "--scenarios", "quick", "--episodes", 4, *STEPS, "--out", place / "scenarios", "--report")
    return place


def test_each_command_writes_both_files(folders):
    for name in ("run", "agents", "scenarios"):
        assert (folders / name / "report.pdf").read_bytes().startswith(b"%PDF")
        assert (folders / name / "report.html").read_text("utf-8") == html_of(read_report(folders / name))


def test_a_comparison_says_what_its_files_say(folders):
    page = Page((folders / "agents" / "report.html").read_text("utf-8"))
    about = json.loads((folders / "agents" / "comparison.json").read_text())
    assert page.headings == [
        "Summary",
        "Differences and distributions",
        "What the reward is made of",
        "Configuration and seeds",
    ]
    row = page.row("Reward of an episode [currency], and its difference on the same episodes", "fixed")
    (fixed,) = [one for one in about["rows"] if one["agent"] == "fixed"]
    digits = 0 if max(abs(one["reward"]) for one in about["rows"]) >= 100.0 else 2
    assert row["less as"] == number(fixed["reward_difference"], digits, sign=True)
    assert row["better in [%]"] == number(100.0 * fixed["improvement"])
    terms = page.row("Weighted terms, mean of an episode [currency]", "fixed")
    assert terms["reward, the sum"] == number(fixed["reward"], 1)
    assert (folders / "agents" / "config.yaml").read_text().strip() in "".join(page.text)
    assert page.row("What was compared", "configuration hash")["value"] == about["config_hash"]


def test_a_comparison_of_the_classic_market_counts_inventory_in_units(tmp_path):
    run(single("compare"), "--classic", "--agents", "as,fixed", "--episodes", 6, "--resamples", 100, "--out", tmp_path,
        "--log-level", "error", "--report")  # fmt: skip
    about = json.loads((tmp_path / "comparison.json").read_text())
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    row = page.row("Profit and risk, mean of an episode [currency where no other unit stands]", "as")
    assert row["sd of inventory [units]"] == number(about["rows"][0]["inventory_sd"], 2)


def test_scenarios_have_their_surface_tails_and_paths(folders):
    page = Page((folders / "scenarios" / "report.html").read_text("utf-8"))
    table = pd.read_parquet(folders / "scenarios" / "scenarios.parquet")
    assert page.headings == ["Summary", "Differences from the base", "Surface", "Paths", "Configuration and seeds"]
    for _, one in table.iterrows():
        assert page.row("Profit of an episode [currency]", one["scenario"])["profit"] == number(one["profit"])
    crash = table.set_index("scenario").loc["flash_crash"]
    caption = "Profit less that of the base on the same episodes, whose random numbers are the same [currency an episode]"
    assert page.row(caption, "flash_crash")["difference"] == number(crash["difference"], sign=True)
    names = [block.name for _, block in read_report(folders / "scenarios").blocks() if isinstance(block, Chart)]
    assert {"surface_profit", "surface_es_99", "surface_over_limit", "fan_profit", "fan_inventory"} <= set(names)


def test_a_base_that_loses_is_none_of_the_other_scenarios():
    columns = ["scenario", "profit", "profit_high", "difference_high"]
    table = pd.DataFrame([["base", -9.0, -1.0, 0.0], ["calm", -5.0, -2.0, 7.0], ["wild", 3.0, 4.0, 20.0]], columns=columns)
    assert "Of 2 other scenarios 0 earn less with 95 % confidence, 1 lose money" in _reading(SimpleNamespace(table=table))


def test_a_run_takes_the_surface_of_its_market(folders):
    report = read_report(folders / "run", scenarios=folders / "scenarios")
    (section,) = [section for section in report.sections if section.title == "Scenarios"]
    assert any(isinstance(block, Chart) and block.name == "surface_profit" for block in section.blocks)


def test_a_new_comparison_takes_the_old_report_away(folders, tmp_path):
    shutil.copytree(folders / "agents", tmp_path / "again")
    run(single("compare"), "--agents", "as,fixed", "--episodes", 4, *STEPS, "--resamples", 100, "--out", tmp_path / "again")
    assert not list((tmp_path / "again").glob("report.*"))


def test_a_browser_without_network_draws_every_figure(folders):
    driver = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with driver.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = opened.new_context(offline=True, viewport={"width": 1180, "height": 900})
        for name in ("run", "agents", "scenarios"):
            page, asked, said = context.new_page(), [], []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            address = (folders / name / "report.html").as_uri()
            page.goto(address)
            charts = sum(isinstance(block, Chart) for _, block in read_report(folders / name).blocks())
            page.wait_for_function(
                "count => [...document.querySelectorAll('.js-plotly-plot')]"
                ".filter(plot => plot.querySelector('.main-svg')).length === count",
                arg=charts, timeout=120_000,
            )  # fmt: skip
            assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [address] and said == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 1180  # nothing is cut off to the right
            page.close()
        opened.close()


def test_the_gallery_is_small_pictures_of_few_colours(tmp_path):
    run(
        program("gallery", gallery.main),
        "--no-browser",
        "--episodes",
        4,
        "--steps",
        60,
        "--out",
        tmp_path,
        "--log-level",
        "error",
    )
    names = {path.stem for path in tmp_path.iterdir()}
    assert names == {"quotes", "episode", "profit", "risk", "sentiment", "attribution", "router", "agents", "scenarios"}
    for path in tmp_path.iterdir():
        assert path.stat().st_size <= gallery.MOST_BYTES
        with Image.open(path) as picture:
            assert picture.mode == "P" and abs(picture.width - gallery.WIDTH) <= 2
            assert len(set(picture.convert("RGB").getdata())) > 10  # something is drawn


def test_a_gallery_in_the_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "taken").touch()
    result = CliRunner().invoke(program("gallery", gallery.main), ["--no-browser", "--out", str(tmp_path / "taken")])
    assert result.exit_code == 2 and "cannot be a file" in result.stderr


def test_the_pictures_that_stand_in_the_repository_are_those_of_the_gallery():
    kept = {path.stem for path in gallery.PICTURES.glob("*")}
    assert kept >= {"quotes", "risk", "attribution", "router", "scenarios", "report", "dashboard_live"}
    assert all(path.suffix == ".png" and path.stat().st_size <= gallery.MOST_BYTES for path in gallery.PICTURES.glob("*"))
