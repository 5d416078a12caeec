"""Users, sessions and invites in SQLite: `Accounts`, `HostAccounts`, `Invites`, synchronous.

A session's places. While a user has one session, its place in a chat is what the member row says
was `received`, and nothing more is kept. With the second live session they part: from then on each
of his sessions has rows of its own in `places`, which begin there.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import apsw
from msgspec.structs import replace

from hubbub.adapters.sqlite.database import snapshot, transaction
from hubbub.domain.account import MAX_SESSIONS, Entered, Invite, Session, User

USER: Final = "id, username, display_name, password_hash, is_admin, created_at"
_SESSION: Final = "id, user_id, refresh_hash, device, created_at, last_used_at, expires_at"
_LIVE: Final = "revoked_at IS NULL AND expires_at > ?"
_KEEP_REVOKED_MS: Final = 7 * 24 * 3600 * 1000
"""Longer than any access token lives."""
_USE_MS: Final = 3600 * 1000
"""How exactly the last use of a host application's session is known: a write an hour."""
_SWEEP: Final = 4
"""Spent hashes looked at per rotation. Hashes are random, so neighbours are a random sample, and
since a rotation adds one and looks at four, what is out of date cannot pile up."""


class SqliteAccounts:
    """Accounts and Invites on one connection, which nobody else uses at the same time.

    A write whose answer was lost may be repeated with the same arguments: it is then answered as
    it was, and done once.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    # ── users and invites ──

    def add_user(self, user: User, invite: bytes | None) -> str:
        """`Accounts.add_user`."""
        connection = self._connection
        with transaction(connection):
            for other in self._find(user.username):
                return "ok" if other.id == user.id else "taken"
            admin = user.is_admin
            if invite is not None:
                connection.execute("DELETE FROM invites WHERE expires_at <= ?", (user.created_at,))
                row = connection.execute(
                    "UPDATE invites SET uses = uses - 1"
                    " WHERE code_hash = ? AND uses > 0 RETURNING admin",
                    (invite,),
                ).fetchone()
                if row is None:
                    return "invite"
                if row[0]:
                    # There may be several such links, one per start; they make one admin.
                    connection.execute("DELETE FROM invites WHERE admin")
                    admin = True
            insert_user(connection, replace(user, is_admin=admin))
        return "ok"

    def _find(self, username: str) -> list[User]:
        rows = self._connection.execute(f"SELECT {USER} FROM users WHERE username = ?", (username,))
        return [read_user(row) for row in rows]

    def users(self, ids: Sequence[int], username: str | None = None) -> list[User]:
        """`Accounts.users`, in no order."""
        with snapshot(self._connection):
            found = {user.id: user for user in self._find(username)} if username else {}
            if ids:
                rows = self._connection.execute(
                    f"SELECT {USER} FROM users WHERE id IN (SELECT value FROM json_each(?))",
                    (json.dumps(list(ids)),),
                )
                found.update((row[0], read_user(row)) for row in rows)
        return list(found.values())

    def add_invite(self, invite: Invite) -> None:
        """`Invites.add_invite`. Those that are used up go."""
        connection = self._connection
        with transaction(connection):
            connection.execute("DELETE FROM invites WHERE uses <= 0")
            connection.execute(
                "INSERT OR IGNORE INTO invites (code_hash, created_by, expires_at, uses, admin)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    invite.code_hash,
                    invite.created_by,
                    invite.expires_at,
                    invite.uses,
                    invite.admin,
                ),
            )

    def has_users(self) -> bool:
        """`Invites.has_users`."""
        return bool(self._connection.execute("SELECT EXISTS (SELECT 1 FROM users)").get)

    # ── of host applications ──

    def put_users(self, users: Sequence[User]) -> list[User]:
        """`HostAccounts.put_users`."""
        with transaction(self._connection):
            return [self._put(user) for user in users]

    def _put(self, user: User) -> User:
        for stored in self._find(user.username):
            if stored.display_name == user.display_name:
                return stored
            self._connection.execute(
                "UPDATE users SET display_name = ? WHERE id = ?", (user.display_name, stored.id)
            )
            return replace(stored, display_name=user.display_name)
        insert_user(self._connection, user)
        return user

    def named(self, names: Sequence[str]) -> list[User]:
        """`HostAccounts.named`, in no order."""
        rows = self._connection.execute(
            f"SELECT {USER} FROM users WHERE username IN (SELECT value FROM json_each(?))",
            (json.dumps(list(names)),),
        )
        return [read_user(row) for row in rows]

    def enter(self, user: User, session: Session, issued_at: int) -> Entered:
        """`HostAccounts.enter`; the session's `created_at` is now."""
        now = session.created_at
        with transaction(self._connection):
            stored = next(iter(self._find(user.username)), None)
            if stored is None:
                insert_user(self._connection, user)
            user_id = user.id if stored is None else stored.id
            row = self._connection.execute(
                "SELECT id, last_used_at, expires_at, revoked_at, valid_from FROM sessions"
                " WHERE refresh_hash = ?",
                (session.refresh_hash,),
            ).fetchone()
            id_, used, end, revoked, valid_from = row or (0, 0, 0, None, -1)
            valid_from = max(valid_from, -1 if revoked is None else revoked)
            if issued_at <= valid_from:
                return Entered(user_id, 0, [])
            if revoked is not None:  # its name is free again; that it was ended is still told
                self._connection.execute(
                    "UPDATE sessions SET refresh_hash = randomblob(32) WHERE id = ?", (id_,)
                )
            elif end > now:
                if now - used >= _USE_MS:
                    self._connection.execute(
                        "UPDATE sessions SET last_used_at = ?, expires_at = ? WHERE id = ?",
                        (now, session.expires_at, id_),
                    )
                replaced = self._ended_at(user_id, now) if id_ == session.id else []
                return Entered(user_id, id_, replaced)
            replaced = self._begin(replace(session, user_id=user_id))
            self._connection.execute(
                "UPDATE sessions SET valid_from = ? WHERE id = ?", (valid_from, session.id)
            )
            return Entered(user_id, session.id, replaced)

    # ── sessions ──

    def add_session(self, session: Session) -> list[int]:
        """`Accounts.add_session`; its `created_at` is now."""
        user_id, now = session.user_id, session.created_at
        with transaction(self._connection):
            if self._connection.execute(
                "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?)", (session.id,)
            ).get:
                return self._ended_at(user_id, now)
            return self._begin(session)

    def _begin(self, session: Session) -> list[int]:
        user_id, now = session.user_id, session.created_at
        self._forget_ended(user_id, now)
        live = [
            row[0]
            for row in self._connection.execute(
                f"SELECT id FROM sessions WHERE user_id = ? AND {_LIVE}"
                " ORDER BY last_used_at DESC, id DESC",
                (user_id, now),
            )
        ]
        replaced = live[MAX_SESSIONS - 1 :]
        for session_id in replaced:
            self._end(session_id, now)
        self._insert(session)
        if live:
            self._part_places(user_id)
        return replaced

    def _ended_at(self, user_id: int, now: int) -> list[int]:
        rows = self._connection.execute(
            "SELECT id FROM sessions WHERE user_id = ? AND revoked_at IS NOT NULL"
            " AND revoked_at = ?",
            (user_id, now),
        )
        return [row[0] for row in rows]

    def _forget_ended(self, user_id: int, now: int) -> None:
        ended = self._connection.execute(
            "DELETE FROM sessions WHERE user_id = ? AND expires_at <= ?"
            " AND revoked_at IS NULL RETURNING id",
            (user_id, now),
        )
        for (session_id,) in ended.fetchall():
            self._connection.execute("DELETE FROM places WHERE session_id = ?", (session_id,))
        self._connection.execute(
            "DELETE FROM sessions WHERE revoked_at IS NOT NULL AND revoked_at < ?",
            (now - _KEEP_REVOKED_MS,),
        )

    def _insert(self, session: Session) -> None:
        self._connection.execute(
            f"INSERT INTO sessions ({_SESSION}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                session.id,
                session.user_id,
                session.refresh_hash,
                session.device,
                session.created_at,
                session.last_used_at,
                session.expires_at,
            ),
        )

    def _part_places(self, user_id: int) -> None:
        """Give rows of their own to those of the user's sessions that have none yet."""
        parting = self._connection.execute(
            "UPDATE sessions SET own_places = 1"
            " WHERE user_id = ? AND revoked_at IS NULL AND own_places = 0 RETURNING id",
            (user_id,),
        )
        for (session_id,) in parting.fetchall():
            self._connection.execute(
                "INSERT OR REPLACE INTO places (session_id, chat_id, seq)"
                " SELECT ?, chat_id, received FROM members WHERE user_id = ? AND left IS NULL",
                (session_id, user_id),
            )

    def rotate(self, old: bytes, new: bytes, now: int, expires_at: int) -> Session | None:
        """`Accounts.rotate`."""
        connection = self._connection
        with transaction(connection):
            row = connection.execute(
                "UPDATE sessions SET refresh_hash = ?, last_used_at = max(last_used_at, ?),"
                f" expires_at = ? WHERE refresh_hash = ? AND {_LIVE} RETURNING {_SESSION}",
                (new, now, expires_at, old, now),
            ).fetchone()
            if row is None:
                repeated = self._rotated(old, new)
                if repeated is None:
                    self._end_stolen(old, now)
                return repeated
            connection.execute(
                "INSERT OR REPLACE INTO spent_refresh (refresh_hash, session_id, spent_at)"
                " VALUES (?, ?, ?)",
                (old, row[0], now),
            )
            # A session that has not spent a newer one within its lifetime has ended.
            self._sweep_spent(old, now - (expires_at - now))
        return Session(*row)

    def _rotated(self, old: bytes, new: bytes) -> Session | None:
        """The session in which exactly this exchange was the latest."""
        row = self._connection.execute(
            f"SELECT {_SESSION} FROM sessions WHERE refresh_hash = ? AND revoked_at IS NULL"
            " AND id = (SELECT session_id FROM spent_refresh WHERE refresh_hash = ?)",
            (new, old),
        ).fetchone()
        return None if row is None else Session(*row)

    def _end_stolen(self, spent: bytes, now: int) -> None:
        row = self._connection.execute(
            "SELECT session_id FROM spent_refresh WHERE refresh_hash = ?", (spent,)
        ).fetchone()
        if row is not None:
            self._end(row[0], now)

    def _sweep_spent(self, near: bytes, before: int) -> None:
        self._connection.execute(
            "DELETE FROM spent_refresh WHERE spent_at < ? AND refresh_hash IN"
            " (SELECT refresh_hash FROM spent_refresh WHERE refresh_hash > ?"
            " ORDER BY refresh_hash LIMIT ?)",
            (before, near, _SWEEP),
        )

    def _end(self, session_id: int, now: int) -> None:
        self._connection.execute(
            "UPDATE sessions SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
            (now, session_id),
        )
        self._connection.execute("DELETE FROM places WHERE session_id = ?", (session_id,))

    def sessions(self, user_id: int, now: int) -> list[Session]:
        """`Accounts.sessions`."""
        rows = self._connection.execute(
            f"SELECT {_SESSION} FROM sessions WHERE user_id = ? AND {_LIVE}"
            " ORDER BY last_used_at DESC, id DESC",
            (user_id, now),
        )
        return [Session(*row) for row in rows]

    def revoke(self, user_id: int, session_id: int, now: int) -> bool:
        """`Accounts.revoke`."""
        with transaction(self._connection):
            found = self._connection.execute(
                "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ? AND user_id = ?"
                f" AND ({_LIVE} OR revoked_at = ?))",
                (session_id, user_id, now, now),
            ).get
            if found:
                self._end(session_id, now)
            return bool(found)

    def revoked(self, since: int) -> list[int]:
        """`Accounts.revoked`."""
        rows = self._connection.execute(
            "SELECT id FROM sessions WHERE revoked_at IS NOT NULL AND revoked_at >= ?", (since,)
        )
        return [row[0] for row in rows]


def insert_user(connection: apsw.Connection, user: User) -> None:
    """Store a user whose name is free."""
    connection.execute(
        f"INSERT INTO users ({USER}) VALUES (?, ?, ?, ?, ?, ?)",
        (
            user.id,
            user.username,
            user.display_name,
            user.password_hash,
            user.is_admin,
            user.created_at,
        ),
    )


def read_user(row: tuple[Any, ...]) -> User:
    """A user from his columns."""
    id_, username, display_name, password_hash, is_admin, created_at = row
    return User(id_, username, display_name, password_hash, bool(is_admin), created_at)
