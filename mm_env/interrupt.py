"""Stopping a run in good order: the first Ctrl-C asks, the second insists."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

_CHECK_SECONDS = 0.2  # between two checks of whether to stop


class Stopped(Exception):
    """Work that was asked to stop before it had anything whole to return."""


def pause(seconds: float, stop: Callable[[], bool]) -> None:
    """Wait; raises Stopped as soon as `stop()` is true."""
    until = time.monotonic() + seconds
    while True:
        if stop():
            raise Stopped
        left = until - time.monotonic()
        if left <= 0.0:
            return
        time.sleep(min(_CHECK_SECONDS, left))


class StopRequest:
    """While entered, the first SIGINT or SIGTERM is noted instead of breaking in anywhere; a second one breaks in.

    Outside the main thread, where Python takes no signals, nothing changes.
    """

    def __init__(self) -> None:
        """Nothing asked yet."""
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        """Take over both signals."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Give both back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def __call__(self) -> bool:
        """Return whether to stop."""
        return self.signal is not None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number
