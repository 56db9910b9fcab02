"""The fit of the alpha: weights that were put into made signals are found, in the market they are what the market does."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.config.io import load_config
from mm_env.envs.vector_env import MultiVenueVectorEnv
from mm_env.errors import ConfigError
from mm_env.evaluation.alpha import Signals, fit_blend, forecasts, future_moves, record_signals, signal_paths
from mm_env.interrupt import Stopped
from mm_env.policies.registry import get_policy
from mm_env.reports.alpha_text import PARAMETERS

MARKET = load_config({"episode": {"steps": 120}, "news": {"rate_per_hour": 1500.0}})


def made(episodes=40, steps=200, noise=1.0, seed=0):
    """Signals whose next move is 3 bps a sentiment of half-life 7 s and 0.5 bps an imbalance, plus noise."""
    rng = np.random.default_rng(seed)
    news = np.where(rng.random((episodes, steps, 2)) < 0.05, rng.uniform(-1, 1, (episodes, steps, 2)), 0.0)
    imbalance = rng.uniform(-1, 1, (episodes, steps, 2))
    still = Signals(news, imbalance, np.ones_like(news), np.ones_like(news), 1.0)
    expected = signal_paths(still, 7.0, 1.0) @ [3.0, 0.5]
    moves = 1e-4 * (expected + noise * rng.standard_normal(news.shape))
    mid = 100.0 * np.cumprod(1.0 + np.concatenate((np.zeros((episodes, 1, 2)), moves[:, :-1]), axis=1), axis=1)
    return Signals(news, imbalance, mid, mid, 1.0)


def test_the_weights_that_were_put_in_are_found_with_honest_errors():
    found = [fit_blend(made(seed=seed), 1.0) for seed in range(20)]
    assert {(fit.sentiment_half_life_seconds, fit.alpha_smooth) for fit in found} == {(7.0, 1.0)}
    for name, truth in (("alpha_weight", 3.0), ("obi_weight", 0.5)):
        z = np.array([(getattr(fit, name) - truth) / getattr(fit, f"{name}_error") for fit in found])
        assert abs(z.mean()) < 0.7
        assert 0.6 < z.std(ddof=1) < 1.6


def test_paths_follow_the_recursion_of_the_market():
    config = MARKET
    home = get_policy("as").configure(config)
    signals = record_signals(get_policy("as"), config, 3, 1, evaluation=False)
    paths = signal_paths(signals, home.policy.sentiment_half_life_seconds, home.policy.alpha_smooth)
    alpha = paths @ [home.policy.alpha_weight, home.policy.obi_weight]
    envs = MultiVenueVectorEnv(3, home, autoreset_mode="Disabled")
    try:
        envs.reset(seed=1, options={"evaluation": False})
        told = []
        for _ in range(home.episode.steps):
            envs.step(get_policy("as").act(envs))
            told.append(envs.batch.states["alpha"][:, :2].copy())
    finally:
        envs.close()
    # what came before the first step fades
    np.testing.assert_allclose(alpha[:, 100:], np.moveaxis(np.array(told), 0, 1)[:, 100:-1], atol=0.01)
    assert np.abs(alpha).max() > 1.0


def test_moves_look_ahead_by_the_horizon_from_the_mid_that_was_seen():
    mid = np.array([100.0, 101.0, 103.0, 102.0]).reshape(1, 4, 1)
    signals = Signals(np.zeros_like(mid), np.zeros_like(mid), mid - 1.0, mid, 0.5)
    np.testing.assert_allclose(future_moves(signals, 1.0)[0, :, 0], [1e4 * 4 / 99, 1e4 * 2 / 100])
    for horizon in (0.1, 0.7, 2.0):
        with pytest.raises(ValueError, match=rf"horizon of {horizon:g} s: expected whole steps, from 0.5 to 1.5 s"):
            future_moves(signals, horizon)


def test_a_forecast_that_is_right_has_slope_one_and_bins_on_the_line():
    (one,) = forecasts(made(noise=0.2), fit_blend(made(seed=1), 1.0), [1.0])
    assert one.slope == pytest.approx(1.0, abs=0.05)
    assert one.r_squared > 0.9
    np.testing.assert_allclose(one.realised, one.predicted, atol=0.1)
    assert len(one.predicted) == 10 and np.all(np.diff(one.predicted) > 0)


def test_signals_that_say_nothing_get_no_weight():
    silent = made()
    silent = Signals(np.zeros_like(silent.news), silent.imbalance, silent.seen, silent.mid, 1.0)
    fit = fit_blend(silent, 1.0)
    assert fit.alpha_weight == 0.0
    assert np.isfinite(fit.obi_weight)
    with pytest.raises(ValueError, match="1 episode: expected 2 or more"):
        fit_blend(made(episodes=1), 1.0)


def test_the_market_rewards_reading_the_news():
    signals = record_signals(get_policy("as"), MARKET, 48, 5, evaluation=False)
    fit = fit_blend(signals, 10.0)
    assert fit.alpha_weight > 4 * fit.alpha_weight_error
    assert fit.obi_weight > 3 * fit.obi_weight_error


def test_a_recording_is_stopped_and_a_drawn_market_refused():
    with pytest.raises(Stopped):
        record_signals(get_policy("as"), MARKET, 2, 1, evaluation=False, stop=lambda: True)
    drawn = load_config({"randomize": {"policy.risk_aversion": [0.01, 0.1]}})
    with pytest.raises(ConfigError, match=r"randomize: policy.risk_aversion: a fit needs one market"):
        record_signals(get_policy("as"), drawn, 2, 1, evaluation=False)


APP = single("fit-alpha")


def test_the_command_writes_weights_that_a_policy_reads_and_a_picture(tmp_path):
    arguments = ["--episodes", "8", "--set", "episode.steps=80", "--horizon", "5", "--out", str(tmp_path / "new")]
    result = CliRunner().invoke(APP, arguments)
    assert result.exit_code == 0, result.output
    about = json.loads((tmp_path / "new" / "alpha.json").read_text())
    home = get_policy(f"as:{tmp_path / 'new' / 'alpha.yaml'}").configure(load_config(None))
    for name in PARAMETERS:
        assert getattr(home.policy, name) == pytest.approx(about["blend"][name], rel=1e-3)
    assert [one["horizon_seconds"] for one in about["forecasts"]] == [1, 2, 5, 10, 20, 40, 60]
    assert (tmp_path / "new" / "alpha.png").read_bytes().startswith(b"\x89PNG")
    assert "realised for 1 bps predicted" in result.stdout


def test_the_command_refuses_a_horizon_past_the_episode(tmp_path):
    result = CliRunner().invoke(APP, ["--set", "episode.steps=20", "--horizon", "20", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "--horizon 20: expected whole steps, from 1 to 18 s" in result.output
