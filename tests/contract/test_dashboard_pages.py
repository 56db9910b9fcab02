"""Each page of the dashboard, run by Streamlit without a browser: what is asked is shown, and a mistake is a message."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from mm_env.cli.dashboard import APP
from mm_env.config.io import dump_config, load_config
from mm_env.envs.env import MultiVenueEnv
from mm_env.errors import UsageError
from tests.contract.dashboard_runs import make_runs

PAGES = ("live", "saved", "compare", "scenarios", "training")
SECONDS = 120.0  # on a machine that is busy with other tests


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """On a machine where the kernels are new, let them be compiled before a page's patience begins to run out."""
    MultiVenueEnv().close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("dashboard") / "runs"
    root.mkdir()
    make_runs(root)
    return root


def draw(name):
    import importlib

    importlib.import_module(f"mm_env.dashboard.page_{name}").page()


@pytest.fixture
def page(monkeypatch):
    def of(name, root):
        monkeypatch.setenv("MM_ENV_RUNS", str(root))
        return well(AppTest.from_function(draw, args=(name,), default_timeout=SECONDS).run())

    return of


def well(at):
    assert not at.exception, [found.value for found in at.exception]
    return at


def errors(at):
    """Messages without the escapes of Markdown."""
    return [found.value.replace("\\", "") for found in well(at).error]


def metric(at, label):
    return next(found for found in at.metric if found.label == label)


def charts(at):
    return {found.key or found.proto.id: json.loads(found.proto.spec) for found in at.get("plotly_chart")}


def press(at, key):
    return well(at.button(key=key).click().run())


@pytest.fixture
def live(page, tmp_path):
    return page("live", tmp_path)


def test_the_live_page_waits_to_be_started_with_a_field_for_every_parameter(live):
    assert "press **Start**" in live.info[0].value and not live.metric
    asked = [field.key for kind in ("number_input", "selectbox", "toggle", "text_input") for field in live.get(kind)]
    raw = load_config().model_dump()
    for section in ("news", "policy", "risk", "reward", "episode"):
        assert {f"two_symbols|{section}.{key}" for key in raw[section]} <= set(asked)
    assert live.number_input(key="two_symbols|risk.portfolio_var_limit").value == 280.0


def test_a_market_runs_pauses_steps_and_starts_again(live):
    live.slider(key="speed").set_value(30)
    press(live, "start")
    assert live.button(key="start").label == "Pause" and metric(live, "Step").value == "30"
    before = charts(live)
    assert len(before) == 6
    well(live.run())
    assert metric(live, "Step").value == "60"
    assert before != charts(live)
    press(live, "start")
    assert live.button(key="start").label == "Start" and metric(live, "Step").value == "60"
    well(live.run())
    assert metric(live, "Step").value == "60"
    press(live, "step")
    assert metric(live, "Step").value == "61"
    position, profit = metric(live, "XYZ position [lots]").value, metric(live, "Profit [currency]").value
    press(live, "reset")
    assert metric(live, "Step").value == "0" and metric(live, "Profit [currency]").value == "0.00"
    live.slider(key="speed").set_value(61)
    press(live, "start")
    assert (metric(live, "XYZ position [lots]").value, metric(live, "Profit [currency]").value) == (position, profit)


def test_an_episode_ends_and_is_saved_as_a_run(live, page, tmp_path):
    live.number_input(key="two_symbols|episode.steps").set_value(25)
    live.slider(key="speed").set_value(20)
    press(live, "start")
    well(live.run())
    assert metric(live, "Step").delta == "of 25, ended" and live.button(key="start").label == "Start"
    assert live.button(key="start").disabled and live.button(key="step").disabled and not live.button(key="reset").disabled
    press(live, "save")
    (folder,) = tmp_path.iterdir()
    assert str(folder) in live.success[0].value
    saved = page("saved", tmp_path)
    assert f"{json.loads((folder / 'summary.json').read_text())['portfolio']['profit']['value']:,.0f}" == (
        metric(saved, "Profit an episode [currency]").value
    )


