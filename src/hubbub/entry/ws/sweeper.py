"""One sweeper for all connections: heartbeats and deadlines without a timer per connection."""

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, TypeVar

from hubbub.entry.ws.limits import EdgeLimits
from hubbub.entry.ws.statistics import EdgeStatistics

_Due = TypeVar("_Due", bound=Hashable)


class Beating(Hashable, Protocol):
    """A WebSocket, to the sweeper."""

    bucket: int

    def beat(self) -> None:
        """Ping, or end it when the last ping has no answer."""


class Opening(Hashable, Protocol):
    """A socket that has not finished its first request head."""

    def expire(self) -> None:
        """End it: its time is over."""


class Ending(Hashable, Protocol):
    """A transport that is closing."""

    def abort(self) -> None:
        """End it at once."""


class Requesting(Protocol):
    """A socket that speaks HTTP."""

    def check(self, now: float) -> bool:
        """End it, and answer True, if its peer has stalled for too long."""


class Sweeper:
    """Looks after all connections of a server whenever `sweep` is called, about once a second.

    WebSockets lie in one bucket per second of a heartbeat; each sweep visits the buckets that are
    due, and none twice, so that a process which was stopped for a while does not take its peers
    for dead. Deadlines of one kind are equally long, so their dicts are in order of time.
    """

    def __init__(
        self,
        limits: EdgeLimits,
        statistics: EdgeStatistics,
        requesting: Callable[[], Sequence[Requesting]],
        clock: Callable[[], float],
    ) -> None:
        """`clock`: seconds that never go back; `requesting`: the HTTP connections of now."""
        self._limits = limits
        self._statistics = statistics
        self._requesting = requesting
        self._clock = clock
        self.interval = min(1.0, limits.heartbeat)
        """Seconds between two sweeps."""
        self._buckets: list[set[Beating]] = [
            set() for _ in range(max(1, round(limits.heartbeat / self.interval)))
        ]
        self._tick = 0
        self._next = clock() + self.interval
        self._opening: dict[Opening, float] = {}
        self._ending: dict[Ending, float] = {}

    def add(self, socket: Beating) -> None:
        """Begin to ping; the first time after one heartbeat."""
        socket.bucket = self._tick % len(self._buckets)
        self._buckets[socket.bucket].add(socket)

    def remove(self, socket: Beating) -> None:
        """Stop pinging."""
        self._buckets[socket.bucket].discard(socket)

    def sockets(self) -> list[Beating]:
        """All that are pinged."""
        return [socket for bucket in self._buckets for socket in bucket]

    def opening(self, socket: Opening) -> None:
        """Expect a request's head within the handshake's time.

        Where there are too many, the oldest goes: whoever means it is done within milliseconds.
        """
        if len(self._opening) >= self._limits.handshakes:
            oldest = next(iter(self._opening))
            del self._opening[oldest]
            self._statistics.dropped["too_many_handshakes"] += 1
            oldest.expire()
        self._opening[socket] = self._clock() + self._limits.handshake_timeout
        self._statistics.pending = len(self._opening)

    def opened(self, socket: Opening) -> None:
        """The head came, or the socket went."""
        self._opening.pop(socket, None)
        self._statistics.pending = len(self._opening)

    def ending(self, transport: Ending) -> None:
        """Expect `ended` within the close's time."""
        self._ending.setdefault(transport, self._clock() + self._limits.close_timeout)

    def ended(self, transport: Ending) -> None:
        """The socket is gone."""
        self._ending.pop(transport, None)

    def abort_all(self) -> None:
        """End at once what has not finished opening or closing."""
        for opening in list(self._opening):
            opening.expire()
        for transport in list(self._ending):
            transport.abort()

    def sweep(self) -> None:
        """Ping and end what is due now."""
        now = self._clock()
        self._beat(now)
        for opening in _due(self._opening, now):
            self._statistics.dropped["slow_handshake"] += 1
            opening.expire()
        for transport in _due(self._ending, now):
            self._statistics.dropped["slow_close"] += 1
            transport.abort()
        for request in self._requesting():
            if request.check(now):
                self._statistics.dropped["http_stall"] += 1

    def _beat(self, now: float) -> None:
        for _ in range(len(self._buckets)):
            if self._next > now:
                return
            self._next += self.interval
            self._tick += 1
            for socket in list(self._buckets[self._tick % len(self._buckets)]):
                socket.beat()
        self._next = max(self._next, now)


def _due(deadlines: dict[_Due, float], now: float) -> list[_Due]:
    """Take out what is due; `deadlines` is in order of time."""
    due: list[_Due] = []
    for item, deadline in deadlines.items():
        if deadline > now:
            break
        due.append(item)
    for item in due:
        del deadlines[item]
    return due
