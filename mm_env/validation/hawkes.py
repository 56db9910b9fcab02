"""Hawkes arrivals of both markets: rates, dispersion of counts, and rescaled times.

Counts come from the classic market: an env with one step of τ, whose intensity begins in its stationary law, gives one
independent count a side. Times come from the takers of the book market, on one long path begun without excitation.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from mm_env.config import ClassicConfig
from mm_env.config.io import load_config, override
from mm_env.evaluation.classic_runs import play_classic
from mm_env.theory.hawkes import Hawkes, count_dispersion, exponential_fit, rescaled_times
from mm_env.theory.takers import PLAIN, taker_path
from mm_env.validation.checks import RARE, Check, Report, check_positive

PUBLISHED = {0.02: "2.406", 0.1: "5.541", 0.5: "8.200", 2.0: "8.800"}
EVENTS = 500_000  # expected on the path of the book market
_FORGOTTEN = 20.0  # relaxation times of the intensity


@dataclass(frozen=True)
class HawkesCounts:
    """Section `hawkes`: one dimension, kernel α exp(-βt), on either side of both markets.

    hawkes_mu, hawkes_alpha, hawkes_beta: [1/time]; tau: [time] windows in which events are counted
    """

    hawkes_mu: float = 10.0
    hawkes_alpha: float = 40.0
    hawkes_beta: float = 60.0
    tau: tuple[float, ...] = (0.02, 0.1, 0.5, 2.0)

    def run(self, episodes: int, seed: int) -> Report:
        """Count arrivals of the classic market, rescale takers of the book market.

        Raises `ConfigError` and ValueError for parameters out of range, among them a branching ratio of 1 or more.
        """
        check_positive(self.hawkes_mu, self.tau)
        process = Hawkes.one(self.hawkes_mu, self.hawkes_alpha, self.hawkes_beta)
        branching, rate = self.hawkes_alpha / self.hawkes_beta, float(process.rates[0])
        checks = [
            Check("branching ratio", process.branching_ratio, branching, tolerance=1e-12, decimals=4),
            Check("mean intensity by its matrix", rate, self.hawkes_mu / (1.0 - branching), tolerance=1e-9 * rate),
        ]
        standard = self == HawkesCounts()
        for tau in self.tau:
            counts = self.counts(tau, episodes, seed)
            mean, dispersion = float(counts.mean()), dispersion_of(counts)
            exact = count_dispersion(self.hawkes_alpha, self.hawkes_beta, tau)
            variance = float(process.count_covariance(tau)[0, 0])
            printed = PUBLISHED.get(tau) if standard else None
            matrix = variance / (rate * tau)
            label = f"classic: variance / mean of counts, τ = {tau:g}"
            error = math.sqrt(variance / counts.size) / tau
            checks += [
                Check(f"classic: mean intensity, τ = {tau:g}", mean / tau, rate, error),
                Check(f"{label}, by its matrix", matrix, exact, tolerance=1e-8 * exact),
                Check(label, dispersion[0], exact, dispersion[1], published=printed),
            ]
        checks += self.takers(process, seed)
        title = f"Hawkes arrivals, {episodes:,} windows of each length and side, {EVENTS:,} takers, seed {seed}"
        return Report("hawkes", title, asdict(self), checks)

    def counts(self, tau: float, episodes: int, seed: int) -> NDArray[np.float64]:
        """(2E,) independent counts of the classic market's arrivals in windows of `tau` of its stationary flow."""
        config = load_config(
            {
                "flow": {
                    "arrivals": "hawkes",
                    "hawkes_mu": self.hawkes_mu,
                    "hawkes_alpha": self.hawkes_alpha,
                    "hawkes_beta": self.hawkes_beta,
                    "hawkes_cross_side": 0.0,
                },
                "episode": {"horizon": tau, "step": tau},
            },
            ClassicConfig,
        )
        return play_classic(config, episodes, seed).arrivals.ravel().astype(np.float64)

    def takers(self, process: Hawkes, seed: int) -> list[Check]:
        """Checks of the mean and of the rescaled times of the book market's takers, both sides."""
        flow = {
            "flow.hawkes_mu": self.hawkes_mu,
            "flow.hawkes_alpha": self.hawkes_alpha,
            "flow.hawkes_beta": self.hawkes_beta,
            "flow.hawkes_cross_side": 0.0,
            "flow.hawkes_cross_symbol": 0.0,
        }
        rate, relaxation = float(process.rates[0]), 1.0 / (self.hawkes_beta * (1.0 - process.branching_ratio))
        forgotten = _FORGOTTEN * relaxation
        seconds = forgotten + 0.5 * EVENTS / rate
        times, dims = taker_path(override(load_config("one_symbol"), {**PLAIN, **flow}), seconds, seed)
        both = Hawkes(np.repeat(process.baseline, 2), process.jump * np.eye(2), process.decay)
        late = float((times > forgotten).sum()) / (2.0 * (seconds - forgotten))
        error = math.sqrt(float(process.count_covariance(seconds - forgotten)[0, 0]) / 2.0) / (seconds - forgotten)
        fits = [exponential_fit(values)[1] for values in rescaled_times(times, dims, both, start=0.0)]
        return [
            Check("book: mean intensity", late, rate, error),
            *(
                Check(f"book: p-value of Exp(1) of rescaled times, {side}", fit, least=RARE)
                for side, fit in zip(("buys", "sells"), fits, strict=True)
            ),
        ]


def dispersion_of(counts: NDArray[np.float64]) -> tuple[float, float]:
    """(variance / mean, standard error) of independent counts, by the delta method."""
    mean, deviation = counts.mean(), counts - counts.mean()
    variance = (deviation**2).mean()
    influence = (deviation**2 - variance) / mean - variance / mean**2 * deviation
    return float(variance / mean), float(influence.std(ddof=1) / math.sqrt(counts.size))