def test_changed_settings_are_those_of_the_next_market(live):
    press(live, "step")
    live.number_input(key="two_symbols|risk.portfolio_var_limit").set_value(123.0)
    live.selectbox(key="policy").set_value("fixed")
    well(live.run())
    assert "have changed" in live.warning[0].value and "limit 280" in metric(live, "VaR [currency]").delta
    press(live, "reset")
    assert not live.warning and "limit 123" in metric(live, "VaR [currency]").delta
    assert live.session_state["market"].policy.name == "fixed"


@pytest.mark.parametrize(
    "kind, key, value, told",
    [
        ("number_input", "two_symbols|policy.min_tick", 5.0, "policy.min_tick: value 5.0: expected at most max_tick, 0.04"),
        ("number_input", "two_symbols|episode.steps", 0, "episode.steps: value 0: expected a whole number from 1 to 1e+07"),
        ("text_input", "two_symbols|symbols.XYZ.name", "ABC", "ABC"),
        ("text_input", "two_symbols|news.scorer", "nobody", "news.scorer"),
        ("text_input", "two_symbols|flow.hawkes_alpha", "[9.0, 9.0]", "branching ratio"),
        ("selectbox", "two_symbols|news.source", "tape", "news.tape"),
        ("text_area", "overrides", "policy: {risk_aversoin: 0.1}", "nearest: 'risk_aversion'"),
        ("selectbox", "preset", "two_symbls", "nearest: 'two_symbols'"),
        ("selectbox", "policy", "ass", "policy 'ass'"),
        ("selectbox", "policy", "ppo:nowhere", "ppo:nowhere: no such file or folder"),
    ],
)
def test_a_bad_value_is_a_message_and_nothing_else(live, kind, key, value, told):
    field = next(found for found in live.get(kind) if found.key == key)
    if kind == "selectbox" and value not in field.options:
        field.options.append(value)  # as if it had been typed
    field.set_value(value)
    well(live.run())
    if not errors(live):  # of those that building the market finds
        press(live, "start")
        assert not live.session_state["running"] and live.button(key="start").label == "Start"
    assert any(told in message for message in errors(live)), errors(live)
    assert "market" not in live.session_state


def test_overrides_may_change_the_symbols_of_which_the_first_are_shown(live, monkeypatch):
    monkeypatch.setattr("mm_env.dashboard.page_live.MOST_SYMBOLS", 1)  # as many again would compile another kernel
    live.text_area(key="overrides").set_value("symbols: [AA, BB]\nepisode: {steps: 30}")
    press(live, "step")
    assert [found.label for found in live.metric][4:] == ["AA position [lots]"]
    assert metric(live, "Step").delta == "of 30" and len(charts(live)) == 4


def test_a_policy_that_does_not_fit_stops_with_its_message(live, monkeypatch):
    press(live, "step")

    def act(self, env):
        raise UsageError("ppo:x: was trained on other observations")

    monkeypatch.setattr(type(live.session_state["market"].policy), "act", act)
    press(live, "start")
    assert errors(live) == ["ppo:x: was trained on other observations"] and not live.session_state["running"]
    assert live.button(key="start").label == "Start"
    press(live, "reset")
    assert errors(live) == [] and metric(live, "Step").value == "0"


def test_a_trained_agent_below_the_folder_of_runs_quotes_and_one_of_another_market_is_told_of(page, tmp_path):
    from stable_baselines3 import PPO

    folder = tmp_path / "ppo"
    folder.mkdir()
    PPO("MlpPolicy", MultiVenueEnv(), n_steps=8, batch_size=8, device="cpu").save(folder / "model.zip")
    (folder / "run.json").write_text(json.dumps({"algo": "ppo", "classic": False, "action_mode": "residual"}))
    dump_config(load_config(), folder / "market.yaml")
    live = page("live", tmp_path)
    live.selectbox(key="policy").set_value(f"ppo:{folder}")
    press(live, "step")
    assert metric(live, "Step").value == "1" and live.session_state["market"].policy.name == f"ppo:{folder}"
    live.selectbox(key="preset").set_value("one_symbol")
    well(live.run())
    press(live, "reset")
    press(live, "step")
    assert "was trained on (36,)" in errors(live)[0] and metric(live, "Step").value == "0"


