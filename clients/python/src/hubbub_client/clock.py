"""The client's time: a port, and the event loop's own."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None:
        """Do not call."""


class Clock(Protocol):
    """Two times and one alarm. A simulation brings its own."""

    def now(self) -> float:
        """Seconds of a clock that never steps back."""

    def unix(self) -> float:
        """Seconds since 1970."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back once `now()` has reached `when`."""


class LoopClock:
    """The running event loop's clock, and the system's for `unix`."""

    def now(self) -> float:
        """The loop's time."""
        return asyncio.get_running_loop().time()

    def unix(self) -> float:
        """The system's time."""
        return time.time()

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """The loop's timer."""
        return asyncio.get_running_loop().call_at(when, callback)
