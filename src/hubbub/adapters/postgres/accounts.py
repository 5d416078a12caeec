"""Users, sessions and invites: `Accounts`, `HostAccounts`, `Invites`.

What changes a user's sessions locks the user first, so that several servers do it one by one; of
users who are not there yet, the unique name decides. A session's places: while a user has one
session, its place in a chat is what the member row says was `received`; with the second live one
each of his sessions has rows of its own in `places`, which begin there.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from hubbub.adapters.postgres.database import Database
from hubbub.domain.account import MAX_SESSIONS, Entered, Invite, Session, User

USER: Final = "id, username, display_name, password_hash, is_admin, created_at"
_SESSION: Final = "id, user_id, refresh_hash, device, created_at, last_used_at, expires_at"
_LIVE: Final = "revoked_at IS NULL AND expires_at >"
_LIVE_SESSIONS: Final = (
    f"SELECT {_SESSION} FROM sessions WHERE user_id = $1 AND {_LIVE} $2"
    " ORDER BY last_used_at DESC, id DESC"
)
_HOLD: Final = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE"
_KEEP_REVOKED_MS: Final = 7 * 24 * 3600 * 1000
"""Longer than any access token lives."""
_USE_MS: Final = 3600 * 1000
"""How exactly the last use of a host application's session is known: a write an hour."""
_SWEEP: Final = 4
"""Spent hashes looked at per rotation. Hashes are random, so neighbours are a random sample, and
since a rotation adds one and looks at four, what is out of date cannot pile up."""


