"""Looking at a database without changing it, beside servers that may be using it."""

import time
from typing import Any, Final

import asyncpg
from msgspec import Struct

from hubbub.adapters.postgres.database import speaking
from hubbub.adapters.postgres.days import missing_days
from hubbub.adapters.postgres.durability import Durability, durability
from hubbub.adapters.postgres.hosts import Hosts
from hubbub.adapters.postgres.leases import NOW
from hubbub.adapters.postgres.migrate import schema_of
from hubbub.adapters.postgres.schema import DAY_MS, MIGRATIONS

SCHEMA: Final = len(MIGRATIONS)
"""The schema that this version writes."""
TIMES: Final = 50
"""How often a round trip and a commit are measured."""
TIMEOUT: Final = 5.0

_FACTS: Final = """
    SELECT (SELECT system_identifier FROM pg_control_system()) AS system,
        current_setting('server_version') AS version,
        current_setting('server_version_num')::int / 10000 AS major,
        pg_is_in_recovery() AS standby, current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int AS places,
        coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)
            OR coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', true)
            AS private
"""
_FOLLOWED: Final = """
    SELECT system_identifier AS system, pg_is_in_recovery() AS standby,
        CASE WHEN NOT EXISTS (SELECT FROM pg_stat_wal_receiver) THEN NULL
            WHEN pg_last_wal_replay_lsn() = pg_last_wal_receive_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
            END::float8 AS behind
    FROM pg_control_system()
"""


class Examined(Struct, frozen=True):
    """A database, and the server that keeps it. `system`: what its copies have in common.

    `private`: the way to it is encrypted, or does not leave this machine. `places`: connections
    for users who are no superusers. `synchronous_commit`: what the server says; ours are stronger.

    `schema`: 0 where there is none yet. `newest`: the time of the newest message, Unix ms, 0
    without one. `servers`: those that use it now. `ahead`: seconds by which its clock is ahead of
    ours. `trips`, `commits`: seconds, ascending. `missing`: which of today's and tomorrow's
    partitions are not there.
    """

    system: int
    version: str
    major: int
    standby: bool
    synchronous_commit: str
    places: int
    private: bool
    schema: int
    messages: int
    servers: int
    newest: int
    ahead: float
    trips: list[float]
    commits: list[float]
    missing: list[str]
    durability: Durability


class Followed(Struct, frozen=True):
    """What is to be a replica. `system`: of which database it is a copy; `behind`: seconds, None
    where it follows nobody.
    """

    system: int
    standby: bool
    behind: float | None


async def follow(url: str) -> Followed:
    """Look at a replica. Raises Unavailable. Cancelling is safe."""
    with speaking():
        db = await asyncpg.connect(url, timeout=TIMEOUT, command_timeout=TIMEOUT)
        try:
            return Followed(**await db.fetchrow(_FOLLOWED))
        finally:
            await db.close(timeout=TIMEOUT)


async def examine(url: str) -> Examined:
    """Look at it. Raises Unavailable, whose text says what to do. Cancelling is safe."""
    hosts, limits = Hosts(url), {"timeout": TIMEOUT, "command_timeout": TIMEOUT}
    with speaking():
        try:
            db = await hosts.connect(**limits)
        except (asyncpg.TargetServerAttributeNotMatched, OSError):  # a standby says that it is one
            db = await asyncpg.connect(url, target_session_attrs="any", **limits)
        try:
            return await _examine(db)
        finally:
            await db.close(timeout=TIMEOUT)


async def _examine(db: Any) -> Examined:
    facts = await db.fetchrow(_FACTS)
    trips = [await _timed(db, "SELECT 1") for _ in range(TIMES)]
    ahead = await _ahead(db)
    schema = await schema_of(db) or 0
    messages, newest, servers, missing = 0, 0, 0, []
    if schema:
        query = "SELECT coalesce(sum(number), 0)::bigint, coalesce(max(at), 0) FROM chats"
        messages, newest = await db.fetchrow(query)
        servers = await _servers(db)
        today = int(time.time() * 1000) // DAY_MS
        missing = [name for _, name, _, _ in await missing_days(db, (today, today + 1))]
    durable = await durability(db)
    ends = not (facts["standby"] or durable.waits)
    commits = [await _commit(db) for _ in range(TIMES)] if ends else []
    return Examined(
        **facts,
        schema=schema,
        messages=messages,
        servers=servers,
        newest=newest,
        ahead=ahead,
        trips=sorted(trips),
        commits=sorted(commits),
        missing=missing,
        durability=durable,
    )


async def _servers(db: Any) -> int:
    """Those whose lease goes on; 0 on a database that is older than leases."""
    if await db.fetchval("SELECT to_regclass('nodes')") is None:
        return 0
    count: int = await db.fetchval(f"SELECT count(*) FROM nodes WHERE until > {NOW}")
    return count


async def _timed(db: Any, *statements: str) -> float:
    start = time.perf_counter()
    for statement in statements:
        await db.execute(statement)
    return time.perf_counter() - start


async def _commit(db: Any) -> float:
    """A commit that must be synced, of a note in the log that nobody reads."""
    await db.execute("BEGIN; SELECT pg_logical_emit_message(true, 'hubbub doctor', '')")
    return await _timed(db, "COMMIT")


async def _ahead(db: Any) -> float:
    """Half of the fastest round trip is how exact it is."""
    fastest, ahead = float("inf"), 0.0
    for _ in range(TIMES):
        start, before = time.perf_counter(), time.time()
        there = await db.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        took = time.perf_counter() - start
        if took < fastest:
            fastest, ahead = took, there - before - took / 2
    return ahead
