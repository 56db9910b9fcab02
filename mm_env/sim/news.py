"""Headlines: the true polarity moves the efficient price and excites takers; the score is all that the agent sees.

A part of the move comes at once, the rest as a drift that decays. A tape that states no polarity draws it from the
scorer's confusion matrix, so that a score is never taken for the truth.
"""

import math

import numpy as np

from mm_env.sim.compiling import kernel
from mm_env.sim.fundamental import move_price
from mm_env.sim.rng import NEWS, exponential, uniform

NONE, POISSON, TAPE = 0, 1, 2

TAPE_DTYPE = np.dtype(
    [("time", "f8"), ("polarity", "f8"), ("score", "f8"), ("symbol", "i4"), ("scored", "u1"), ("stated", "u1")],
    align=True,
)  # scored: class 0 negative, 1 neutral, 2 positive; stated: whether the polarity is known
HEADLINE_LOG_DTYPE = np.dtype(
    [("time", "f8"), ("row", "i8"), ("symbol", "i8"), ("polarity", "f8"), ("score", "f8")], align=True
)


@kernel
def start_news(s, p, tape):
    """First arrival of each Poisson stream; where on the tape the episode begins."""
    if p.tape_latest > 0.0:
        s.tape_start = uniform(s, NEWS) * p.tape_latest
        s.tape_position = _first_from(tape, s.tape_start)
    for k in range(p.symbols + 1):
        stream = k if k < p.symbols else p.news_rate_per_second.shape[0] - 1
        s.news_next[stream] = _next_arrival(s, p, stream, s.time)
    for i in range(p.symbols):
        s.headline[i] = -1
        s.headline_time[i] = -math.inf


@kernel
def _first_from(tape, time):
    """First row of the tape that is not before a time."""
    low, high = 0, tape.shape[0]
    while low < high:
        middle = (low + high) // 2
        if tape[middle].time < time:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _next_arrival(s, p, stream, now):
    return now + exponential(s, NEWS) / p.news_rate_per_second[stream] if p.news_rate_per_second[stream] > 0.0 else math.inf


@kernel
def publish(s, p, tape, headline_offsets, log):
    """Publish the headlines that are due; returns whether there were any."""
    published = False
    if p.news_source == POISSON:
        for k in range(p.symbols + 1):
            stream = k if k < p.symbols else p.news_rate_per_second.shape[0] - 1
            while s.news_next[stream] <= s.time:
                count = headline_offsets[k + 1] - headline_offsets[k]
                row = headline_offsets[k] + min(int(uniform(s, NEWS) * count), count - 1)
                if count > 0:
                    _read(s, p, tape, log, row)
                s.news_next[stream] = _next_arrival(s, p, stream, s.news_next[stream])
                published = True
    elif p.news_source == TAPE:
        while s.tape_position < tape.shape[0] and tape[s.tape_position].time - s.tape_start <= s.time:
            _read(s, p, tape, log, s.tape_position)
            s.tape_position += 1
            published = True
    return published


@kernel
def _read(s, p, tape, log, row):
    """One headline: price, drift, takers, and the score that the agent sees."""
    polarity = tape[row].polarity if tape[row].stated else _draw_truth(s, p, tape[row].scored)
    symbol = tape[row].symbol
    first, last = (symbol, symbol + 1) if symbol >= 0 else (0, p.symbols)
    for i in range(first, last):
        move = p.news_impact * polarity
        move_price(s, i, 0, move * p.news_immediate_share)
        s.news_drift[i] += move * (1.0 - p.news_immediate_share)
        side = 0 if polarity > 0.0 else 1
        s.excitation[p.exponentials - 1, 2 * i + side] += p.news_excitation_per_second * abs(polarity)
        s.sentiment[i] += tape[row].score
        s.headline[i], s.headline_time[i] = row, s.time
    if log.shape[0] > 0:
        s.headline_count += 1
        if s.headline_count > log.shape[0]:
            return
        line = log[s.headline_count - 1]
        line.time, line.row, line.symbol, line.polarity, line.score = s.time, row, symbol, polarity, tape[row].score


@kernel
def _draw_truth(s, p, scored):
    u = uniform(s, NEWS)
    truth = 0 if u < p.truth[scored, 0] else (1 if u < p.truth[scored, 1] else 2)
    return (truth - 1) * p.truth_magnitude[truth]
