"""Server keys: the port `ServerKeys`."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from hubbub.adapters.postgres.database import Database
from hubbub.domain.account import ServerKey

_KEY: Final = "name, key_hash, hint, scopes, created_at"
_BY_HASH: Final = f"SELECT {_KEY} FROM server_keys WHERE key_hash = $1"


class PostgresKeys:
    """ServerKeys. A write may be repeated with the same arguments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_key(self, key: ServerKey) -> bool:
        """`ServerKeys.add_key`."""
        async with self._database.transaction() as db:
            await db.execute(
                f"INSERT INTO server_keys ({_KEY}) VALUES ($1, $2, $3, $4, $5)"
                " ON CONFLICT DO NOTHING",
                key.name,
                key.key_hash,
                key.hint,
                " ".join(key.scopes),
                key.created_at,
            )
            row = await db.fetchrow(_BY_HASH, key.key_hash)
        return row is not None and _key(row) == key

    async def key(self, key_hash: bytes) -> ServerKey | None:
        """`ServerKeys.key`."""
        async with self._database.snapshot() as db:
            row = await db.fetchrow(_BY_HASH, key_hash)
        return None if row is None else _key(row)

    async def keys(self) -> list[ServerKey]:
        """`ServerKeys.keys`."""
        async with self._database.snapshot() as db:
            return [
                _key(r) for r in await db.fetch(f"SELECT {_KEY} FROM server_keys ORDER BY name")
            ]

    async def drop_key(self, name: str) -> bool:
        """`ServerKeys.drop_key`."""
        async with self._database.transaction() as db:
            query = "DELETE FROM server_keys WHERE name = $1 RETURNING name"
            return await db.fetchval(query, name) is not None


def _key(row: Sequence[Any]) -> ServerKey:
    name, key_hash, hint, scopes, created_at = row
    return msgspec.convert((name, key_hash, hint, tuple(scopes.split()), created_at), ServerKey)
