"""Whom identity providers know users as: the port `Identities`."""

from typing import Any, Final

from msgspec.structs import replace

from hubbub.adapters.postgres.accounts import USER, add_user, end_sessions
from hubbub.adapters.postgres.database import Database
from hubbub.domain.account import Identity, User

_OWNER: Final = (
    f"SELECT {USER} FROM users WHERE id ="
    " (SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2) FOR NO KEY UPDATE"
)


class PostgresIdentities:
    """Identities. A write may be repeated with the same arguments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recognise(
        self, identity: Identity, display_name: str, is_admin: bool | None
    ) -> User | None:
        """`Identities.recognise`."""
        async with self._database.transaction() as db:
            user = await _owner(db, identity)
            if user is None:
                return None
            admin = user.is_admin if is_admin is None else is_admin
            now = replace(user, display_name=display_name, is_admin=admin)
            if now != user:
                query = "UPDATE users SET display_name = $2, is_admin = $3 WHERE id = $1"
                await db.execute(query, user.id, display_name, admin)
        return now

    async def enrol(self, identity: Identity, user: User) -> User | None:
        """`Identities.enrol`. Who enrols the same identity just now is waited for."""
        async with self._database.transaction() as db:
            if not await _add(db, identity, user.id):
                return await _owner(db, identity)
            if await add_user(db, user):
                return user
            await _drop(db, identity)
        return None

    async def link(self, identity: Identity, user_id: int) -> bool:
        """`Identities.link`."""
        async with self._database.transaction() as db:
            await _add(db, identity, user_id)
            owner = await _owner(db, identity)
        return owner is not None and owner.id == user_id

    async def unlink(self, identity: Identity, now: int) -> User | None:
        """`Identities.unlink`."""
        async with self._database.transaction() as db:
            user = await _owner(db, identity)
            if user is not None:
                await _drop(db, identity)
                query = "SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL"
                live = [row[0] for row in await db.fetch(query, user.id)]
                await end_sessions(db, live, now)
        return user

    async def identities(self, user_id: int) -> list[Identity]:
        """`Identities.identities`."""
        async with self._database.snapshot() as db:
            rows = await db.fetch(
                "SELECT issuer, subject FROM identities WHERE user_id = $1"
                " ORDER BY issuer, subject",
                user_id,
            )
        return [Identity(*row) for row in rows]


async def _add(db: Any, identity: Identity, user_id: int) -> bool:
    """False: it is somebody's."""
    added = await db.fetchval(
        "INSERT INTO identities (issuer, subject, user_id) VALUES ($1, $2, $3)"
        " ON CONFLICT DO NOTHING RETURNING user_id",
        identity.issuer,
        identity.subject,
        user_id,
    )
    return added is not None


async def _drop(db: Any, identity: Identity) -> None:
    query = "DELETE FROM identities WHERE issuer = $1 AND subject = $2"
    await db.execute(query, identity.issuer, identity.subject)


async def _owner(db: Any, identity: Identity) -> User | None:
    row = await db.fetchrow(_OWNER, identity.issuer, identity.subject)
    return None if row is None else User(*row)
