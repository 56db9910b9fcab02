"""What a step reads and logs besides state and params, bundled. Arrays of all envs, or of one, with the first axis gone."""

from typing import NamedTuple

import numpy as np


class Headlines(NamedTuple):
    """Headlines of the news source; every env reads the same."""

    tape: np.ndarray  # (H,) TAPE_DTYPE; with Poisson news the bundled headlines, in blocks
    offsets: np.ndarray  # (S+2,) int64 block k is offsets[k]:offsets[k + 1]; block S is market-wide


class Replay(NamedTuple):
    """The recording that is replayed, empty without one; every env reads the same."""

    events: np.ndarray  # (E,) REPLAY_DTYPE in order of time
    books: np.ndarray  # (E, 2, L, 2) int64 price [ticks] and lots after each event, best first


class Logs(NamedTuple):
    """What a step logs; a log without rows keeps nothing."""

    fills: np.ndarray  # (N, F) FILL_DTYPE own fills
    headlines: np.ndarray  # (N, F) HEADLINE_LOG_DTYPE
    previous_books: np.ndarray  # (N, 0 or 1) the books before the last event
    book_changes: np.ndarray  # (N, L) BOOK_LOG_DTYPE what happened to the books
