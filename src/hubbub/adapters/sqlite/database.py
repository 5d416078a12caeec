"""Opening the file: pragmas, migrations, and clear words when it cannot be used.

Durability (G1): WAL with synchronous=FULL syncs the log at every commit. Checkpoints are run
by a connection of their own, outside the commit, so automatic ones are switched off.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote

import apsw

from hubbub.adapters.sqlite.schema import APPLICATION_ID, MIGRATIONS
from hubbub.ports import Unavailable

STATEMENTS: Final = 300
"""Prepared statements are kept while so many rows go through others: about as many as a commit has,
so that it parses none anew. Each row looks through them all."""


class UnusableDatabase(Unavailable):
    """The file is damaged, from a newer version, or not ours. The message says what to do."""


def open_database(
    path: str, *, vfs: str | None = None, readonly: bool = False, still: bool = False
) -> apsw.Connection:
    """A connection to the migrated database at `path`, made if it is not there.

    Raises UnusableDatabase. `readonly` connections see committed changes of others and never
    write; the file must exist. `still`: nobody writes it meanwhile and it has no log, so no file
    is made beside it.
    """
    flags = apsw.SQLITE_OPEN_READONLY if readonly else _WRITE
    name = f"file:{quote(path)}?immutable=1" if still else path
    try:
        connection = apsw.Connection(
            name,
            flags=flags | apsw.SQLITE_OPEN_URI * still,
            vfs=vfs,
            statementcachesize=STATEMENTS,
        )
        connection.set_busy_timeout(5000)
        # Plans do not depend on the values that are bound. Else each ORDER BY is planned, and its
        # statement parsed, with every execution: twice to three times the work of a read.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        _check(connection, path)  # first: the pragmas write, and this may be another's file
        for pragma in _READER_PRAGMAS if readonly else _WRITER_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if not readonly:
            _migrate(connection)
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise UnusableDatabase(
            f"{path} is damaged or is not a database ({error}). Restore it from a backup, "
            "or move it away to start empty."
        ) from error
    except apsw.CantOpenError as error:
        raise UnusableDatabase(
            f"{path} cannot be opened ({error}). Check that its folder exists and is writable."
        ) from error
    return connection


_WRITE = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
# A reader forgets every page at the next commit, and the process does not give back what its cache
# has taken: enough for what is read between two commits.
_READER_PRAGMAS = ("cache_size = -8192", "query_only = ON", "temp_store = MEMORY")
_WRITER_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "wal_autocheckpoint = 0",
    "cache_size = -65536",
    "temp_store = MEMORY",
)


def _check(connection: apsw.Connection, path: str) -> None:
    version = connection.pragma("user_version")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if tables and connection.pragma("application_id") != APPLICATION_ID:
        raise UnusableDatabase(f"{path} is a database of another program. Choose another --data.")
    if version > len(MIGRATIONS):
        raise UnusableDatabase(
            f"{path} was written by a newer version of Hubbub (schema {version}, this version "
            f"knows {len(MIGRATIONS)}). Install that version, or restore an older backup."
        )


def _migrate(connection: apsw.Connection) -> None:
    for number in range(connection.pragma("user_version"), len(MIGRATIONS)):
        with transaction(connection):
            connection.execute(MIGRATIONS[number])
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number + 1}")


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """All of the block is committed durably, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[None]:
    """All reads of the block see the same state."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:  # an error of the disk may have ended it
            connection.execute("ROLLBACK")