@pytest.mark.parametrize("name", PAGES[1:])
def test_a_page_without_a_folder_says_what_makes_one(name, page, tmp_path):
    at = page(name, tmp_path)
    assert "yet" in at.info[0].value and at.code[0].value.startswith("mm-env ")


@pytest.mark.parametrize("name, label", [("saved", "a run"), ("compare", "a comparison"), ("scenarios", "scenarios")])
def test_a_folder_that_is_none_is_told_of(name, label, page, tmp_path):
    at = page(name, tmp_path)
    at.text_input(key=f"path of {label}").set_value(str(tmp_path / "nothing"))
    well(at.run())
    assert [str(tmp_path / "nothing") in message for message in errors(at)] == [True]


def test_a_saved_run_is_opened_with_its_charts_tables_and_downloads(runs, page, monkeypatch):
    at = page("saved", runs)
    episode = next(found for found in at.selectbox if found.label == "Episode")
    assert list(episode.options) == ["0", "1"]
    drawn = charts(at)
    assert len(drawn) == 10
    episode.set_value(1)
    assert charts(well(at.run())) != drawn
    names = {found.proto.label for found in at.get("download_button")}
    assert {"steps.csv", "fills.parquet", "venues.csv", "All files of the folder (ZIP)"} <= names
    assert metric(at, "Fills an episode").delta.startswith("±")
    press(at, "make HTML")
    assert at.session_state["report HTML"][1].startswith(b"<!")
    monkeypatch.setattr("mm_env.reports.report.pdf.pdf_of", lambda report: report.title.encode())  # which takes seconds
    press(at, "make PDF")
    title = at.session_state["report PDF"][1].decode()
    assert title and title in at.session_state["report HTML"][1].decode()


def test_a_comparison_is_opened_or_played(runs, page):
    at = page("compare", runs)
    assert at.dataframe[0].value["agent"].tolist() == ["as", "fixed"] and len(charts(at)) == 2
    at.segmented_control(key="way").set_value("play here")
    well(at.run())
    at.multiselect(key="agents").set_value(["as", "glft"])
    at.number_input(key="episodes").set_value(4)
    at.number_input(key="steps").set_value(20)
    press_form(at)
    assert at.dataframe[0].value["agent"].tolist() == ["as", "glft"] and "4 held-out episodes" in at.caption[0].value
    at.multiselect(key="agents").set_value(["as"])
    press_form(at)
    assert "two or more" in errors(at)[0]


def press_form(at):
    next(found for found in at.button if found.label == "Play").click()
    well(at.run())


def test_scenarios_are_opened_with_surface_fans_and_table(runs, page):
    at = page("scenarios", runs)
    assert len(charts(at)) == 2 and "base" in at.dataframe[0].value["scenario"].tolist()
    first = charts(at)
    at.selectbox(key="surface figure").set_value("fills")
    assert charts(well(at.run())) != first


def test_learning_curves_are_overlaid(runs, page):
    at = page("training", runs)
    (spec,) = charts(at).values()
    assert {trace["name"] for trace in spec["data"] if "name" in trace} == {"ppo/seed_0/agent", "ppo/seed_1/agent"}
    at.slider(key="smoothing").set_value(0.0)
    (plain,) = charts(well(at.run())).values()
    assert len(plain["data"]) == 2 < len(spec["data"])
    at.multiselect(key="training runs").set_value(["ppo/seed_1/agent"])
    (one,) = charts(well(at.run())).values()
    assert len(one["data"]) == 1


def test_the_app_opens_on_the_live_page(monkeypatch, tmp_path):
    monkeypatch.setenv("MM_ENV_RUNS", str(tmp_path))
    at = well(AppTest.from_file(str(APP), default_timeout=SECONDS).run())
    assert at.button(key="start").label == "Start"
