"""Random numbers that belong to an env: xoshiro256++ streams in its state, six in the book market.

Every episode's streams derive from (key, episode) alone, so what an agent did in one episode changes nothing in the next.
Regime, news and diffusion draw the same numbers whatever the agent does; takers and makers react to it.

Source: Blackman & Vigna 2021 (xoshiro256++); Steele, Lea & Flood 2014 (splitmix64).
"""

import math
from collections.abc import Callable

import numpy as np

from mm_env.sim.compiling import inlined, kernel
from mm_env.sim.state import STREAMS

REGIME, NEWS, DIFFUSION, TAKERS, MAKERS, AGENT = range(STREAMS)

# what a kernel that meets the impossible says; any of them is a bug of the simulator
FAULTS = {
    1: "a resting quantity went below zero",
    2: "the best price of a book holds nothing",
    4: "the efficient price left the range that books can hold",
    8: "an own order traded with another own order",
}
FAULT_QUANTITY, FAULT_BEST, FAULT_PRICE, FAULT_SELF = FAULTS

_U = np.uint64
_GOLDEN, _MIX1, _MIX2 = _U(0x9E3779B97F4A7C15), _U(0xBF58476D1CE4E5B9), _U(0x94D049BB133111EB)
_UNIT = 2.0**-53


@inlined
def _rotate(x, k):
    return (x << _U(k)) | (x >> _U(64 - k))


@kernel
def _splitmix(x):
    x = (x ^ (x >> _U(30))) * _MIX1
    x = (x ^ (x >> _U(27))) * _MIX2
    return x ^ (x >> _U(31))


@kernel
def seed_streams(s):
    """Set all streams from the key and the episode number."""
    x = s.key[0] ^ _splitmix(s.key[1] + _GOLDEN * _U(s.episode + 1))
    for k in range(len(s.rng)):
        for j in range(4):
            x += _GOLDEN
            s.rng[k, j] = _splitmix(x)


@inlined
def next_u64(s, stream):
    """64 random bits."""
    r = s.rng
    a, b, c, d = r[stream, 0], r[stream, 1], r[stream, 2], r[stream, 3]
    result = _rotate(a + d, 23) + a
    t = b << _U(17)
    c ^= a
    d ^= b
    r[stream, 1] = b ^ c
    r[stream, 0] = a ^ d
    r[stream, 2] = c ^ t
    r[stream, 3] = _rotate(d, 45)
    return result


@inlined
def uniform(s, stream):
    """Uniform on (0, 1), never 0 and never 1."""
    return (float(next_u64(s, stream) >> _U(11)) + 0.5) * _UNIT


def _layers(
    tail: float, area: float, density: Callable[[float], float], inverse: Callable[[float], float]
) -> tuple[np.ndarray, np.ndarray]:
    """Edges x and densities f(x) of 256 layers of equal area under a falling density; layer 0 holds its tail."""
    x = np.empty(257)
    x[0], x[1], x[256] = area / density(tail), tail, 0.0
    for k in range(2, 256):
        x[k] = inverse(area / x[k - 1] + density(x[k - 1]))
    return x, np.array([density(edge) for edge in x])


_EDGES, _HEIGHTS = _layers(7.69711747013104972, 3.949659822581572e-3, lambda x: math.exp(-x), lambda y: -math.log(y))
_NORMAL_EDGES, _NORMAL_HEIGHTS = _layers(
    3.6541528853610088, 4.92867323399e-3, lambda x: math.exp(-0.5 * x * x), lambda y: math.sqrt(-2.0 * math.log(y))
)


@inlined
def exponential(s, stream):
    """Exponential of mean 1, by the ziggurat (Marsaglia & Tsang 2000)."""
    shift = 0.0
    while True:
        bits = next_u64(s, stream)
        layer = bits & _U(255)
        x = (float(bits >> _U(11)) + 0.5) * _UNIT * _EDGES[layer]
        if x < _EDGES[layer + _U(1)]:
            return shift + x
        if layer == 0:
            shift += _EDGES[1]  # the tail of an exponential is an exponential
        elif _HEIGHTS[layer] + uniform(s, stream) * (_HEIGHTS[layer + _U(1)] - _HEIGHTS[layer]) < math.exp(-x):
            return shift + x


@inlined
def normal(s, stream):
    """Standard normal, by the ziggurat (Marsaglia & Tsang 2000)."""
    while True:
        bits = next_u64(s, stream)
        layer = bits & _U(255)
        sign = 1.0 - 2.0 * float((bits >> _U(8)) & _U(1))
        x = (float(bits >> _U(11)) + 0.5) * _UNIT * _NORMAL_EDGES[layer]
        if x < _NORMAL_EDGES[layer + _U(1)]:
            return sign * x
        if layer == 0:
            return sign * _normal_tail(s, stream)
        low, high = _NORMAL_HEIGHTS[layer], _NORMAL_HEIGHTS[layer + _U(1)]
        if low + uniform(s, stream) * (high - low) < math.exp(-0.5 * x * x):
            return sign * x


@kernel
def _normal_tail(s, stream):
    """Normal past the last edge (Marsaglia 1964)."""
    edge = _NORMAL_EDGES[1]
    while True:
        x = -math.log(uniform(s, stream)) / edge
        if -2.0 * math.log(uniform(s, stream)) > x * x:
            return edge + x
