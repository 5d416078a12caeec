"""Whom identity providers know users as, in SQLite: the port `Identities`, synchronous."""

from typing import Final

import apsw
from msgspec.structs import replace

from hubbub.adapters.sqlite.accounts import USER, insert_user, read_user
from hubbub.adapters.sqlite.database import transaction
from hubbub.domain.account import Identity, User

_OWNER: Final = (
    f"SELECT {USER} FROM users WHERE id ="
    " (SELECT user_id FROM identities WHERE issuer = ? AND subject = ?)"
)


class SqliteIdentities:
    """Identities on one connection. A write may be repeated with the same arguments."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def recognise(
        self, identity: Identity, display_name: str, is_admin: bool | None
    ) -> User | None:
        """`Identities.recognise`."""
        with transaction(self._connection):
            user = self._owner(identity)
            if user is None:
                return None
            admin = user.is_admin if is_admin is None else is_admin
            now = replace(user, display_name=display_name, is_admin=admin)
            if now != user:
                self._connection.execute(
                    "UPDATE users SET display_name = ?, is_admin = ? WHERE id = ?",
                    (display_name, admin, user.id),
                )
            return now

    def enrol(self, identity: Identity, user: User) -> User | None:
        """`Identities.enrol`."""
        with transaction(self._connection):
            known = self._owner(identity)
            if known is not None:
                return known
            if self._connection.execute(
                "SELECT EXISTS (SELECT 1 FROM users WHERE username = ?)", (user.username,)
            ).get:
                return None
            insert_user(self._connection, user)
            self._add(identity, user.id)
            return user

    def link(self, identity: Identity, user_id: int) -> bool:
        """`Identities.link`."""
        with transaction(self._connection):
            self._add(identity, user_id)
            owner = self._owner(identity)
            return owner is not None and owner.id == user_id

    def unlink(self, identity: Identity, now: int) -> User | None:
        """`Identities.unlink`."""
        with transaction(self._connection):
            user = self._owner(identity)
            if user is not None:
                self._connection.execute(
                    "DELETE FROM identities WHERE issuer = ? AND subject = ?",
                    (identity.issuer, identity.subject),
                )
                self._end_sessions(user.id, now)
            return user

    def identities(self, user_id: int) -> list[Identity]:
        """`Identities.identities`."""
        rows = self._connection.execute(
            "SELECT issuer, subject FROM identities WHERE user_id = ? ORDER BY issuer, subject",
            (user_id,),
        )
        return [Identity(*row) for row in rows]

    def _add(self, identity: Identity, user_id: int) -> None:
        self._connection.execute(
            "INSERT OR IGNORE INTO identities (issuer, subject, user_id) VALUES (?, ?, ?)",
            (identity.issuer, identity.subject, user_id),
        )

    def _owner(self, identity: Identity) -> User | None:
        rows = self._connection.execute(_OWNER, (identity.issuer, identity.subject))
        return next(map(read_user, rows), None)

    def _end_sessions(self, user_id: int, now: int) -> None:
        live = "FROM sessions WHERE user_id = ? AND revoked_at IS NULL"
        self._connection.execute(
            f"DELETE FROM places WHERE session_id IN (SELECT id {live})", (user_id,)
        )
        self._connection.execute(
            "UPDATE sessions SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL",
            (now, user_id),
        )
