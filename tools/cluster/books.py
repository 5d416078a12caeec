"""The bots that talk over the cluster, and the running books of what was promised to them."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Self

from hubbub.cli import books
from hubbub.config import Config, Database
from hubbub.demo.audit import Audit
from hubbub.demo.life import Life, Pace, Visit
from hubbub.demo.settle import residents, sessions, settle
from hubbub.demo.town import VISITOR, town
from hubbub.wiring.engine import PostgresEngine
from hubbub_client import Refused, Unreachable

PAST: Final = 300
"""Messages that were said before."""
TICK: Final = 0.05
CHECK_EVERY: Final = 5.0
KEPT: Final = 60
"""Seconds that the curve goes back."""
PAUSE: Final = 1.0
"""Seconds without an acknowledgement that are worth telling."""


class Books:
    """What the bots were promised, compared with what is stored. `run` keeps them."""

    def __init__(self, life: Life, audit: Audit, visit: Visit, link: str) -> None:
        self.audit = audit
        self.link = link
        self.rates: deque[float] = deque(maxlen=KEPT)
        self.longest = 0.0
        """Seconds without an acknowledgement, at the most, since the last fault."""
        self._life = life
        self._visit = visit

    @classmethod
    @asynccontextmanager
    async def open(cls, database: str, urls: Sequence[str], rate: float) -> AsyncIterator[Self]:
        """Settle the town, and let its bots in, each at one of these addresses.

        Raises Unavailable, Refused, Unreachable.
        """
        place = town()
        tokens = await _move_in(database)
        visit = await Visit.begin(urls[0], place, tokens.pop("auditor"))
        try:
            audit = Audit(visit.heads)
            life = Life(place, visit.chat_ids, visit.user_id, Pace(rate, typing=False), audit)
            await life.settle_in(urls, tokens)
            async with asyncio.TaskGroup() as group:
                living = group.create_task(life.run())
                yield cls(life, audit, visit, f"{urls[0]}/#signin={tokens[VISITOR]}")
                living.cancel()
        finally:
            await visit.end()

    @property
    def waiting(self) -> int:
        """Messages that are not acknowledged yet."""
        return self._life.waiting

    def fault(self) -> None:
        """Something is broken now: how long is it felt?"""
        self.longest = 0.0

    async def run(self) -> None:
        """Count and compare, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._count())
            group.create_task(self._compare())

    async def _count(self) -> None:
        before = seen = self.audit.acknowledged
        last = second = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self.longest = max(self.longest, now - last)
            if self.audit.acknowledged != seen:
                seen, last = self.audit.acknowledged, now
            if now - second >= 1:
                self.rates.append((seen - before) / (now - second))
                before, second = seen, now

    async def _compare(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            with suppress(Refused, Unreachable):  # the next time
                await self.audit.check(self._visit.api)

    async def close(self) -> bool:
        """All is answered, and compared; whether every promise was kept."""
        return await books.close(self._life, self.audit, self._visit.api)


async def _move_in(database: str) -> dict[str, str]:
    """Everybody and some past; a refresh token for each, by user name."""
    now, place = int(time.time() * 1000), town()
    engine = PostgresEngine(Config(database=Database(url=database)))
    try:
        await engine.open()
        await settle(engine.store, place, PAST, now, secrets.token_hex(), lambda stored: None)
        users = await residents(engine.store, place)
        tokens = await sessions(engine.store, users, now, "make cluster")
        visitor = {VISITOR: users[VISITOR]}
        auditor = await sessions(engine.store, visitor, now + 1, "make cluster")
    finally:
        await engine.stop()
    return {**tokens, "auditor": auditor[VISITOR]}
