"""Positions that tell of reactions in large groups: at most one a second and message.

What waits for one is in the store, not here: whoever dies in between finds it there at the next
start.
"""

import asyncio
from typing import Final

from hubbub.domain.change import Amend, Announce
from hubbub.domain.reaction import EVERY_MS
from hubbub.ports import Changes, ChatStore, Clock, Unavailable
from hubbub_protocol.codes import Refused

MOST: Final = 100
"""Messages told of at once."""
AGAIN: Final = 1.0
"""Seconds until a store that is away is asked again."""


class AnnounceReactions:
    """See the module. `run` does the work, in one task."""

    def __init__(self, store: ChatStore, changes: Changes, clock: Clock) -> None:
        self._store = store
        self._changes = changes
        self._clock = clock
        self._work = asyncio.Event()
        self._work.set()  # what an earlier process has left
        self.wake = self._work.set
        """Reactions wait, or may."""

    async def run(self) -> None:
        """Take positions as they are due, until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            pause = await self._round()
            while pause is not None:
                await asyncio.sleep(pause)
                pause = await self._round()

    async def _round(self) -> float | None:
        """Take what is due. Seconds until there is more to do; None: nothing waits."""
        try:
            waiting = await self._store.waiting(MOST)
            now = self._clock.now_ms()
            # Beyond a second from now: the clock was put back.
            due = [message for message, at in waiting if not now < at <= now + EVERY_MS]
            async with asyncio.TaskGroup() as group:
                for message in due:
                    group.create_task(self._take(message, now))
        except Unavailable:
            return AGAIN
        if due or not waiting:
            return 0.0 if due else None
        return (waiting[0][1] - now) / 1000

    async def _take(self, message: int, now: int) -> None:
        try:
            await self._changes.do(Amend(message, 0, Announce(), now))
        except Refused:
            await asyncio.sleep(AGAIN)  # too busy, or away: it waits in the store
