"""Large chats: one frame to thousands of connections, in slices that leave room for others."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from hubbub.delivery.flight import Flight
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import Outgoing
from hubbub.delivery.subscriber import Subscriber

SLICE_SECONDS: Final = 0.0005
"""A message between two, with its receipt, waits for many slices; to cut finer costs nothing."""
CHECK_EVERY: Final = 32
"""Connections between two looks at the clock."""


class _Job:
    __slots__ = ("audience", "chat_id", "next", "outgoing", "own", "rev", "sender_id")

    def __init__(
        self,
        chat_id: int,
        rev: int,
        outgoing: Outgoing,
        own: tuple[int, Outgoing],
        audience: list[tuple[Subscriber, int]],
    ) -> None:
        self.chat_id = chat_id
        self.rev = rev
        self.outgoing = outgoing
        self.sender_id, self.own = own
        self.audience = audience
        self.next = 0


class Fanout:
    """Large fan-outs, first come first served, so that each log keeps its order.

    Who joined after the position does not see it (G6); who left meanwhile gets nothing.
    """

    def __init__(self, hub: Hub, monotonic: Callable[[], float], flight: Flight) -> None:
        self._hub = hub
        self._flight = flight
        self._monotonic = monotonic
        self._jobs: deque[_Job] = deque()
        self._work = asyncio.Event()
        self.deliveries = 0

    @property
    def depth(self) -> int:
        """Fan-outs under way or waiting."""
        return len(self._jobs)

    def start(
        self,
        chat_id: int,
        rev: int,
        outgoing: Outgoing,
        own: tuple[int, Outgoing],
        some: Mapping[Subscriber, int] | None = None,
    ) -> None:
        """Queue one frame for all connections of the chat; `own`: its sender, and his frame.

        `some`: for these of them alone.
        """
        audience = list((self._hub.of_large(chat_id) if some is None else some).items())
        if audience:
            self._jobs.append(_Job(chat_id, rev, outgoing, own, audience))
            self._flight.fanouts += 1
            self._work.set()

    def finish(self, chat_id: int) -> None:
        """All of this chat's at once: it is large no more, so there are few connections."""
        for job in [job for job in self._jobs if job.chat_id == chat_id]:
            self._deliver(job, job.next, len(job.audience))
            self._jobs.remove(job)
            self._flight.fanouts -= 1
        self._flight.check()

    async def run(self) -> None:
        """Work slice by slice until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._jobs:
                self._slice(self._jobs[0])
                self._hub.flush()
                await asyncio.sleep(0)

    def _slice(self, job: _Job) -> None:
        until = self._monotonic() + SLICE_SECONDS
        while job.next < len(job.audience):
            self._deliver(job, job.next, min(job.next + CHECK_EVERY, len(job.audience)))
            self._hub.flush()
            if self._monotonic() >= until:
                break
        if job.next >= len(job.audience):
            self._jobs.popleft()
            self._flight.fanouts -= 1
            self._flight.check()

    def _deliver(self, job: _Job, start: int, stop: int) -> None:
        log_id, rev, outgoing = job.chat_id, job.rev, job.outgoing
        sender_id, own = job.sender_id, job.own
        subscribed = self._hub.of_large(log_id)
        for subscriber, since in job.audience[start:stop]:
            if since <= rev and subscriber in subscribed:
                said = own if subscriber.user_id == sender_id else outgoing
                subscriber.log(log_id, rev, said)
        self.deliveries += stop - start
        job.next = stop
