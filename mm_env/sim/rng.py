"""Random numbers that belong to an env: six xoshiro256++ streams in its state.

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
    8: "the fill or headline log is full",
    16: "an own order traded with another own order",
}
FAULT_QUANTITY, FAULT_BEST, FAULT_PRICE, FAULT_LOG, FAULT_SELF = FAULTS

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
    for k in range(STREAMS):
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


@kernel
def exponential(s, stream):
    """Exponential of mean 1."""
    return -math.log(uniform(s, stream))


@kernel
def normal_pair(s, stream):
    """Two independent standard normals (Box & Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(uniform(s, stream)))
    angle = 2.0 * math.pi * uniform(s, stream)
    return radius * math.cos(angle), radius * math.sin(angle)
