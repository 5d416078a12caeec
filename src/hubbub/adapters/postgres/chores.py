"""What a database needs that lives for long: partitions made ahead and dropped behind.

One process does it: whoever holds an advisory lock, on the very connection that does the work. So
the lock ends with its holder, however that ends, and who has lost it does nothing any more. What
day it is, the database says; a clock that is wrong drops nothing, unless both are.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final, Protocol

import asyncpg

from hubbub.adapters.postgres.database import speaking
from hubbub.adapters.postgres.days import drop_before, make_days
from hubbub.adapters.postgres.hosts import HELD, Hosts
from hubbub.adapters.postgres.schema import DAY_MS, LOCK, first_id
from hubbub.adapters.postgres.sent import KEPT_DAYS
from hubbub.ports import Unavailable

AHEAD: Final = 14
"""Days whose partitions are there before anybody needs them."""
LOOK_EVERY: Final = 1.0
"""Seconds between two looks whether somebody leads, and whether a new day has begun."""
RETRY: Final = 60.0
"""Seconds until what could not be done is tried again."""
BATCH: Final = 10_000
"""Rows deleted at once."""
PATIENCE_MS: Final = 500
"""How long a change of tables waits for those who use them."""
CONNECT: Final = 5.0
STATEMENT: Final = 60.0

LEAD: Final = "SELECT pg_try_advisory_lock($1, 3)"
TODAY: Final = f"SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint / {DAY_MS}"
OLD_KEYS: Final = """
    DELETE FROM sent_others WHERE (client_id, sender_id) IN (SELECT client_id, sender_id
        FROM sent_others WHERE day < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
OLD_SPANS: Final = """
    DELETE FROM spans WHERE ctid = ANY(ARRAY(SELECT ctid FROM spans
        WHERE first_id < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
OLD_MENTIONS: Final = """
    DELETE FROM mentions WHERE ctid = ANY(ARRAY(SELECT ctid FROM mentions
        WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
OLD_WAITING: Final = """
    DELETE FROM waiting WHERE ctid = ANY(ARRAY(SELECT ctid FROM waiting
        WHERE message_id < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


class Tell(Protocol):
    """Who hears of it."""

    def __call__(self, event: str, **fields: object) -> None:
        """Something that is worth knowing."""


class Chores:
    """`run` for as long as the process lives; `retention`: days of messages, 0 keeps all."""

    def __init__(self, url: str, retention: int, tell: Tell) -> None:
        self._hosts = Hosts(url)
        self._retention = retention
        self._tell = tell
        self._due = 0.0
        self.leads = False
        self.done_day = 0
        """The last day for which all was done here."""

    async def run(self) -> None:
        """Lead when nobody else does, and do what is due, until cancelled."""
        while True:
            try:
                with speaking():
                    await self._connected()
            except Unavailable:
                pass  # somebody else leads meanwhile, or nobody can
            await asyncio.sleep(LOOK_EVERY)

    async def _connected(self) -> None:
        db = await _connect(self._hosts)
        try:
            while True:
                if self.leads or await db.fetchval(LEAD, LOCK):
                    await self._lead(db)
                await asyncio.sleep(LOOK_EVERY)
        finally:
            self.leads, self.done_day, self._due = False, 0, 0.0
            db.terminate()

    async def _lead(self, db: Any) -> None:
        if not self.leads:
            self.leads = True
            self._tell("leads", does="the chores of the database")
        today = await db.fetchval(TODAY)  # which also finds out that the lock is lost
        if today != self.done_day and time.monotonic() >= self._due:
            self._due = time.monotonic() + RETRY
            await self._do(db, today)

    async def _do(self, db: Any, today: int) -> None:
        try:
            with speaking():
                check_day(today)
                dropped = await do_chores(db, today, self._retention)
        except (Unavailable, asyncpg.PostgresError) as error:  # people chat on without them
            if db.is_closed():
                raise
            self._tell("chores put off", reason=f"{type(error).__name__}: {error}")
            return
        self.done_day = today
        if dropped:
            self._tell("partitions dropped", names=dropped)


def check_day(today: int) -> None:
    """Raises Unavailable where the database's day is not ours."""
    if abs(int(time.time() * 1000) // DAY_MS - today) > 1:
        raise Unavailable("The clocks of this machine and of the database are days apart.")


async def _connect(hosts: Hosts) -> Any:
    return await hosts.connect(
        timeout=CONNECT,
        command_timeout=STATEMENT + 5,
        server_settings={
            "application_name": "hubbub chores",
            "statement_timeout": str(int(STATEMENT * 1000)),
            "lock_timeout": str(PATIENCE_MS),
            **HELD,
        },
    )


async def do_chores(db: Any, today: int, retention: int) -> list[str]:
    """All that is due on this Unix day; the partitions that were dropped.

    Doing it again changes nothing. Keys go before the messages that they name, or one that comes
    again would find neither its message nor its place free.
    """
    async with db.transaction():
        await make_days(db, range(today - 1, today + AHEAD + 1))
    oldest = today - KEPT_DAYS
    dropped = await drop_before(db, {"sent": oldest})
    await _delete(db, OLD_KEYS, oldest)
    if not retention:
        return dropped
    first = today - retention
    dropped += await drop_before(db, _kept(first))
    for query in (OLD_SPANS, OLD_WAITING):
        await _delete(db, query, first_id(first))
    await _delete(db, OLD_MENTIONS, first * DAY_MS)
    return dropped


def _kept(first: int) -> Mapping[str, int]:
    """From which day on each table is kept. Marks are found a day before their message, too:
    clocks of servers differ.
    """
    by_message = dict.fromkeys(("messages", "edits", "reactions"), first)
    return {**by_message, "marks": first - 1, "large_marks": first - 1}


async def _delete(db: Any, query: str, bound: int) -> None:
    while int((await db.execute(query, bound, BATCH)).rpartition(" ")[2]) == BATCH:
        pass
