"""Partitions: made before they are needed, and dropped whole. Nobody waits for either."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hubbub.adapters.postgres.schema import LOCK, day_of_id, partition, partitions

ALL: Final = """
    SELECT c.relname::text AS name, p.relname::text AS parent,
        coalesce(i.inhdetachpending, false) AS pending
    FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
        LEFT JOIN pg_class p ON p.oid = i.inhparent
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
        AND c.relname ~ ('^(' || array_to_string($1::text[], '|') || ')_[0-9]{8}$')
    ORDER BY pending DESC, c.relname
"""
"""The partitions of these tables, also those that are in none: the one half detached first, since
a table can have only one of them."""
OLDEST: Final = (
    "SELECT min(relname)::text FROM pg_class WHERE relispartition AND relkind = 'r'"
    " AND relnamespace = current_schema()::regnamespace AND relname ~ '^messages_[0-9]{8}$'"
)


async def missing_days(db: Any, days: Iterable[int]) -> list[tuple[str, str, int, int]]:
    """The partitions of these days that are not there: table, name, and bounds of the ids."""
    wanted = [partition for day in days for partition in partitions(day)]
    query = "SELECT relname::text FROM pg_class WHERE relname = ANY($1) AND relispartition"
    there = {row[0] for row in await db.fetch(query, [name for _, name, _, _ in wanted])}
    return [partition for partition in wanted if partition[1] not in there]


async def make_days(db: Any, days: Iterable[int]) -> None:
    """Make the partitions of these days that are not there, in this transaction."""
    wanted = sorted(days)
    if not await missing_days(db, wanted):
        return
    await db.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    for table, name, start, end in await missing_days(db, wanted):
        # Attached, not created as one: that would stop all who read or write the table.
        await db.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
        await db.execute(
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})"
        )


async def drop_before(db: Any, first: Mapping[str, int]) -> list[str]:
    """Drop the partitions of days before the first that is kept, by table; their names.

    Not in a transaction: a partition is detached while others go on, and what was begun and not
    finished is finished the next time.
    """
    kept = {table: partition(table, day) for table, day in first.items()}
    dropped = []
    for name, parent, pending in await db.fetch(ALL, list(first)):
        if name >= kept[name.rpartition("_")[0]]:
            continue
        if pending:
            await db.execute(f"ALTER TABLE {parent} DETACH PARTITION {name} FINALIZE")
        elif parent is not None:
            await db.execute(f"ALTER TABLE {parent} DETACH PARTITION {name} CONCURRENTLY")
        await db.execute(f"DROP TABLE {name}")
        dropped.append(name)
    return dropped


async def is_dropped(db: Any, message_id: int) -> bool:
    """Whether a message of this id would be older than all that are kept."""
    oldest: str | None = await db.fetchval(OLDEST)
    return oldest is not None and partition("messages", day_of_id(message_id)) < oldest
