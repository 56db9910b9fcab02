"""Rewards: named terms with weights, each in currency, summed.

With weight on profit alone the rewards of an episode sum to its profit.
Source: Cartea, Jaimungal & Penalva 2015, chapter 10 (inventory penalties); Spooner et al. 2018 (asymmetric dampening).
"""

import math

from mm_env.sim.compiling import kernel
from mm_env.sim.ledger import HEDGE_COST, REVALUATION, TAKER_FEES

PROFIT, INVENTORY, TERMINAL, HEDGING, UTILITY, DAMPENING = range(6)
_STEEPEST = 50.0  # exponent past which the utility goes on as its tangent, so that it stays finite


@kernel
def utility(wealth, aversion):
    """(1 - exp(-a w)) / a, continued by its tangent below w = -50 / a."""
    x = -aversion * wealth
    if x <= _STEEPEST:
        return -math.expm1(x) / aversion
    return -(math.exp(_STEEPEST) * (1.0 + x - _STEEPEST) - 1.0) / aversion


@kernel
def inventory_variance(s, p):
    """q'Σq [currency²/s] of the true inventory under the EWMA covariance."""
    variance = 0.0
    for i in range(p.symbols):
        for j in range(p.symbols):
            exposure = s.inventory[i] * p.lot_value[i] * s.inventory[j] * p.lot_value[j]
            variance += exposure * s.covariance[i, j]
    return variance


@kernel
def booked(s, p):
    """(cost of hedges, revaluation) booked so far [currency]."""
    cost, revaluation = 0.0, 0.0
    for i in range(p.symbols):
        for v in range(p.venues):
            cost -= s.attribution[i, v, HEDGE_COST] + s.attribution[i, v, TAKER_FEES]
            for part in range(4):
                revaluation += s.attribution[i, v, REVALUATION + part]
    return cost, revaluation


@kernel
def track_profit(s, profit):
    """Profit of now, its highest value and the largest fall from it [currency]."""
    s.pnl = profit
    s.equity_high = max(s.equity_high, profit)
    s.drawdown = max(s.drawdown, s.equity_high - profit)


@kernel
def reward_terms(s, p, terms, profit, before, variance, hedge_cost, revaluation, last):
    """Fill terms (N,) with the weighted terms of a step and return their sum.

    profit, before: profit now and at the step's start; variance, hedge_cost, revaluation: of the step, before liquidation.
    """
    terms[PROFIT] = p.weight[PROFIT] * (profit - before)
    terms[INVENTORY] = -p.weight[INVENTORY] * variance * p.step_seconds
    terms[TERMINAL] = -p.weight[TERMINAL] * variance if last else 0.0
    terms[HEDGING] = -p.weight[HEDGING] * hedge_cost
    a = p.utility_risk_aversion
    terms[UTILITY] = p.weight[UTILITY] * (utility(profit, a) - utility(before, a)) if p.weight[UTILITY] > 0.0 else 0.0
    terms[DAMPENING] = -p.weight[DAMPENING] * max(0.0, revaluation)
    total = 0.0
    for k in range(terms.shape[0]):
        total += terms[k]
        s.reward_total[k] += terms[k]
    return total
