"""A copy of the database, taken while the server goes on."""

from pathlib import Path

import apsw

from hubbub.adapters.sqlite.database import UnusableDatabase, open_database


def copy_database(source: Path, target: Path) -> None:
    """Write to `target`, an empty file or none, what was committed when the copying began.

    It is copied in one step, so commits go on meanwhile and none of them is seen; the log of the
    source grows until the copy is done. Raises UnusableDatabase, OSError.
    """
    origin = open_database(str(source), readonly=True)
    try:
        copy = apsw.Connection(str(target))
        try:
            copy.execute("PRAGMA synchronous = FULL")
            with copy.backup("main", origin, "main") as backup:
                backup.step(-1)
        finally:
            copy.close()
    except apsw.Error as error:
        raise UnusableDatabase(f"{source} cannot be copied to {target} ({error}).") from error
    finally:
        origin.close()
