"""Server keys in SQLite: the port `ServerKeys`, synchronous."""

from typing import Any, Final

import apsw
import msgspec

from hubbub.adapters.sqlite.database import transaction
from hubbub.domain.account import ServerKey

_KEY: Final = "name, key_hash, hint, scopes, created_at"


class SqliteKeys:
    """ServerKeys on one connection. A write may be repeated with the same arguments."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def add_key(self, key: ServerKey) -> bool:
        """`ServerKeys.add_key`."""
        with transaction(self._connection):
            self._connection.execute(
                f"INSERT OR IGNORE INTO server_keys ({_KEY}) VALUES (?, ?, ?, ?, ?)",
                (key.name, key.key_hash, key.hint, " ".join(key.scopes), key.created_at),
            )
            return self.key(key.key_hash) == key

    def key(self, key_hash: bytes) -> ServerKey | None:
        """`ServerKeys.key`."""
        rows = self._connection.execute(
            f"SELECT {_KEY} FROM server_keys WHERE key_hash = ?", (key_hash,)
        )
        return next(map(_key, rows), None)

    def keys(self) -> list[ServerKey]:
        """`ServerKeys.keys`."""
        rows = self._connection.execute(f"SELECT {_KEY} FROM server_keys ORDER BY name")
        return [_key(row) for row in rows]

    def drop_key(self, name: str) -> bool:
        """`ServerKeys.drop_key`."""
        with transaction(self._connection):
            self._connection.execute("DELETE FROM server_keys WHERE name = ?", (name,))
            return bool(self._connection.changes())


def _key(row: tuple[Any, ...]) -> ServerKey:
    name, key_hash, hint, scopes, created_at = row
    return msgspec.convert((name, key_hash, hint, tuple(scopes.split()), created_at), ServerKey)
