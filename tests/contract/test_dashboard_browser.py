"""The dashboard in a real browser: its pages are opened, a market is run, a chart is seen to change.

Needs the Chromium of the system and Playwright, and skips without them. DASHBOARD_SHOTS=FOLDER keeps the screenshots there.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.contract.dashboard_runs import make_runs

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "dashboard.py"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_MS = 120_000  # on a machine that is busy with other tests
SMALL, TALL = {"width": 1300, "height": 800}, {"width": 1500, "height": 1900}  # the more is seen, the more is painted
LAST_OF_MID = """() => {
    const lines = [...document.querySelectorAll('.js-plotly-plot')].flatMap(chart => chart._fullData || []);
    const time = (lines.find(line => line.name === 'mid') || {}).x;
    return time && time.length ? time[time.length - 1] : -1;
}"""
LANDMARKS = {
    "Saved run": "Profit an episode", "Compare": "Reward less that of the baseline", "Scenarios": "Surface",
    "Training": "evaluation/reward",
}  # fmt: skip


def free_port():
    with socket.socket() as place:
        place.bind(("localhost", 0))
        return place.getsockname()[1]


def wait_for(url, process):
    for _ in range(600):
        assert process.poll() is None, "the dashboard ended by itself"
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the dashboard did not come up")


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory):
    """Address of a dashboard that looks below a folder with one of everything."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "runs").mkdir()
    make_runs(folder / "runs")
    port = free_port()
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "--port", str(port), "--runs", "runs"],
        cwd=folder, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        wait_for(f"http://localhost:{port}", process)
        yield f"http://localhost:{port}"
        process.send_signal(signal.SIGINT)  # a person's Ctrl-C
        process.wait(timeout=30)
        said = (folder / "log").read_text()
        assert "Traceback" not in said, said
    finally:
        process.kill()
        process.wait()
        log.close()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    playwright.expect.set_options(timeout=PATIENCE_MS)
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def tab(browser, dashboard):
    """A tab on the live page that lets nothing out of this machine, and keeps what it asked for."""
    page = browser.new_page(viewport=SMALL)
    page.set_default_timeout(PATIENCE_MS)
    page.asked = []

    def route(call):
        page.asked.append(call.request.url)
        if re.match(rf"(data:|blob:|ws://localhost|{dashboard})", call.request.url):
            call.continue_()
        else:
            call.abort()

    page.route("**/*", route)
    page.goto(dashboard)
    yield page
    page.close()


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    folder = Path(os.environ.get("DASHBOARD_SHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def step_of(page):
    return int(page.get_by_test_id("stMetricValue").first.inner_text().replace(",", ""))


def picture(page, path):
    page.set_viewport_size(TALL)
    page.wait_for_timeout(1500)  # for charts to take their new width
    page.screenshot(path=path)
    page.set_viewport_size(SMALL)
    assert path.stat().st_size > 20_000 and path.read_bytes().startswith(b"\x89PNG")


def no_traceback(page):
    assert page.get_by_test_id("stException").count() == 0


def test_a_market_runs_before_ones_eyes_and_every_page_opens(tab, dashboard, shots):
    from playwright.sync_api import expect

    press(tab, "Start")
    tab.wait_for_function(f"({LAST_OF_MID})() >= 20", polling=500)
    before = tab.evaluate(LAST_OF_MID)
    tab.wait_for_function(f"({LAST_OF_MID})() > {before}", polling=500)
    press(tab, "Pause")
    expect(tab.get_by_role("button", name="Start", exact=True)).to_be_visible()
    tab.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length === 6")
    step = step_of(tab)
    press(tab, "Step")
    expect(tab.get_by_test_id("stMetricValue").first).to_have_text(str(step + 1))
    picture(tab, shots / "live.png")
    for title, landmark in LANDMARKS.items():
        tab.get_by_role("link", name=title).click()
        expect(tab.get_by_text(landmark).first).to_be_visible()
        tab.wait_for_function("() => document.querySelectorAll('.js-plotly-plot .main-svg').length > 0")
        tab.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget]')")
        no_traceback(tab)
        picture(tab, shots / f"{title.lower().replace(' ', '_')}.png")
    tab.get_by_role("link", name="Live").click()
    expect(tab.get_by_test_id("stMetricValue").first).to_have_text(str(step + 1))
    assert [url for url in tab.asked if not re.match(rf"(data:|blob:|ws://localhost|{dashboard})", url)] == []


def test_a_bad_value_is_a_message_and_tabs_are_apart(tab, browser, dashboard, shots):
    from playwright.sync_api import expect

    other = browser.new_page()
    other.set_default_timeout(PATIENCE_MS)
    other.goto(dashboard)
    press(tab, "Step")
    expect(tab.get_by_test_id("stMetricValue").first).to_have_text("1")
    expect(other.get_by_text("Choose a market, a policy")).to_be_visible()
    tab.get_by_text("policy", exact=True).click()
    field = tab.get_by_role("spinbutton", name="min tick [currency]")
    field.fill("-5")
    field.press("Enter")
    alert = tab.get_by_test_id("stAlert").filter(has_text="policy.min_tick: value -5")
    expect(alert).to_be_visible()
    no_traceback(tab)
    picture(tab, shots / "bad_value.png")
    expect(tab.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    field.fill("0.02")
    field.press("Enter")
    expect(alert).to_be_hidden()
    assert other.get_by_test_id("stMetricValue").count() == 0  # what was begun in one tab is not in another
    other.close()
