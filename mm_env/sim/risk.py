"""Value at risk and expected shortfall of the inventory, as the agent sees it.

Parametric: normal with the EWMA covariance. Cornish-Fisher: the same with the skewness and kurtosis of the window.
Historical: quantile of the window's mid changes, revalued at today's inventory. A window's step figures are scaled by the
square root of horizon over step.
Source: RiskMetrics 1996; Favre & Galeano 2002 (Cornish-Fisher); Acerbi & Tasche 2002 (expected shortfall).
"""

import math

from mm_env.sim.compiling import kernel
from mm_env.sim.signals import seen_inventory
from mm_env.sim.state import HISTORY

PARAMETRIC, CORNISH_FISHER, HISTORICAL = 0, 1, 2


@kernel
def portfolio_variance(s, p, value, slope):
    """Variance [currency²/s] of exposures value (S,) [currency a tick]; fills slope = covariance @ value."""
    variance = 0.0
    for i in range(p.symbols):
        total = 0.0
        for j in range(p.symbols):
            total += s.covariance[i, j] * value[j]
        slope[i] = total
        variance += value[i] * total
    return max(variance, 0.0)


@kernel
def update_risk(s, p, value, slope, losses):
    """VaR by the three methods, expected shortfall, marginal VaR. value, slope: (S,), losses: (HISTORY,) scratch."""
    flat = True
    for i in range(p.symbols):
        value[i] = seen_inventory(s, p, i) * p.lot_value[i]
        flat = flat and value[i] == 0.0
    variance = portfolio_variance(s, p, value, slope)
    sd = math.sqrt(variance * p.var_horizon)
    for i in range(p.symbols):
        s.marginal_var[i] = p.var_quantile * slope[i] * p.lot_value[i] * p.var_horizon / sd if sd > 0.0 else 0.0
    s.value_at_risk[PARAMETRIC] = p.var_quantile * sd
    if flat or s.change_count == 0:
        s.value_at_risk[CORNISH_FISHER] = s.value_at_risk[HISTORICAL] = s.expected_shortfall = 0.0
        return
    count = min(s.change_count, p.es_window)
    skewness, kurtosis = _window(s, p, value, losses, count)
    s.value_at_risk[CORNISH_FISHER] = max(0.0, sd * cornish_fisher(p.var_quantile, skewness, kurtosis))
    scale = math.sqrt(p.var_horizon / p.step_seconds)
    var_tail, es_tail = tail_size(count, 1.0 - p.var_conf), tail_size(count, 1.0 - p.es_conf)
    worst_first(losses, count, max(var_tail, es_tail))
    s.value_at_risk[HISTORICAL] = max(0.0, scale * losses[var_tail - 1])
    s.expected_shortfall = max(0.0, scale * tail_mean(losses, count, 1.0 - p.es_conf))


@kernel
def _window(s, p, value, losses, count):
    """Losses of today's inventory over the last `count` steps, their skewness and excess kurtosis (of the profit)."""
    m2, m3, m4 = 0.0, 0.0, 0.0
    for k in range(count):
        row = (s.change_count - 1 - k) % HISTORY
        profit = 0.0
        for i in range(p.symbols):
            profit += value[i] * s.changes[row, i]
        losses[k] = -profit
        square = profit * profit
        m2 += square
        m3 += square * profit
        m4 += square * square
    if m2 <= 0.0:
        return 0.0, 0.0
    return m3 / count / (m2 / count) ** 1.5, m4 * count / (m2 * m2) - 3.0


@kernel
def cornish_fisher(z, skewness, kurtosis):
    """Loss quantile in units of the sd, for a profit of that skewness and excess kurtosis."""
    return (
        z
        - (z * z - 1.0) * skewness / 6.0
        + (z**3 - 3.0 * z) * kurtosis / 24.0
        - (2.0 * z**3 - 5.0 * z) * skewness * skewness / 36.0
    )


@kernel
def worst_first(losses, count, worst):
    """Move the `worst` largest of the first `count` losses to the front, in falling order."""
    for k in range(1, count):
        loss = losses[k]
        last = min(k, worst)
        if k >= worst:
            if loss <= losses[worst - 1]:
                continue
            losses[k] = losses[worst - 1]  # the one that is pushed out
            last = worst - 1
        while last > 0 and losses[last - 1] < loss:
            losses[last] = losses[last - 1]
            last -= 1
        losses[last] = loss


@kernel
def tail_size(count, tail):
    """Losses that a tail holds, the last one in part."""
    return max(1, int(math.ceil(count * tail - 1e-9)))


@kernel
def tail_mean(losses, count, tail):
    """Mean of the tail of losses in falling order, its last loss weighted by the part that belongs to it."""
    worst = tail_size(count, tail)
    total = 0.0
    for k in range(worst - 1):
        total += losses[k]
    return (total + losses[worst - 1] * (count * tail - (worst - 1))) / (count * tail)


@kernel
def current_var(s, p):
    """VaR by the configured method [currency]."""
    return s.value_at_risk[p.var_method]
