"""Optimal depths in closed form: Avellaneda & Stoikov, Guéant, Lehalle & Fernandez-Tapia, Cartea, Jaimungal & Penalva.

A depth is a distance from the mid, positive away from it. Inventory q counts fills of size one; prices in currency.
Each solution of a finite horizon is a vector w_q(τ) = (exp(τ B) w(0))_q with B tridiagonal: `log_weights` holds log w.
"""

import math

from mm_env.sim.compiling import entry_point, kernel
from mm_env.sim.quoting import half_spread_arrival, half_spread_risk, reservation_price

_DECAYS_A_PIECE = 64.0
_SMALL = 1e-12  # ratio of risk aversion to fill decay below which the limit of zero aversion is exact to rounding


@kernel
def avellaneda_stoikov(inventory, risk_aversion, variance, time_left, arrival):
    """(bid, ask) depth: half a spread around the reservation price. arrival: `half_spread_arrival`.

    Source: Avellaneda & Stoikov 2008, equations 29-30.
    """
    half = half_spread_risk(risk_aversion, variance, time_left) + arrival
    shift = reservation_price(0.0, inventory, risk_aversion, variance, time_left)
    return half - shift, half + shift


@kernel
def mean_time_left(step, steps):
    """Time left, averaged over the quotes of an episode, at steps 0 to `steps` - 1."""
    return 0.5 * step * (steps + 1)


@kernel
def arrival_power(risk_aversion, fill_decay):
    """(1 + γ/k)^(1 + k/γ); e when the aversion is zero."""
    ratio = risk_aversion / fill_decay
    return math.exp((1.0 + 1.0 / ratio) * math.log1p(ratio)) if ratio > _SMALL else math.e


@kernel
def glft_slope(risk_aversion, fill_decay, arrival_rate, variance):
    """Depth that a unit of inventory adds to the bid and takes off the ask, far from the horizon.

    Source: Guéant, Lehalle & Fernandez-Tapia 2013, proposition 3.
    """
    power = arrival_power(risk_aversion, fill_decay)
    return math.sqrt(0.5 * variance * risk_aversion / (fill_decay * arrival_rate) * power)


@kernel
def glft_depths(inventory, arrival, slope):
    """(bid, ask) depth far from the horizon. arrival: `half_spread_arrival`; slope: `glft_slope`."""
    return arrival + (inventory + 0.5) * slope, arrival - (inventory - 0.5) * slope


@kernel
def glft_matrix(risk_aversion, fill_decay, arrival_rate, variance):
    """(c, off): B has -c q² on its diagonal and `off` beside it; w(0) = 1.

    Source: Guéant, Lehalle & Fernandez-Tapia 2013, theorem 1.
    """
    return 0.5 * fill_decay * risk_aversion * variance, arrival_rate / arrival_power(risk_aversion, fill_decay)


@kernel
def cj_matrix(inventory_penalty, fill_decay, arrival_rate):
    """(c, off): B has -c q² on its diagonal and `off` beside it; w_q(0) = exp(-α k q²), α the terminal penalty.

    Source: Cartea, Jaimungal & Penalva 2015, section 10.2.
    """
    return inventory_penalty * fill_decay, arrival_rate / math.e


@kernel
def _log_sum(a, b):
    """log(exp(a) + exp(b))."""
    low, high = min(a, b), max(a, b)
    return high + math.log1p(math.exp(low - high))


@kernel
def log_weights(log_w, curvature, log_off, time, term, next_term):
    """Replace log w (n,), over inventories -Q to Q, by log(exp(time × B) w). term, next_term: (n,) scratch.

    By uniformisation, exp(τB) = exp(-rτ) Σ (τ(B + rI))^k / k! with r the largest decay: no term is negative, so nothing
    cancels, and the logarithm keeps what would underflow. An eigendecomposition loses its sign at large Q.
    In pieces of few decays each, as the logarithm of a large term has lost the digits that its size takes.
    Source: Jensen 1953; Moler & Van Loan 2003, section 7.
    """
    largest = log_w.shape[0] // 2
    rate = curvature * largest * largest
    pieces = int(math.ceil(rate * time / _DECAYS_A_PIECE)) + 1
    for _ in range(pieces):
        _advance_weights(log_w, curvature, rate, log_off, time / pieces, term, next_term)


