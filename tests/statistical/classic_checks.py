"""What must be true of simulated episodes of the classic market; each check raises AssertionError where it is not.

Statistical ones fail a correct market with probability `ALARM` each, or what their docstring says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from scipy import stats

import mm_env  # noqa: F401, registers the id
from mm_env.config import ClassicConfig
from mm_env.config.io import load_config
from mm_env.theory.lattice import Lattice, exact_moments

ALARM = 1e-4
_LIMIT = float(stats.norm.ppf(1 - ALARM / 2))  # 3.9 standard errors
ERRORS = 4.0  # of moments; 6e-5


@dataclass(frozen=True, eq=False)
class Sample:
    """One episode of N envs, in n steps.

    mid: (n + 1, N) [currency]; inventory: (n + 1, N) [units]; cash: (n + 1, N) [currency]; depth: (n, N, 2) [currency];
    filled: (n, N, 2) bool; profit: (N,) [currency]
    """

    config: ClassicConfig
    mid: np.ndarray
    inventory: np.ndarray
    cash: np.ndarray
    depth: np.ndarray
    filled: np.ndarray
    profit: np.ndarray

    @property
    def moves(self) -> np.ndarray:
        """(n, N) moves of the mid, in deviations of a step."""
        scaled: np.ndarray = np.diff(self.mid, axis=0) / (self.config.mid.volatility * np.sqrt(self.config.episode.step))
        return scaled

    @property
    def surprises(self) -> tuple[np.ndarray, np.ndarray]:
        """(n, N, 2) fill less its probability under the configured rule, and the variance of that."""
        probability = Lattice.of(self.config).fill_probability(self.depth)
        return self.filled - probability, probability * (1.0 - probability)


def simulate(config: dict[str, Any], number: int, seed: int = 0, action: float | None = None, meddle: Any = None) -> Sample:
    """Play one episode under the default policy, or under a constant action in absolute mode.

    meddle: called with the environment after its reset, to plant a bug
    """
    loaded = load_config(config, ClassicConfig)
    mode = "residual" if action is None else "absolute"
    envs: Any = gym.make_vec(
        "mm_env/Classic-v0", num_envs=number, config=loaded, action_mode=mode, autoreset_mode="Disabled"
    )
    _, infos = envs.reset(seed=seed)
    if meddle is not None:
        meddle(envs)
    kept: dict[str, list[np.ndarray]] = {name: [infos[name].copy()] for name in ("mid", "inventory", "cash")}
    kept |= {"depth": [], "filled": []}
    actions = np.full((number, 2), 0.0 if action is None else action, np.float32)
    ended = np.zeros(number, bool)
    while not ended.any():
        _, _, _, ended, infos = envs.step(actions)
        for name in ("mid", "inventory", "cash"):
            kept[name].append(infos[name].copy())
        for name in ("depth", "filled"):
            kept[name].append(np.stack([infos[f"bid_{name}"], infos[f"ask_{name}"]], axis=1))
    envs.close()
    return Sample(loaded, profit=infos["pnl"].copy(), **{name: np.array(values) for name, values in kept.items()})


def _small(total: Any, variance: Any, what: str) -> None:
    """A sum of terms of mean zero is within what chance explains."""
    z = float(total) / np.sqrt(float(variance))
    assert abs(z) < _LIMIT, f"{what}: {z:.1f} standard errors from what it should be"


def check_depths(sample: Sample) -> None:
    """Avellaneda-Stoikov quotes, of the time that is left and the inventory when they are set; no statistics."""
    c = sample.config
    steps = len(sample.depth)
    assert steps == c.episode.steps, f"an episode of {steps} steps, and not {c.episode.steps}"
    gamma, k, variance = c.policy.risk_aversion, c.flow.fill_decay, c.mid.volatility**2
    left = (c.episode.horizon - c.episode.step * np.arange(steps))[:, None]
    half, shift = (
        0.5 * gamma * variance * left + np.log1p(gamma / k) / gamma,
        gamma * variance * left * sample.inventory[:-1],
    )
    np.testing.assert_allclose(sample.depth, np.stack([half + shift, half - shift], axis=-1), rtol=1e-9, atol=1e-9)


def check_ledger(sample: Sample) -> None:
    """Every reported fill changes inventory by one and cash by its price, and nothing else does; no statistics."""
    fills = sample.filled.astype(int)
    np.testing.assert_array_equal(np.diff(sample.inventory, axis=0), fills[..., 0] - fills[..., 1])
    price = sample.mid[:-1, :, None] + sample.depth * np.array([-1.0, 1.0])
    received = (fills * price * np.array([-1.0, 1.0])).sum(axis=-1)
    np.testing.assert_allclose(np.diff(sample.cash, axis=0), received, atol=1e-8)
    start = sample.cash[0] + sample.inventory[0] * sample.mid[0]
    np.testing.assert_allclose(sample.profit, sample.cash[-1] + sample.inventory[-1] * sample.mid[-1] - start, atol=1e-8)


def check_fills(sample: Sample) -> None:
    """Quotes fill with the probability of the configured rule: bids, asks, both at once, the likelier ones. Four tests."""
    surprise, variance = sample.surprises
    for side, name in enumerate(("bids", "asks")):
        _small(surprise[..., side].sum(), variance[..., side].sum(), f"fills of {name}")
    _small(surprise.prod(axis=-1).sum(), variance.prod(axis=-1).sum(), "bid and ask filled at once")
    _small((surprise * sample.depth).sum(), (variance * sample.depth**2).sum(), "fills by depth")


def check_mid(sample: Sample) -> None:
    """The mid's moves have the configured law and no memory. Three tests on the lattice, four in Brownian motion."""
    moves = sample.moves
    n = moves.size
    _small(moves.sum(), n, "mean of the moves")
    _small((moves[1:] * moves[:-1]).sum(), moves[1:].size, "successive moves")
    total = sample.mid[-1] - sample.mid[0]
    scale = sample.config.mid.volatility**2 * sample.config.episode.horizon
    fourth = 3.0 * scale**2 if sample.config.mid.move == "brownian" else (3.0 - 2.0 / len(moves)) * scale**2
    _small((total**2 - scale).sum(), len(total) * (fourth - scale**2), "variance of the last mid")
    if sample.config.mid.move == "brownian":
        assert stats.kstest(moves.ravel(), stats.norm.cdf).pvalue > ALARM
    else:
        np.testing.assert_allclose(np.abs(moves), 1.0, rtol=1e-8)


