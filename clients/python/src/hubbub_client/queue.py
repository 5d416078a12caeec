"""The events between the session and the application: one reader, a bound. Needs a loop."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from hubbub_client.events import Event


class EventQueue:
    """A bounded queue. Whoever makes events waits for `room` before he makes more.

    `taken` is called when the application asks for an event while none waits: it has then
    finished with all before.
    """

    def __init__(self, capacity: int, taken: Callable[[], None]) -> None:
        self._capacity = capacity
        self._taken = taken
        self._events: deque[Event] = deque()
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._events)

    def put(self, events: Sequence[Event]) -> None:
        """Append; never waits, so that a single frame's events stay together."""
        if events and not self._closed:
            self._events.extend(events)
            self._changed.set()
            if len(self._events) >= self._capacity:
                self._has_room.clear()

    async def room(self) -> None:
        """Wait until the application has taken enough."""
        await self._has_room.wait()

    async def get(self) -> Event | None:
        """The next event; None when the queue is closed and empty. Safe to cancel."""
        if not self._events and not self._closed:
            self._taken()
        while not self._events:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        event = self._events.popleft()
        if len(self._events) <= self._capacity // 2:
            self._has_room.set()
        return event

    def close(self) -> None:
        """No more events come; those that wait may still be taken."""
        self._closed = True
        self._changed.set()
        self._has_room.set()
