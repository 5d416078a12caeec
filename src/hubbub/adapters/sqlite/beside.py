"""The database opened beside a server that may be running on it."""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw
from msgspec import Struct

from hubbub.adapters.sqlite.accounts import SqliteAccounts
from hubbub.adapters.sqlite.database import open_database
from hubbub.adapters.sqlite.identities import SqliteIdentities
from hubbub.adapters.sqlite.keys import SqliteKeys
from hubbub.ports import Unavailable


class Beside(Struct, frozen=True):
    """What may be written while a server runs: it keeps none of it in memory."""

    accounts: SqliteAccounts
    identities: SqliteIdentities
    keys: SqliteKeys


@contextmanager
def beside(path: str) -> Iterator[Beside]:
    """The database at `path`. Raises Unavailable, whose text says what to do."""
    connection = open_database(path)
    try:
        accounts, identities = SqliteAccounts(connection), SqliteIdentities(connection)
        yield Beside(accounts, identities, SqliteKeys(connection))
    except apsw.BusyError:
        raise Unavailable("The server is writing just now; try again.") from None
    except apsw.FullError:
        raise Unavailable("The disk is full: nothing can be stored until there is room.") from None
    finally:
        connection.close()
