"""How many threads learn, beside those that step the envs."""

from __future__ import annotations

import os
import sys


def use_threads(number: int) -> None:
    """Let torch learn with so many threads.

    More than one pays where nothing else runs (a fifth more steps a second on two cores), but those of OpenMP spin between
    the parts of an update, on the cores that step the envs: they do so only for moments, where torch is not yet loaded.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    import torch

    torch.set_num_threads(number)
