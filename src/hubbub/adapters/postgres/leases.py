"""What nodes on one database have in common: a number each, for the ids they make, and one secret.

A number is leased for `LEASE_MS`, by the database's clock. Who cannot renew it stops making ids
before it ends, and takes it again, or another one, when the database answers.
"""

import asyncio
import secrets
import time
from contextlib import suppress
from typing import Any, Final

from hubbub.adapters.postgres.database import Database
from hubbub.adapters.postgres.schema import LOCK
from hubbub.ports import Unavailable
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import MAX_NODE, IdMaker

MOST: Final = MAX_NODE - 1
"""Numbers for servers; the last is that of commands beside them."""
LEASE_MS: Final = 30_000
RENEW: Final = 5.0
"""Seconds between two renewals."""
SPARE: Final = 5.0
"""Seconds before a lease ends from which on no ids are made: calls and clocks are slow."""
MOST_SKEW_MS: Final = 1_000
NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
TAKE: Final = f"""
    INSERT INTO nodes (number, holder, until)
    SELECT n, $1, {NOW} + {LEASE_MS} FROM generate_series(1, {MOST}) n
        LEFT JOIN nodes ON number = n WHERE until IS NULL OR until < {NOW}
        ORDER BY until NULLS FIRST, n LIMIT 1
    ON CONFLICT (number) DO UPDATE SET holder = excluded.holder, until = excluded.until
    RETURNING number
"""
RENEWED: Final = (
    f"UPDATE nodes SET until = {NOW} + {LEASE_MS} WHERE number = $1 AND holder = $2 RETURNING {NOW}"
)
GIVE_BACK: Final = f"UPDATE nodes SET until = {NOW} WHERE number = $1 AND holder = $2"


class LeasedIds(IdMaker):
    """Makes ids while the lease lasts. Raises Refused `unavailable` otherwise."""

    __slots__ = ("good_until",)

    def __init__(self) -> None:
        super().__init__(0, lambda: time.time_ns() // 1_000_000)
        self.good_until = 0.0

    def make_at(self, now_ms: int) -> int:
        """See IdMaker."""
        if time.monotonic() > self.good_until:
            raise Refused(Code.UNAVAILABLE, "The database is away. Try again a little later.", 1.0)
        return super().make_at(now_ms)


class Lease:
    """This process's number. `ids` makes ids with it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._holder = secrets.randbits(62)
        self._number = 0
        self.ids = LeasedIds()
        self.skew_ms = 0

    @property
    def gauges(self) -> dict[str, float]:
        """The number, and how it is with it; nothing before it is taken."""
        if not self._number:
            return {}
        return {
            "node_number": self._number,
            "node_lease_seconds": max(0.0, self.ids.good_until - time.monotonic()),
            "clock_skew_seconds": self.skew_ms / 1000,
        }

    @property
    def unready(self) -> str | None:
        """Why this node should not be used now."""
        if abs(self.skew_ms) > MOST_SKEW_MS:
            seconds = abs(self.skew_ms) / 1000
            return (
                f"This machine's clock differs from the database's by {seconds:.1f} s. Set it, and"
                " keep it right with NTP."
            )
        return None

    async def take(self) -> None:
        """A number that nobody has. Raises Unavailable."""
        began = time.monotonic()
        async with self._database.transaction() as db:
            await db.execute("SELECT pg_advisory_xact_lock($1, 2)", LOCK)
            number = await db.fetchval(TAKE, self._holder)
        if number is None:
            raise Unavailable(f"{MOST} servers use the database already.")
        self._number = number
        self.ids.become(number)
        self._good_from(began)
        await self.renew()

    async def renew(self) -> None:
        """Keep it, or take another one. Raises Unavailable."""
        began, sent = time.monotonic(), time.time()
        async with self._database.transaction() as db:
            now = await db.fetchval(RENEWED, self._number, self._holder)
        if now is None:
            await self.take()
            return
        self._good_from(began)
        self.skew_ms = round((sent + time.time()) * 500 - now)

    def _good_from(self, began: float) -> None:
        self.ids.good_until = began + LEASE_MS / 1000 - SPARE

    async def run(self) -> None:
        """Renew it, until cancelled."""
        while True:
            await asyncio.sleep(RENEW)
            with suppress(Unavailable):
                await self.renew()

    async def give_back(self) -> None:
        """Others may have it. Raises Unavailable."""
        self.ids.good_until = 0.0
        async with self._database.transaction() as db:
            await db.execute(GIVE_BACK, self._number, self._holder)


async def shared_secret(database: Database, mine: bytes) -> bytes:
    """The secret of all nodes: that of the first of them. Raises Unavailable."""
    async with database.transaction() as db:
        await db.execute(
            "INSERT INTO secrets (name, value) VALUES ('tokens', $1) ON CONFLICT DO NOTHING", mine
        )
        found: Any = await db.fetchval("SELECT value FROM secrets WHERE name = 'tokens'")
    return bytes(found)
