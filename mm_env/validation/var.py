"""Backtests of value at risk: Kupiec's regions, Christoffersen's tests, Basel's traffic light."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from fractions import Fraction

import numpy as np

from mm_env.risk.backtests import (
    acceptance_region,
    binomial_cumulative,
    christoffersen_counts,
    kupiec,
    traffic_light,
)
from mm_env.validation.checks import Check, Report

# (least, most) accepted exceptions: "N < 7" is 0 to 6, of which the likelihood ratio rejects 0 too
PUBLISHED_REGIONS = {
    (0.01, 255): ("1", "6"),
    (0.01, 510): ("2", "10"),
    (0.01, 1000): ("5", "16"),
    (0.05, 255): ("7", "20"),
    (0.05, 510): ("17", "35"),
    (0.05, 1000): ("38", "64"),
}
PUBLISHED_NONE = "5.13"
PUBLISHED_RATIOS = {"unconditional": "3.9126", "independence": "9.5296", "conditional": "13.4421"}
PUBLISHED_OBSERVED = "9.489"
BASEL_DAYS, BASEL_PROBABILITY = 250, 0.01
PUBLISHED_BASEL = ("8.11", "28.58", "54.32", "75.81", "89.22", "95.88", "98.63", "99.60", "99.89", "99.97", "99.99")
PUBLISHED_ZONES = ("green",) * 5 + ("yellow",) * 5 + ("red",)


@dataclass(frozen=True)
class VaR:
    """Section `var`; the defaults are those of the published tables.

    periods: [days]; probability: of an exception, one a region; confidence: of the tests of the regions
    """

    periods: tuple[int, ...] = (255, 510, 1000)
    probability: tuple[float, ...] = (0.01, 0.05)
    confidence: float = 0.95

    def run(self, episodes: int, seed: int) -> Report:
        """Compute the tables, and draw `episodes` counts of exceptions to see how often they are accepted.

        Raises ValueError for parameters out of range.
        """
        checks: list[Check] = []
        for p in self.probability:
            for days in self.periods:
                checks += self._region(p, days, episodes, np.random.default_rng([seed, days]))
        if self == VaR():
            checks += _published_ratios()
        checks += _traffic_light()
        title = f"Backtests of value at risk, {episodes:,} samples of each length, seed {seed}"
        return Report("var", title, asdict(self), checks)

    def _region(self, p: float, days: int, episodes: int, rng: np.random.Generator) -> list[Check]:
        """Checks of an acceptance region, by the relative entropy, and of how often counts that are drawn fall into it."""
        label = f"Kupiec, p = {p:g}, {days} days"
        least, most = acceptance_region(days, p, self.confidence)
        printed = PUBLISHED_REGIONS.get((p, days), (None, None)) if self.confidence == VaR().confidence else (None, None)
        # twice the days times the entropy of N/T relative to p against a quantile of the normal law squared
        ratios = [2.0 * days * _entropy(n / days, p) for n in range(days + 1)]
        accepted = [n for n, ratio in enumerate(ratios) if math.erfc(math.sqrt(0.5 * ratio)) > 1.0 - self.confidence]
        inside = float(_binomial(most, days, p) - (_binomial(least - 1, days, p) if least else 0))
        drawn = rng.binomial(days, p, episodes)
        share = float(((drawn >= least) & (drawn <= most)).mean())
        error = math.sqrt(inside * (1.0 - inside) / drawn.size)
        return [
            Check(f"{label}: least accepted", least, accepted[0], tolerance=0.0, published=printed[0], decimals=0),
            Check(f"{label}: most accepted", most, accepted[-1], tolerance=0.0, published=printed[1], decimals=0),
            Check(f"{label}: share accepted", share, inside, error, decimals=4),
        ]


def _published_ratios() -> list[Check]:
    """Ratios for given counts; the independence ratio by both conventions."""
    found = christoffersen_counts([218, 14, 14, 6], 20, 252, 0.05)
    observed = christoffersen_counts([217, 14, 14, 6], 20, 252, 0.05)
    return [
        Check("Kupiec, p = 0.01, 255 days: ratio of none", kupiec(0, 255, 0.01).statistic, published=PUBLISHED_NONE),
        *(
            Check(f"Christoffersen, 252 transitions: {name}", getattr(found, name).statistic, published=printed, decimals=4)
            for name, printed in PUBLISHED_RATIOS.items()
        ),
        Check(
            "Christoffersen, 251 transitions: independence", observed.independence.statistic, published=PUBLISHED_OBSERVED
        ),
    ]


def _traffic_light() -> list[Check]:
    """Cumulative probabilities [%] in exact arithmetic, and the zones."""
    checks = []
    for n, (printed, zone) in enumerate(zip(PUBLISHED_BASEL, PUBLISHED_ZONES, strict=True)):
        exact = 100.0 * float(_binomial(n, BASEL_DAYS, BASEL_PROBABILITY))
        ours = 100.0 * binomial_cumulative(n, BASEL_DAYS, BASEL_PROBABILITY)
        ours = ours if traffic_light(n) == zone else math.nan  # a wrong zone is a miss
        label = f"Basel, at most {n} in {BASEL_DAYS} days [%], {zone}"
        checks.append(Check(label, ours, exact, tolerance=1e-9, published=printed, decimals=2))
    return checks


def _entropy(share: float, p: float) -> float:
    """Entropy of a share relative to p."""
    first = share * math.log(share / p) if share > 0.0 else 0.0
    return first + ((1.0 - share) * math.log((1.0 - share) / (1.0 - p)) if share < 1.0 else 0.0)


def _binomial(most: int, days: int, p: float) -> Fraction:
    """Probability of at most `most` in exact arithmetic, p as written."""
    q = Fraction(str(p))
    return Fraction(sum(math.comb(days, n) * q**n * (1 - q) ** (days - n) for n in range(most + 1)))
