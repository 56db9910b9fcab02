"""Signature plot of a price that two cross-exciting streams move, simulated by the book market's takers."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from mm_env.config.io import load_config, override
from mm_env.theory.hawkes import Hawkes, exponential_fit, rescaled_times, signature_plot
from mm_env.theory.takers import PLAIN, taker_path
from mm_env.validation.checks import RARE, Check, Report, check_positive

PUBLISHED = {0.2: "2.102", 1.0: "1.433", 5.0: "1.072", 20.0: "1.000"}
EVENTS = 1_000_000  # expected on the path
BLOCKS = 200  # of the path, taken as independent
_FORGOTTEN = 20.0  # relaxation times of the intensity


@dataclass(frozen=True)
class Signature:
    """Section `signature`: buys excite sells and sells buys, kernel α exp(-βt); each moves the price by one.

    hawkes_mu, hawkes_alpha, hawkes_beta: [1/time]; tau: [time] windows of the plot
    """

    hawkes_mu: float = 0.5
    hawkes_alpha: float = 1.2
    hawkes_beta: float = 2.0
    tau: tuple[float, ...] = (0.2, 1.0, 5.0, 20.0)

    def run(self, episodes: int, seed: int) -> Report:
        """Run takers of the book market; the number of `episodes` takes no part, EVENTS does.

        Raises `ConfigError` and ValueError for parameters out of range, among them a branching ratio of 1 or more.
        """
        check_positive(self.hawkes_mu, self.tau)
        process = Hawkes.crossing(self.hawkes_mu, self.hawkes_alpha, self.hawkes_beta)
        relaxation = 1.0 / (self.hawkes_beta * (1.0 - process.branching_ratio))
        forgotten = _FORGOTTEN * relaxation
        seconds = forgotten + EVENTS / float(process.rates.sum())
        flow = {
            "flow.hawkes_mu": self.hawkes_mu,
            "flow.hawkes_alpha": [[[0.0, self.hawkes_alpha], [self.hawkes_alpha, 0.0]]],
            "flow.hawkes_beta": [self.hawkes_beta],
        }
        times, dims = taker_path(override(load_config("one_symbol"), {**PLAIN, **flow}), seconds, seed)
        standard = self == Signature()
        checks: list[Check] = []
        for tau in self.tau:
            exact = signature_plot(self.hawkes_mu, self.hawkes_alpha, self.hawkes_beta, tau)
            ours, error = _measured(times - forgotten, dims, tau, seconds - forgotten)
            printed = PUBLISHED.get(tau) if standard else None
            checks += [
                Check(f"variance rate by its matrix, τ = {tau:g}", process.signature(tau), exact, tolerance=1e-8 * exact),
                Check(f"variance rate, τ = {tau:g}", ours, exact, error, published=printed),
            ]
        fits = [exponential_fit(values)[1] for values in rescaled_times(times, dims, process, start=0.0)]
        checks += [
            Check(f"p-value of Exp(1) of rescaled times, {side}", fit, least=RARE)
            for side, fit in zip(("buys", "sells"), fits, strict=True)
        ]
        title = f"Signature plot (Bacry, Delattre, Hoffmann & Muzy 2013), {EVENTS:,} takers, seed {seed}"
        return Report("signature", title, asdict(self), checks)


def _measured(times: np.ndarray, dims: np.ndarray, tau: float, seconds: float) -> tuple[float, float]:
    """(variance rate [1/time], its standard error over BLOCKS) of buys less sells in windows of tau since time 0.

    Raises ValueError where a block holds no window.
    """
    windows = int(seconds / tau) // BLOCKS * BLOCKS
    if windows == 0:
        raise ValueError(
            f"tau {tau:g}; expected a number above 0, at most {seconds / BLOCKS:g} so that {BLOCKS} windows fit the path"
        )
    cells = np.floor(times / tau).astype(np.int64)
    inside = (cells >= 0) & (cells < windows)
    change = np.bincount(cells[inside], weights=1.0 - 2.0 * dims[inside], minlength=windows)
    rates = (change**2).reshape(BLOCKS, -1).mean(axis=1) / tau  # the mean change is zero by symmetry
    return float(rates.mean()), float(rates.std(ddof=1)) / math.sqrt(BLOCKS)
