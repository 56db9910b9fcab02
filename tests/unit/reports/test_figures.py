"""The picture of an episode: what it shows, with units, for any market and for episodes with nothing in them."""

import io

import matplotlib.colors
import numpy as np
import pytest
from PIL import Image

from mm_env.config.io import load_config
from mm_env.envs.play import play
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.policies.registry import get_policy
from mm_env.reports import figures, style
from mm_env.reports.figures import episode_figure, write_episode_picture
from mm_env.runs import Recorder, RunFolder, read_run


def recorded(path, changes):
    config = load_config(changes)
    folder, envs = RunFolder(path, config), MultiVenueVectorEnv(1, config, record=True)
    play(envs, get_policy("as"), 1, seed=3, watchers=[Recorder(folder.append)])
    envs.close()
    folder.finish([], {})
    return read_run(path)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return recorded(
        tmp_path_factory.mktemp("run"),
        {
            "symbols": ["XYZ", {"name": "A$B$"}],
            "episode": {"steps": 120},
            "risk": {"portfolio_var_limit": 200.0},
            "news": {"rate_per_hour": 600.0},
            "regimes": [
                {"name": "calm", "mean_duration_seconds": 30.0},
                {"name": "wild", "mean_duration_seconds": 10.0, "volatility_multiplier": 3.0},
            ],
        },
    )


def draw(run, **changes):
    parts = {"steps": run.steps, "fills": run.fills, "headlines": run.headlines} | changes
    symbols = [symbol.name for symbol in run.config.symbols]
    return episode_figure(**parts, symbols=symbols, title="a title")


def panel(figure, label):
    found = [axes for axes in figure.axes if axes.get_ylabel().startswith(label)]
    assert len(found) == 1
    return found[0]


def line(axes, label):
    return next(one for one in axes.get_lines() if one.get_label() == label)


def test_every_axis_has_a_unit(run):
    figure = draw(run)
    assert len(figure.axes) == 2 * 3 + 2
    assert all("[currency]" in axes.get_ylabel() or "[lots]" in axes.get_ylabel() for axes in figure.axes)
    style.png(figure)  # tick labels are made on drawing
    for axes in figure.axes:
        shown = any(label.get_visible() and label.get_text() for label in axes.get_xticklabels())
        assert shown == ("time [s]" in axes.get_xlabel())


def test_lines_are_the_recorded_ones(run):
    figure, steps = draw(run), run.steps
    whole = next(axes for axes in figure.axes if axes.get_ylabel() == "XYZ price [currency]")
    assert line(whole, "mid").get_ydata().tolist() == steps["XYZ.mid"].tolist()
    profit = panel(figure, "profit")
    assert line(profit, "profit, the sum of all").get_ydata().tolist() == steps["pnl"].tolist()
    parts = [one.get_ydata() for one in profit.get_lines() if one.get_label() in _parts()]
    assert len(parts) == 4
    assert np.sum(parts, axis=0) == pytest.approx(steps["pnl"].to_numpy(), abs=1e-6)
    risk = panel(figure, "value at risk")
    assert line(risk, "value at risk").get_ydata().tolist() == steps["value_at_risk"].tolist()
    assert line(risk, "its limit").get_ydata().tolist() == [200.0] * len(steps)
    assert line(risk, "after a hedge").get_xdata().tolist() == steps["time"][steps["hedged"]].tolist()


def _parts():
    from mm_env.reports.figures import PROFIT_PARTS

    return [label for label, *_ in PROFIT_PARTS]


def test_every_fill_has_its_mark(run):
    whole = next(axes for axes in draw(run).axes if axes.get_ylabel() == "XYZ price [currency]")
    marked = np.concatenate([one.get_offsets() for one in whole.collections if type(one).__name__ == "PathCollection"])
    own = run.fills[run.fills["symbol"] == "XYZ"]
    expected = np.column_stack([own["time"], own["price"] - own["basis"]])
    assert np.array(sorted(map(tuple, marked))) == pytest.approx(np.array(sorted(map(tuple, expected))))


