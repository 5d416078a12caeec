"""Looking over a user's shoulder, for whoever looks after the server: the frames he is pushed.

A tail is one more reader of the user's events, with a bound of its own: what does not fit is
dropped and counted, and nobody waits for it. It ends by itself when nobody asks for long.
"""

import asyncio
from collections import deque
from typing import Final

import msgspec

from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import LINES, Encoders
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.relation import PLAIN
from hubbub.domain.tracing import Connected, Heard
from hubbub_protocol.codes import Code, Refused

MOST: Final = 8
"""Tails at once."""
MOST_FRAMES: Final = 1_000
"""Frames of one that wait to be asked for."""
KEPT_SECONDS: Final = 60.0
NO_SESSION: Final = 0


class _Tail:
    """A link that keeps what is written."""

    def __init__(self) -> None:
        self.frames: deque[bytes] = deque(maxlen=MOST_FRAMES)
        self.dropped = 0
        self.news = asyncio.Event()
        self.timer: asyncio.TimerHandle | None = None
        self.reader: Subscriber | None = None

    def write(self, frames: bytes, /) -> None:
        """See Link."""
        lines = frames.splitlines()
        self.dropped += max(0, len(self.frames) + len(lines) - MOST_FRAMES)
        self.frames.extend(lines)
        self.news.set()

    def buffered(self) -> int:
        """See Link: it takes everything, and drops what is too much."""
        return 0

    def close(self, code: int, reason: str = "") -> None:
        """See Link: it looks on, whatever ends the user's own connections."""


class Tails:
    """The tails that are open, by number."""

    def __init__(self, hub: Hub, encoders: Encoders) -> None:
        self._hub = hub
        self._encoders = encoders
        self._tails: dict[int, _Tail] = {}
        self._count = 0

    def open(self, user_id: int) -> Heard:
        """Begin to listen. Where there are MOST already, the one asked longest ago ends."""
        if len(self._tails) >= MOST:
            self._end(next(iter(self._tails)))
        self._count += 1
        tail = _Tail()
        tail.reader = Subscriber(
            user_id, NO_SESSION, tail, LINES, self._encoders, self._hub.mark_dirty
        )
        tail.reader.stance = self._hub.stance(user_id) or PLAIN
        self._hub.attach(tail.reader)
        self._keep(self._count, tail)
        return self._heard(self._count, tail)

    async def listen(self, number: int, user_id: int, wait: float) -> Heard:
        """What came since, at once or within `wait` seconds. Cancelling is safe.

        Raises Refused `not_found`: there is no such tail of this user any more.
        """
        tail = self._tails.get(number)
        if tail is None or tail.reader is None or tail.reader.user_id != user_id:
            raise Refused(Code.NOT_FOUND, "This tail has ended; begin another.")
        self._keep(number, tail)
        try:
            async with asyncio.timeout(wait):
                await tail.news.wait()
        except TimeoutError:
            pass
        return self._heard(number, tail)

    def _keep(self, number: int, tail: _Tail) -> None:
        """It ends when nobody asks for long."""
        if tail.timer is not None:
            tail.timer.cancel()
        self._tails.pop(number, None)
        self._tails[number] = tail  # asked last
        tail.timer = asyncio.get_running_loop().call_later(2 * KEPT_SECONDS, self._end, number)

    def _end(self, number: int) -> None:
        tail = self._tails.pop(number)
        if tail.timer is not None:
            tail.timer.cancel()
        if tail.reader is not None:
            self._hub.detach(tail.reader)

    def _heard(self, number: int, tail: _Tail) -> Heard:
        assert tail.reader is not None
        frames = [msgspec.json.decode(line) for line in tail.frames]
        dropped, tail.dropped = tail.dropped, 0
        tail.frames.clear()
        tail.news.clear()
        here = self._hub.of_user(tail.reader.user_id)
        connections = [
            Connected(
                one.session_id,
                one.blocked,
                one.replay is not None,
                one.link.buffered(),
                len(one.behind or ()),
            )
            for one in here
            if one.session_id != NO_SESSION
        ]
        return Heard(number, frames, dropped, connections)
