"""Random numbers that belong to an env: xoshiro256++ streams in its state, six in the book market.

Every episode's streams derive from (key, episode) alone, so what an agent did in one episode changes nothing in the next.
Regime, news and diffusion draw the same numbers whatever the agent does; takers and makers react to it.

Source: Blackman & Vigna 2021 (xoshiro256++); Steele, Lea & Flood 2014 (splitmix64).
"""

import math

import numpy as np

from mm_env.sim.compiling import kernel
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


@kernel
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


@kernel
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


@kernel
def uniform(s, stream):
    """Uniform on (0, 1), never 0 and never 1."""
    return (float(next_u64(s, stream) >> _U(11)) + 0.5) * _UNIT


def _exponential_layers() -> tuple[np.ndarray, np.ndarray]:
    """Edges x and densities exp(-x) of 256 layers of equal area under exp(-x); layer 0 holds the tail."""
    tail, area = 7.69711747013104972, 3.949659822581572e-3
    x = np.empty(257)
    x[0], x[1], x[256] = area * math.exp(tail), tail, 0.0
    for k in range(2, 256):
        x[k] = -math.log(area / x[k - 1] + math.exp(-x[k - 1]))
    return x, np.exp(-x)


_EDGES, _HEIGHTS = _exponential_layers()


@kernel
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


@kernel
def normal_pair(s, stream):
    """Two independent standard normals (Marsaglia's polar method, 1964)."""
    while True:
        a, b = 2.0 * uniform(s, stream) - 1.0, 2.0 * uniform(s, stream) - 1.0
        square = a * a + b * b
        if 0.0 < square < 1.0:
            scale = math.sqrt(-2.0 * math.log(square) / square)
            return a * scale, b * scale
