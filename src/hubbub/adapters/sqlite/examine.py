"""Looking at a database without changing it, beside a server that may be using it."""

import os
import tempfile
import time
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from hubbub.adapters.sqlite.database import UnusableDatabase, open_database
from hubbub.adapters.sqlite.schema import MIGRATIONS

_STEPS: Final = 10_000
"""Instructions of SQLite between two looks at the clock."""
_LEVELS: Final = ("OFF", "NORMAL", "FULL", "EXTRA")

VERSION: Final = apsw.sqlite_lib_version()
SCHEMA: Final = len(MIGRATIONS)
"""The schema that this version writes."""


class Durability(Struct, frozen=True):
    """How the server's own connections write: they must say `wal` and `FULL` (G1)."""

    journal_mode: str
    synchronous: str


class Examined(Struct, frozen=True):
    """A database. `damage`: what the quick check found first, empty if nothing.

    `checked` is False where the check was not finished in the time given. `newest`: the time of
    the newest message, Unix ms, 0 without one. `log`: bytes that wait to be copied.
    """

    schema: int
    messages: int
    newest: int
    log: int
    damage: str
    checked: bool


def durability(folder: Path) -> Durability:
    """What a database has that is opened there as the server opens its own.

    Raises UnusableDatabase, OSError.
    """
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=folder) as scratch:
        connection = open_database(str(Path(scratch) / "scratch.db"))
        try:
            level = int(connection.pragma("synchronous"))
            return Durability(str(connection.pragma("journal_mode")), _LEVELS[level])
        finally:
            connection.close()


def examine(path: Path, seconds: float) -> Examined:
    """Look at a database for at most about so long. Raises UnusableDatabase, OSError."""
    log, index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    if log.exists() and not index.exists() and path.stat().st_uid != os.geteuid():
        # SQLite would make the index, and the server could not open what is not its own.
        raise UnusableDatabase(f"{path} was left in the middle; look at it as its owner.")
    try:
        connection = open_database(str(path), readonly=True, still=not log.exists())
    except apsw.Error as error:
        raise UnusableDatabase(f"{path} cannot be read ({error}).") from error
    try:
        damage, checked = _quick_check(connection, seconds)
        messages, newest = 0, 0
        if not damage and connection.pragma("user_version"):
            # Counting five million rows takes a while; each chat numbers its own.
            messages = int(connection.execute("SELECT total(number) FROM chats").get)
            newest = connection.execute("SELECT max(at) FROM chats").get or 0
        return Examined(
            schema=connection.pragma("user_version"),
            messages=messages,
            newest=newest,
            log=log.stat().st_size if log.exists() else 0,
            damage=damage,
            checked=checked,
        )
    except apsw.Error as error:
        raise UnusableDatabase(f"{path} cannot be read ({error}).") from error
    finally:
        connection.close()


def _quick_check(connection: apsw.Connection, seconds: float) -> tuple[str, bool]:
    """What is damaged, empty if nothing is; whether the check came to its end."""
    end = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        said = connection.execute("PRAGMA quick_check(1)").get
    except apsw.InterruptError:
        return "", False
    except apsw.CorruptError as error:
        return str(error), True
    finally:
        connection.set_progress_handler(None)
    return ("" if said == "ok" else str(said)), True