class PostgresAccounts:
    """Accounts, HostAccounts and Invites.

    A write whose answer was lost may be repeated with the same arguments: it is then answered as
    it was, and done once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── users and invites ──

    async def add_user(self, user: User, invite: bytes | None) -> str:
        """`Accounts.add_user`."""
        async with self._database.transaction() as db:
            if not await add_user(db, user):
                other = await _named(db, user.username)
                return "ok" if other is not None and other.id == user.id else "taken"
            if invite is not None:
                admin = await _use_up(db, invite, user.created_at)
                if admin is None:
                    await db.execute("DELETE FROM users WHERE id = $1", user.id)
                    return "invite"
                if admin:
                    await db.execute("UPDATE users SET is_admin = true WHERE id = $1", user.id)
        return "ok"

    async def users(self, ids: Sequence[int], username: str | None = None) -> list[User]:
        """`Accounts.users`, in no order."""
        async with self._database.snapshot() as db:
            rows = await db.fetch(
                f"SELECT {USER} FROM users WHERE id = ANY($1) OR username = $2",
                list(ids),
                username,
            )
        return [User(*row) for row in rows]

    async def add_invite(self, invite: Invite) -> None:
        """`Invites.add_invite`. Those that are used up go."""
        async with self._database.transaction() as db:
            await db.execute("DELETE FROM invites WHERE uses <= 0")
            await db.execute(
                "INSERT INTO invites (code_hash, created_by, expires_at, uses, admin)"
                " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                invite.code_hash,
                invite.created_by,
                invite.expires_at,
                invite.uses,
                invite.admin,
            )

    async def has_users(self) -> bool:
        """`Invites.has_users`."""
        async with self._database.snapshot() as db:
            return bool(await db.fetchval("SELECT EXISTS (SELECT 1 FROM users)"))

    # ── of host applications ──

    async def put_users(self, users: Sequence[User]) -> list[User]:
        """`HostAccounts.put_users`. By name in order, so that two together do not deadlock."""
        stored: dict[str, User] = {}
        async with self._database.transaction() as db:
            for user in sorted(users, key=lambda user: user.username):
                stored[user.username] = await _put(db, user)
        return [stored[user.username] for user in users]

    async def named(self, names: Sequence[str]) -> list[User]:
        """`HostAccounts.named`, in no order."""
        async with self._database.snapshot() as db:
            query = f"SELECT {USER} FROM users WHERE username = ANY($1)"
            return [User(*row) for row in await db.fetch(query, list(names))]

    async def enter(self, user: User, session: Session, issued_at: int) -> Entered:
        """`HostAccounts.enter`; the session's `created_at` is now."""
        now = session.created_at
        async with self._database.transaction() as db:
            await add_user(db, user)
            stored = await _named(db, user.username)
            assert stored is not None
            user_id = stored.id
            await db.execute(_HOLD, user_id)
            row = await db.fetchrow(
                "SELECT id, last_used_at, expires_at, revoked_at, valid_from FROM sessions"
                " WHERE refresh_hash = $1",
                session.refresh_hash,
            )
            id_, used, end, revoked, valid_from = row or (0, 0, 0, None, -1)
            valid_from = max(valid_from, -1 if revoked is None else revoked)
            if issued_at <= valid_from:
                return Entered(user_id, 0, [])
            if revoked is not None:  # its name is free again; that it was ended is still told
                await db.execute(
                    "UPDATE sessions SET refresh_hash = uuid_send(gen_random_uuid())"
                    " || uuid_send(gen_random_uuid()) WHERE id = $1",
                    id_,
                )
            elif end > now:
                if now - used >= _USE_MS:
                    query = "UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE id = $1"
                    await db.execute(query, id_, now, session.expires_at)
                replaced = await _ended_at(db, user_id, now) if id_ == session.id else []
                return Entered(user_id, id_, replaced)
            replaced = await _begin(db, replace(session, user_id=user_id))
            query = "UPDATE sessions SET valid_from = $2 WHERE id = $1"
            await db.execute(query, session.id, valid_from)
        return Entered(user_id, session.id, replaced)

    # ── sessions ──

    async def add_session(self, session: Session) -> list[int]:
        """`Accounts.add_session`; its `created_at` is now."""
        user_id, now = session.user_id, session.created_at
        async with self._database.transaction() as db:
            await db.execute(_HOLD, user_id)
            if await db.fetchval("SELECT 1 FROM sessions WHERE id = $1", session.id):
                return await _ended_at(db, user_id, now)
            return await _begin(db, session)

    async def rotate(self, old: bytes, new: bytes, now: int, expires_at: int) -> Session | None:
        """`Accounts.rotate`."""
        async with self._database.transaction() as db:
            row = await db.fetchrow(
                "UPDATE sessions SET refresh_hash = $1, last_used_at = greatest(last_used_at, $2),"
                f" expires_at = $3 WHERE refresh_hash = $4 AND {_LIVE} $2 RETURNING {_SESSION}",
                new,
                now,
                expires_at,
                old,
            )
            if row is None:
                repeated = await _rotated(db, old, new)
                if repeated is None:
                    await _end_stolen(db, old, now)
                return repeated
            await db.execute(
                "INSERT INTO spent_refresh (refresh_hash, session_id, spent_at)"
                " VALUES ($1, $2, $3) ON CONFLICT (refresh_hash) DO UPDATE SET"
                " session_id = excluded.session_id, spent_at = excluded.spent_at",
                old,
                row[0],
                now,
            )
            # A session that has not spent a newer one within its lifetime has ended.
            await _sweep_spent(db, old, now - (expires_at - now))
        return Session(*row)

    async def sessions(self, user_id: int, now: int) -> list[Session]:
        """`Accounts.sessions`."""
        async with self._database.snapshot() as db:
            return [Session(*row) for row in await db.fetch(_LIVE_SESSIONS, user_id, now)]

    async def revoke(self, user_id: int, session_id: int, now: int) -> bool:
        """`Accounts.revoke`."""
        async with self._database.transaction() as db:
            found = await db.fetchval(
                "SELECT 1 FROM sessions WHERE id = $1 AND user_id = $2"
                f" AND ({_LIVE} $3 OR revoked_at = $3) FOR UPDATE",
                session_id,
                user_id,
                now,
            )
            if found:
                await end_sessions(db, [session_id], now)
        return bool(found)

    async def revoked(self, since: int) -> list[int]:
        """`Accounts.revoked`."""
        async with self._database.snapshot() as db:
            query = "SELECT id FROM sessions WHERE revoked_at IS NOT NULL AND revoked_at >= $1"
            return [row[0] for row in await db.fetch(query, since)]


# ── users and invites ──


async def add_user(db: Any, user: User) -> bool:
    """Store a user. False: another has the name (once who is just adding him is done)."""
    added = await db.fetchval(
        f"INSERT INTO users ({USER}) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (username) DO NOTHING RETURNING id",
        user.id,
        user.username,
        user.display_name,
        user.password_hash,
        user.is_admin,
        user.created_at,
    )
    return added is not None


async def _named(db: Any, username: str) -> User | None:
    row = await db.fetchrow(f"SELECT {USER} FROM users WHERE username = $1", username)
    return None if row is None else User(*row)


async def _use_up(db: Any, invite: bytes, now: int) -> bool | None:
    """Whether it makes an admin; None: there is no such invite any more."""
    query = "SELECT admin FROM invites WHERE code_hash = $1 AND uses > 0 AND expires_at > $2"
    admin: bool | None = await db.fetchval(query, invite, now)
    if admin:
        # There may be several such links, one per start; they make one admin. In order, so that
        # two who use two of them at once do not wait in a circle.
        await db.execute("SELECT 1 FROM invites WHERE admin ORDER BY code_hash FOR UPDATE")
        gone = await db.fetch("DELETE FROM invites WHERE admin RETURNING code_hash")
        return True if invite in {row[0] for row in gone} else None
    query = (
        "UPDATE invites SET uses = uses - 1 WHERE code_hash = $1 AND uses > 0 AND expires_at > $2"
        " RETURNING admin"
    )
    used: bool | None = await db.fetchval(query, invite, now)
    return used