def check_independence(sample: Sample) -> None:
    """The move of any step and the fills of any step are unrelated, and so are neighbouring envs. Five tests.

    Each of the first two has as many comparisons as there are pairs of steps, and their false-alarm rate in all is `ALARM`.
    """
    surprise, variance = sample.surprises
    moves = sample.moves
    limit = float(stats.norm.ppf(1 - ALARM / (2 * len(moves) ** 2)))
    for side, name in enumerate(("bids", "asks")):
        deviations = surprise[..., side] / np.sqrt(np.maximum(variance[..., side], 1e-12))
        z = np.abs(moves @ deviations.T) / np.sqrt(moves.shape[1])
        worst = np.unravel_index(z.argmax(), z.shape)
        assert z.max() < limit, (
            f"moves of step {worst[0]} and fills of {name} of step {worst[1]}: {z.max():.1f} standard errors"
        )
        products = surprise[:, 1:, side] * surprise[:, :-1, side]
        _small(products.sum(), (variance[:, 1:, side] * variance[:, :-1, side]).sum(), f"fills of {name} in two envs")
    _small((moves[:, 1:] * moves[:, :-1]).sum(), moves[:, 1:].size, "moves in two envs")


def check_moments(sample: Sample, depths: np.ndarray) -> None:
    """Mean and deviation of profit and inventory against the exact ones, each within 4 standard errors (3e-4 in all).

    depths: (n, 2Q+1, 2) [currency] of the policy that was played, or should have been
    """
    exact = exact_moments(Lattice.of(sample.config), depths[..., 0], depths[..., 1])
    errors = exact.standard_errors(len(sample.profit))
    last = sample.inventory[-1]
    found = {
        "profit": sample.profit.mean(),
        "profit_sd": sample.profit.std(),
        "inventory": last.mean(),
        "inventory_sd": last.std(),
    }
    for name, value in found.items():
        z = (value - getattr(exact, name)) / errors[name]
        assert abs(z) < ERRORS, f"{name}: {value:.3f}, {z:.1f} standard errors from {getattr(exact, name):.3f}"