def test_headlines_are_told_with_their_polarity(run):
    whole = next(axes for axes in draw(run).axes if axes.get_ylabel() == "XYZ price [currency]")
    told = [text.get_text() for text in whole.texts if len(text.get_text()) > 5]
    own = run.headlines[run.headlines["symbol"].isin(["XYZ", ""])]
    weightiest = own.loc[own["polarity"].abs().idxmax()]
    assert 1 <= len(told) <= 4
    assert any(f"{weightiest['polarity']:+.2f}" in text and weightiest["text"][:40] in text for text in told)


def test_regimes_are_shaded_and_named(run):
    steps = run.steps
    rare = steps["regime"].value_counts().index[-1]
    profit = panel(draw(run), "profit")
    assert f"regime: {rare}" in [text.get_text() for text in profit.get_legend().get_texts()]
    spans = [patch.get_extents().width for patch in profit.patches]
    spells = (steps["regime"].eq(rare) & steps["regime"].shift().ne(rare)).sum()
    assert len(spans) == spells > 0


def test_colours_are_of_the_palette_for_colour_blind_readers(run):
    palette = {matplotlib.colors.to_hex(colour) for colour in (style.BLACK, style.GREY, style.BLUE, style.VERMILLION)}
    palette |= {matplotlib.colors.to_hex(colour) for colour in (style.ORANGE, style.GREEN, style.PURPLE, style.SKY)}
    lines = [one for axes in draw(run).axes for one in axes.get_lines()]
    used = {matplotlib.colors.to_hex(one.get_color()) for one in lines}
    assert style.BLUE.lower() in used <= palette


def test_the_picture_is_a_readable_png_and_the_same_each_time(run):
    first, second = style.png(draw(run)), style.png(draw(run))
    assert first == second
    pixels = np.asarray(Image.open(io.BytesIO(first)).convert("RGB"))
    assert pixels.shape[0] > 800 and pixels.shape[1] > 1000
    assert 0.02 < (pixels.min(axis=2) < 250).mean() < 0.6


def test_an_episode_without_fills_and_headlines_is_drawn(run):
    figure = draw(run, fills=run.fills.iloc[:0], headlines=run.headlines.iloc[:0])
    assert len(style.png(figure)) > 10_000


def test_the_first_observation_alone_is_drawn(run):
    figure = draw(run, steps=run.steps.iloc[:1], fills=run.fills.iloc[:0], headlines=run.headlines.iloc[:0])
    assert len(style.png(figure)) > 10_000


def test_one_symbol_fills_the_width(tmp_path):
    found = recorded(tmp_path, {"symbols": ["XYZ"], "episode": {"steps": 5}})
    figure = draw(found)
    assert len(figure.axes) == 3 + 2
    style.png(figure)
    assert all(axes.get_position().width > 0.85 for axes in figure.axes)


def test_another_episode_is_not_there(run):
    with pytest.raises(ValueError, match="episode 7"):
        draw(run, episode=7)


def test_the_picture_of_a_run_folder_is_drawn_from_its_tables(tmp_path, monkeypatch):
    recorded(tmp_path, {"episode": {"steps": 20}})
    (tmp_path / "summary.json").write_text('{"config": null, "policy": "as", "seed": 3}')
    assert write_episode_picture(tmp_path) == tmp_path / "episode.png"
    assert (tmp_path / "episode.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "episode.png").unlink()
    monkeypatch.setattr(figures, "installed", lambda package: package != "matplotlib")
    assert write_episode_picture(tmp_path) is None and not (tmp_path / "episode.png").exists()


def test_a_run_without_a_recorded_step_has_no_picture(tmp_path):
    folder = RunFolder(tmp_path, load_config())
    folder.finish([], {"config": None, "policy": "as", "seed": 3})
    assert write_episode_picture(tmp_path) is None
