"""The market-wide regime: a Markov chain with exponential durations, switched at microsteps.

Source: Hamilton 1989 (regime switching); durations and transition weights from the configuration.
"""

from mm_env.sim.compiling import kernel
from mm_env.sim.rng import REGIME, exponential, uniform


@kernel
def _draw(cumulative, count, u):
    for k in range(count - 1):
        if u < cumulative[k]:
            return k
    return count - 1


@kernel
def start_regime(s, p):
    """Draw the first regime and how long it lasts."""
    s.regime = _draw(p.regime_start, p.regimes, uniform(s, REGIME))
    s.regime_until = s.time + p.regime_mean_duration_seconds[s.regime] * exponential(s, REGIME)


@kernel
def switch_regime(s, p):
    """Switch as often as is due; returns whether the regime changed."""
    if s.time < s.regime_until:
        return False
    before = s.regime
    while s.time >= s.regime_until:
        s.regime = _draw(p.regime_next[s.regime], p.regimes, uniform(s, REGIME))
        s.regime_until += p.regime_mean_duration_seconds[s.regime] * exponential(s, REGIME)
    return s.regime != before
