"""What all WebSockets of a server have in common."""

import asyncio
import logging
import traceback
from typing import Protocol

from hubbub.entry.ws.limits import EdgeLimits
from hubbub.entry.ws.parser import Parsers
from hubbub.entry.ws.statistics import EdgeStatistics
from hubbub.entry.ws.sweeper import Sweeper


class Flushing(Protocol):
    """A WebSocket with frames that wait."""

    def flush(self) -> None:
        """Write them."""


class Common:
    """Bounds, counts, sweeper and parsers; and the sockets that are to be flushed."""

    __slots__ = ("_dirty", "_log", "_loop", "limits", "parsers", "statistics", "sweeper")

    def __init__(
        self,
        limits: EdgeLimits,
        statistics: EdgeStatistics,
        sweeper: Sweeper,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.limits = limits
        self.statistics = statistics
        self.sweeper = sweeper
        self.parsers = Parsers(limits.message)
        self._log = logging.getLogger("hubbub.edge")
        self._loop = loop
        self._dirty: list[Flushing] = []

    def flush_soon(self, socket: Flushing) -> None:
        """Flush `socket` in the loop's next turn."""
        self._dirty.append(socket)
        if len(self._dirty) == 1:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for socket in dirty:
            socket.flush()

    def broken(self, what: str, error: Exception) -> None:
        """Log an error of the product's, without its text, which may hold content."""
        where = "".join(traceback.format_tb(error.__traceback__))
        self._log.error("%s failed: %s\n%s", what, type(error).__name__, where)