@kernel
def _advance_weights(log_w, curvature, rate, log_off, time, term, next_term):
    """One piece of `log_weights`. rate: r."""
    n = log_w.shape[0]
    largest = n // 2
    for i in range(n):
        term[i] = log_w[i]
    k = 0
    growing = True
    while growing:
        k += 1
        growing = k <= rate * time  # terms of one sign rise up to about there, then fall for good
        log_factor = math.log(time / k)
        for i in range(n):
            q = i - largest
            kept = rate - curvature * q * q
            total = math.log(kept) + term[i] if kept > 0.0 else -math.inf
            if i > 0:
                total = _log_sum(total, log_off + term[i - 1])
            if i < n - 1:
                total = _log_sum(total, log_off + term[i + 1])
            next_term[i] = total + log_factor
        for i in range(n):
            term[i] = next_term[i]
            before = log_w[i]
            log_w[i] = _log_sum(before, term[i])
            growing |= log_w[i] > before
    for i in range(n):
        log_w[i] -= rate * time


@kernel
def weight_depths(log_w, fill_decay, least, table):
    """(n, 2) bid and ask depth of each inventory from log w (n,): least + (log w_q - log w_q±1) / k.

    least: half spread of an agent to whom inventory is all the same, 1/k or `half_spread_arrival`. At ±Q one side is not
    quoted; its entry repeats that of the inventory next to it.
    """
    n = log_w.shape[0]
    for i in range(n):
        bid, ask = min(i, n - 2), max(i, 1)
        table[i, 0] = least + (log_w[bid] - log_w[bid + 1]) / fill_decay
        table[i, 1] = least + (log_w[ask] - log_w[ask - 1]) / fill_decay


@kernel
def start_weights(log_w, terminal):
    """log w (n,) at the horizon: -terminal × q²."""
    largest = log_w.shape[0] // 2
    for i in range(log_w.shape[0]):
        log_w[i] = -terminal * (i - largest) ** 2


@entry_point
def cj_depths(penalty, fill_decay, arrival_rate, time, log_w, term, next_term, table):
    """Depths (n, 2) of Cartea, Jaimungal & Penalva with `time` left. penalty: (2,) phi, alpha; the rest scratch (n,)."""
    curvature, off = cj_matrix(penalty[0], fill_decay, arrival_rate)
    start_weights(log_w, penalty[1] * fill_decay)
    if time > 0.0:
        log_weights(log_w, curvature, math.log(off), time, term, next_term)
    weight_depths(log_w, fill_decay, 1.0 / fill_decay, table)


@entry_point
def glft_finite_depths(risk_aversion, fill_decay, arrival_rate, variance, time, log_w, term, next_term, table):
    """Depths (n, 2) of Guéant, Lehalle & Fernandez-Tapia with `time` left; log_w, term, next_term: scratch (n,)."""
    curvature, off = glft_matrix(risk_aversion, fill_decay, arrival_rate, variance)
    start_weights(log_w, 0.0)
    if time > 0.0:
        log_weights(log_w, curvature, math.log(off), time, term, next_term)
    weight_depths(log_w, fill_decay, half_spread_arrival(risk_aversion, fill_decay), table)


@entry_point
def glft_slopes(risk_aversion, fill_decay, arrival_rate, variance, slopes):
    """`glft_slope` of n envs, each parameter (n,), and S symbols. variance, slopes: (n, S)."""
    for i in range(variance.shape[0]):
        for k in range(variance.shape[1]):
            slopes[i, k] = glft_slope(risk_aversion[i], fill_decay[i], arrival_rate[i], variance[i, k])
