"""Bringing the schema up to date, while servers of the version before go on using it."""

import asyncio
from typing import Any, Final

import asyncpg

from hubbub.adapters.postgres.schema import LOCK, MIGRATIONS
from hubbub.ports import Unavailable

AHEAD: Final = 1
"""How many migrations later than its own a schema may be for a server to use it."""
PATIENCE_MS: Final = 300
"""How long a migration waits for a table, since all who come after it wait as well."""
PAUSE: Final = 0.7
"""Seconds until it tries again: those who waited behind it go first."""
TRIES: Final = 300


class UnusableDatabase(Unavailable):
    """Of a newer version, or not ours. The message says what to do."""


async def migrate(db: Any) -> None:
    """Bring the schema up to date, one process at a time, in the way of nobody for long.

    Raises UnusableDatabase; Unavailable when a table is never free.
    """
    await db.execute("SET statement_timeout = 0; SET lock_timeout = 0")
    await db.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        version = await schema_of(db)
        if version is None:
            version = 0
            await db.execute(
                "CREATE TABLE schema_version (version INT NOT NULL);"
                "INSERT INTO schema_version VALUES (0)"
            )
        await db.execute(f"SET lock_timeout = {PATIENCE_MS}")
        for number in range(version, len(MIGRATIONS)):
            await _apply(db, number)
    finally:
        if not db.is_closed():
            await db.execute("SELECT pg_advisory_unlock($1)", LOCK)
            await db.execute("RESET statement_timeout; RESET lock_timeout")


async def _apply(db: Any, number: int) -> None:
    for _ in range(TRIES):
        try:
            async with db.transaction():
                await db.execute(MIGRATIONS[number])
                await db.execute("UPDATE schema_version SET version = $1", number + 1)
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(PAUSE)
    raise Unavailable(
        f"Migration {number + 1} cannot have its tables: some transaction has held one for minutes."
        " Look at pg_stat_activity, end it, and start again."
    )


async def schema_of(db: Any) -> int | None:
    """The schema's version; None where nothing is there yet. Raises UnusableDatabase."""
    if await db.fetchval("SELECT to_regclass('schema_version') IS NOT NULL"):
        version: int = await db.fetchval("SELECT version FROM schema_version")
        if version > len(MIGRATIONS) + AHEAD:
            raise UnusableDatabase(
                f"The database was written by a newer version of Hubbub (schema {version}, this"
                f" version knows {len(MIGRATIONS)}). Install that version, or restore an older"
                " backup."
            )
        return version
    if await db.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"):
        raise UnusableDatabase(
            "The database holds tables of another program. Give Hubbub one of its own in"
            " database.url."
        )
    return None
