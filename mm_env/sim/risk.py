"""Value at risk and expected shortfall of the inventory, as the agent sees it.

Parametric: normal with the EWMA covariance, of steps or of moves over the horizon. Cornish-Fisher: the same with the
skewness and kurtosis of the window. Historical: quantile of the window's mid changes, revalued at today's inventory. A
window's step figures are scaled by the square root of horizon over step.
Source: RiskMetrics 1996; Favre & Galeano 2002 (Cornish-Fisher); Acerbi & Tasche 2002 (expected shortfall).
"""

import math

from mm_env.sim.compiling import inlined, kernel
from mm_env.sim.signals import seen_inventory
from mm_env.sim.state import HISTORY

PARAMETRIC, CORNISH_FISHER, HISTORICAL = 0, 1, 2


@kernel
def risk_covariance(s, p, i, j):
    """Covariance [ticks²/s] of two symbols behind VaR and hedges."""
    return s.horizon_covariance[i, j] if p.horizon_moves > 0 else s.covariance[i, j]


@kernel
def portfolio_variance(s, p, value, slope):
    """Variance [currency²/s] of exposures value (S,) [currency a tick]; fills slope = covariance @ value."""
    variance = 0.0
    for i in range(p.symbols):
        total = 0.0
        for j in range(p.symbols):
            total += risk_covariance(s, p, i, j) * value[j]
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
    sd = math.sqrt(variance * p.var_horizon_seconds)
    for i in range(p.symbols):
        s.marginal_var[i] = p.var_quantile * slope[i] * p.lot_value[i] * p.var_horizon_seconds / sd if sd > 0.0 else 0.0
    s.value_at_risk[PARAMETRIC] = p.var_quantile * sd
    if flat or s.change_count == 0:
        s.value_at_risk[CORNISH_FISHER] = s.value_at_risk[HISTORICAL] = s.expected_shortfall = 0.0
        return
    count = min(s.change_count, p.es_window)
    skewness, kurtosis = _window(s, p, value, losses, count)
    s.value_at_risk[CORNISH_FISHER] = max(0.0, sd * cornish_fisher(p.var_quantile, skewness, kurtosis))
    scale = math.sqrt(p.var_horizon_seconds / p.step_seconds)
    var_tail, es_tail = tail_size(count, 1.0 - p.var_conf), tail_size(count, 1.0 - p.es_conf)
    worst_first(losses, count, max(var_tail, es_tail))
    s.value_at_risk[HISTORICAL] = max(0.0, scale * losses[var_tail - 1])
    s.expected_shortfall = max(0.0, scale * tail_mean(losses, count, 1.0 - p.es_conf))


@kernel
def _window(s, p, value, losses, count):
    """Losses of today's inventory over the last `count` steps, their skewness and excess kurtosis (of the profit)."""
    oldest = (s.change_count - count) % HISTORY
    before_wrap = min(count, HISTORY - oldest)
    _revalue(s, p, value, losses[:before_wrap], oldest)
    _revalue(s, p, value, losses[before_wrap:count], 0)
    m2, m3, m4 = _power_sums(losses, count)
    if m2 <= 0.0:
        return 0.0, 0.0
    return -m3 / count / (m2 / count) ** 1.5, m4 * count / (m2 * m2) - 3.0


@inlined
def _revalue(s, p, value, losses, first):
    """Losses of the mid changes from column `first` on."""
    losses[:] = 0.0
    for i in range(p.symbols):
        changes = s.changes[i, first : first + losses.shape[0]]
        for k in range(losses.shape[0]):
            losses[k] -= value[i] * changes[k]


@inlined
def _power_sums(losses, count):
    """Sums of squares, cubes and fourth powers; even and odd places apart, so that additions need not wait."""
    a2, a3, a4, b2, b3, b4 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(0, count - 1, 2):
        x, y = losses[k], losses[k + 1]
        xx, yy = x * x, y * y
        a2, b2 = a2 + xx, b2 + yy
        a3, b3 = a3 + xx * x, b3 + yy * y
        a4, b4 = a4 + xx * xx, b4 + yy * yy
    if count % 2 == 1:
        x = losses[count - 1]
        xx = x * x
        a2, a3, a4 = a2 + xx, a3 + xx * x, a4 + xx * xx
    return a2 + b2, a3 + b3, a4 + b4


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
    for k in range(1, worst):
        _insert(losses, losses[k], k)
    k = worst
    while k < count:
        if k + 8 <= count and _largest_of_eight(losses, k) <= losses[worst - 1]:
            k += 8
            continue
        loss = losses[k]
        if loss > losses[worst - 1]:
            losses[k] = losses[worst - 1]  # the one that is pushed out
            _insert(losses, loss, worst - 1)
        k += 1


@inlined
def _insert(losses, loss, last):
    """Put a loss in its place among the falling losses before `last`; what stood at `last` is overwritten."""
    while last > 0 and losses[last - 1] < loss:
        losses[last] = losses[last - 1]
        last -= 1
    losses[last] = loss


@inlined
def _largest_of_eight(x, k):
    """Largest of x[k : k + 8]; most of a window is no tail, and eight are told so by one comparison."""
    first = max(max(x[k], x[k + 1]), max(x[k + 2], x[k + 3]))
    return max(first, max(max(x[k + 4], x[k + 5]), max(x[k + 6], x[k + 7])))


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
