"""The weights behind the depths of finite horizon, by a dense matrix exponential: not the method of the policies."""

from __future__ import annotations

import math

import numpy as np

from mm_env.theory.lattice import Floats
from mm_env.theory.matrices import exponential

_NORM = 0.5  # of the matrix that the series is taken of


def log_weights(curvature: float, off: float, terminal: float, horizon: float, largest: int) -> Floats:
    """(2Q+1,) log of exp(B T) w, over inventories -Q … Q.

    B has -curvature q² on its diagonal and `off` beside it; w_q = exp(-terminal q²); Q is `largest`.

    B plus the largest decay has no negative entry, nor have its powers: squared, and divided by the largest entry each
    time, they lose no sign and overflow nowhere. Source: Moler & Van Loan 2003, section 3.
    """
    q2 = np.arange(-largest, largest + 1, dtype=np.float64) ** 2
    decay = curvature * largest**2
    matrix = np.diag(decay - curvature * q2) + off * (np.eye(q2.size, k=1) + np.eye(q2.size, k=-1))
    norm = float(matrix.sum(axis=1).max()) * horizon
    halvings = max(0, math.ceil(math.log2(norm / _NORM))) if norm > 0.0 else 0
    power, log_scale = exponential(matrix * horizon / 2.0**halvings), 0.0
    for _ in range(halvings):
        power = power @ power
        top = float(power.max())
        power /= top
        log_scale = 2.0 * log_scale + math.log(top)
    with np.errstate(divide="ignore"):  # what underflows far from zero is -inf, and no number is made of it
        return np.asarray(np.log(power @ np.exp(-terminal * q2)) + log_scale - decay * horizon)


def depths(log_w: Floats, fill_decay: float, least: float) -> tuple[Floats, Floats]:
    """(bid, ask) depth (2Q+1,) of each inventory: least + (log w_q - log w_q±1) / k, inf where none is quoted."""
    bid, ask = np.full(log_w.size, np.inf), np.full(log_w.size, np.inf)
    bid[:-1] = least + (log_w[:-1] - log_w[1:]) / fill_decay
    ask[1:] = least + (log_w[1:] - log_w[:-1]) / fill_decay
    return bid, ask
