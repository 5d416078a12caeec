"""While the store is away: live connections stay, and those that have to catch up wait for it.

What needs no store goes on for them meanwhile. But where it is this node alone that does not reach
the store, all are better off with another one, which they find when they are closed. So this node
asks the others, once a second, and whom the store answers says so.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from hubbub.delivery.catching_up import Replay
from hubbub.delivery.hub import Hub
from hubbub.domain.events import AwayEvent, Event, ReachedEvent
from hubbub.ports import Unavailable
from hubbub.ports.nodes import Nodes
from hubbub_protocol.codes import Close

AGAIN: Final = 1.0
"""Seconds between two looks whether the store is back."""
LOOKS: Final = 2
"""Looks in a row at which the store answers others and not this node: all that come back with it
do not notice at the same moment.
"""
SETTLE: Final = 0.5
"""Seconds from its first answer until it is read: what it was about to commit when it hung comes
first, and nobody else would tell of it.
"""


class Away:
    """See the module. `load` reads the store, and `go_on` those that waited for it; `nodes` is None
    where one is all.
    """

    def __init__(
        self,
        hub: Hub,
        nodes: Nodes | None,
        load: Callable[[], Awaitable[object]],
        publish: Callable[[Sequence[Event]], None],
        go_on: Callable[[Iterable[Replay]], None],
    ) -> None:
        self._hub = hub
        self._nodes = nodes
        self._load = load
        self._publish = publish
        self._go_on = go_on
        self._waiting: list[Replay] = []
        self._work = asyncio.Event()
        self._asked = asyncio.Event()
        self._is_noticed = False
        self._is_elsewhere = False
        self.asked = self._asked.set
        """Another node does not reach the store."""

    def __len__(self) -> int:
        """Connections that wait."""
        return len(self._waiting)

    def wait(self, replay: Replay) -> None:
        """The store did not answer it."""
        self._waiting.append(replay)
        self._work.set()

    def notice(self) -> None:
        """It did not answer somebody for whom it is too late."""
        self._is_noticed = True
        self._work.set()

    def reached(self) -> None:
        """The store has answered another node."""
        self._is_elsewhere = True

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer())
            while True:
                await self._work.wait()
                self._work.clear()
                await self._see_it_back()

    async def _answer(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            if await self._is_back():
                self._publish([ReachedEvent()])

    async def _see_it_back(self) -> None:
        elsewhere = 0
        while self._is_missed():
            await self._ask()
            await asyncio.sleep(AGAIN)
            if await self._is_back():
                await asyncio.sleep(SETTLE)
                self._go_on(self._forget())
                return
            elsewhere = elsewhere + 1 if self._is_elsewhere else 0
            if elsewhere == LOOKS:
                self._forget()
                self._hub.close_all(Close.TRY_LATER, "the store is away here; reconnect")

    def _is_missed(self) -> bool:
        self._waiting = [each for each in self._waiting if each.subscriber.replay is each]
        return self._is_noticed or bool(self._waiting)

    async def _is_back(self) -> bool:
        try:
            await self._load()
        except Unavailable:
            return False
        return True

    async def _ask(self) -> None:
        """Where nobody can be asked, any node may be better than this one, and none is worse."""
        try:
            others = () if self._nodes is None else await self._nodes.others()
        except Unavailable:
            self._is_elsewhere = True
            return
        self._is_elsewhere = False
        if others:
            self._publish([AwayEvent()])

    def _forget(self) -> list[Replay]:
        """Nobody misses it any more; who did."""
        self._is_noticed = False
        missed, self._waiting = self._waiting, []
        return missed
