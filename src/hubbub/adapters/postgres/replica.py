"""Reads of a chat's log from a standby, as good as from the primary or not at all.

Whatever becomes of a log takes its next position. So where a log ends at the same position there
and here, it is the same log, however far behind the standby is with others: who has just
written, or has just been told of something, never sees less. How far behind it may be is bounded
all the same, since partitions are dropped without a position.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import asyncpg

from hubbub.adapters.postgres.hosts import FAILURES

LOOK_EVERY: Final = 1.0
"""Seconds between two looks whether it follows."""
MOST_BEHIND: Final = 10.0
"""Seconds. The primary commits something every five, for each server's number at least."""
PATIENCE: Final = 2.0
"""Seconds for a look, for connecting, and for a read: then the primary is asked."""
FOLLOWS: Final = """
    SELECT pg_is_in_recovery() AND EXISTS (SELECT FROM pg_stat_wal_receiver) AND coalesce(
        clock_timestamp() - pg_last_xact_replay_timestamp() < make_interval(secs => $1), false)
"""

T = TypeVar("T")


class Replica:
    """One address. `run` beside; `changed` hears whether it can be used, when that has changed."""

    def __init__(
        self, url: str, connections: int, changed: Callable[[bool], None] = lambda is_ready: None
    ) -> None:
        self._url = url
        self._connections = connections
        self._changed = changed
        self._pool: Any = None
        self.is_ready = False
        self.used = self.behind = 0

    async def run(self) -> None:
        """Look whether it follows, until cancelled; end all connections then."""
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._connections,
            timeout=PATIENCE,
            command_timeout=PATIENCE,
            target_session_attrs="standby",
            reset=_leave,
            server_settings={
                "application_name": "hubbub replica",
                "statement_timeout": str(int(PATIENCE * 1000)),
                "plan_cache_mode": "force_generic_plan",
            },
        )
        try:
            while True:
                self._tell(await self._follows())
                await asyncio.sleep(LOOK_EVERY)
        finally:
            self._tell(False)
            self._pool.terminate()

    async def _follows(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE), self._pool.acquire() as db:
                return bool(await db.fetchval(FOLLOWS, MOST_BEHIND))
        except FAILURES:
            return False

    def _tell(self, is_ready: bool) -> None:
        if is_ready != self.is_ready:
            self.is_ready = is_ready
            self._changed(is_ready)

    async def read(self, read: Callable[[Any], Awaitable[T]]) -> T | None:
        """What it reads there, of one state; None where that cannot be read now."""
        if not self.is_ready:
            return None
        try:
            async with asyncio.timeout(PATIENCE), self._pool.acquire() as db:
                return await _snapshot(db, read)
        except FAILURES:  # away, too busy, or what it read was in the way of what it follows
            self._tell(False)  # until the next look: nobody waits for that again and again
            return None

    @property
    def gauges(self) -> dict[str, float]:
        """For whoever watches."""
        up = float(self.is_ready)
        return {"replica_up": up, "replica_used": self.used, "replica_behind": self.behind}

    def count(self, is_same: bool) -> None:
        """A log that was read there ended where it does on the primary, or it did not."""
        self.used += is_same
        self.behind += not is_same


async def _leave(db: Any) -> None:
    """Nothing is set in a session that would have to be undone: no round trip at each release."""


async def _snapshot(db: Any, read: Callable[[Any], Awaitable[T]]) -> T:
    try:
        await db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = await read(db)
        await db.execute("COMMIT")
    except BaseException:
        db.terminate()  # it may hang: nobody waits for it to roll back
        raise
    return found