async def _put(db: Any, user: User) -> User:
    if await add_user(db, user):
        return user
    stored = await _named(db, user.username)
    assert stored is not None
    if stored.display_name != user.display_name:
        query = "UPDATE users SET display_name = $2 WHERE id = $1"
        await db.execute(query, stored.id, user.display_name)
    return replace(stored, display_name=user.display_name)


# ── sessions ──


async def _begin(db: Any, session: Session) -> list[int]:
    user_id, now = session.user_id, session.created_at
    await _forget_ended(db, user_id, now)
    live = [row[0] for row in await db.fetch(_LIVE_SESSIONS, user_id, now)]
    replaced = live[MAX_SESSIONS - 1 :]
    await end_sessions(db, replaced, now)
    await db.execute(
        f"INSERT INTO sessions ({_SESSION}) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        session.id,
        session.user_id,
        session.refresh_hash,
        session.device,
        session.created_at,
        session.last_used_at,
        session.expires_at,
    )
    if live:
        await _part_places(db, user_id)
    return replaced


async def _ended_at(db: Any, user_id: int, now: int) -> list[int]:
    query = "SELECT id FROM sessions WHERE user_id = $1 AND revoked_at = $2"
    return [row[0] for row in await db.fetch(query, user_id, now)]


async def _forget_ended(db: Any, user_id: int, now: int) -> None:
    ended = await db.fetch(
        "DELETE FROM sessions WHERE user_id = $1 AND expires_at <= $2 AND revoked_at IS NULL"
        " RETURNING id",
        user_id,
        now,
    )
    await _drop_places(db, [row[0] for row in ended])
    await db.execute(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE revoked_at IS NOT NULL"
        " AND revoked_at < $1 ORDER BY id FOR UPDATE SKIP LOCKED)",
        now - _KEEP_REVOKED_MS,
    )


async def _part_places(db: Any, user_id: int) -> None:
    """Give rows of their own to those of the user's sessions that have none yet."""
    parting = await db.fetch(
        "UPDATE sessions SET own_places = true"
        " WHERE user_id = $1 AND revoked_at IS NULL AND NOT own_places RETURNING id",
        user_id,
    )
    await db.execute(
        "INSERT INTO places (session_id, chat_id, seq)"
        " SELECT s.id, m.chat_id, m.received FROM unnest($1::bigint[]) AS s (id),"
        " members m WHERE m.user_id = $2 AND m.until IS NULL ORDER BY s.id, m.chat_id"
        " ON CONFLICT (session_id, chat_id) DO UPDATE SET seq = excluded.seq",
        [row[0] for row in parting],
        user_id,
    )


async def _rotated(db: Any, old: bytes, new: bytes) -> Session | None:
    """The session in which exactly this exchange was the latest."""
    row = await db.fetchrow(
        f"SELECT {_SESSION} FROM sessions WHERE refresh_hash = $1 AND revoked_at IS NULL"
        " AND id = (SELECT session_id FROM spent_refresh WHERE refresh_hash = $2)",
        new,
        old,
    )
    return None if row is None else Session(*row)


async def _end_stolen(db: Any, spent: bytes, now: int) -> None:
    query = "SELECT session_id FROM spent_refresh WHERE refresh_hash = $1"
    await end_sessions(db, [row[0] for row in await db.fetch(query, spent)], now)


async def _sweep_spent(db: Any, near: bytes, before: int) -> None:
    await db.execute(
        "DELETE FROM spent_refresh WHERE spent_at < $1 AND refresh_hash IN"
        " (SELECT refresh_hash FROM spent_refresh WHERE refresh_hash > $2"
        " ORDER BY refresh_hash LIMIT $3 FOR UPDATE SKIP LOCKED)",
        before,
        near,
        _SWEEP,
    )


async def end_sessions(db: Any, session_ids: list[int], now: int) -> None:
    """They are revoked, and what is kept of them goes."""
    if session_ids:
        await db.execute(
            "UPDATE sessions SET revoked_at = $2 WHERE id = ANY($1) AND revoked_at IS NULL",
            session_ids,
            now,
        )
        await _drop_places(db, session_ids)


async def _drop_places(db: Any, session_ids: list[int]) -> None:
    """In the order in which commits write them."""
    if session_ids:
        await db.execute(
            "DELETE FROM places WHERE (session_id, chat_id) IN (SELECT session_id, chat_id"
            " FROM places WHERE session_id = ANY($1) ORDER BY session_id, chat_id FOR UPDATE)",
            session_ids,
        )
