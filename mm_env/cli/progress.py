"""How far a command is: a bar with the time left on a terminal; elsewhere a line now and then, through `logging`."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from time import monotonic

logger = logging.getLogger(__name__)
SECONDS_A_LINE = 30.0


@contextlib.contextmanager
def progress_of(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes how much more was done of `total`. what: as "env steps"."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        together = sys.stdout.isatty()  # else what is printed goes where it was sent
        with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, redirect_stdout=together) as bar:
            task = bar.add_task(what, total=total)
            yield lambda more: bar.advance(task, more)
        return
    start = last = monotonic()  # of the first report: what comes before it, as compilation, says nothing about the pace
    done = first = 0

    def advance(more: int) -> None:
        nonlocal done, first, start, last
        done += more
        now = monotonic()
        if not first:
            first, start, last = done, now, now
        elif now - last >= SECONDS_A_LINE:
            last = now
            left = (total - done) * (now - start) / (done - first)
            logger.info("%s: %s of %s, about %.0f s left", what, f"{done:,}", f"{total:,}", max(0.0, left))

    yield advance
