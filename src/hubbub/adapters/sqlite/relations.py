"""How users stand to each other, and when they were last seen."""

from collections.abc import Iterable

import apsw
from msgspec.structs import replace

from hubbub.adapters.sqlite.caches import Caches
from hubbub.adapters.sqlite.database import snapshot
from hubbub.adapters.sqlite.rows import next_me
from hubbub.domain.account import User
from hubbub.domain.change import Denied, Missing, Placed, Seen
from hubbub.domain.chat import direct_key
from hubbub.domain.own import MyBlock, MySettings, SetBlock, SetMe, Told
from hubbub.domain.policy import may_block, may_write
from hubbub.domain.relation import PLAIN, Pair, Privacy, Relation, Stance

PEER = (
    "SELECT o.user_id FROM members m CROSS JOIN chats c ON c.id = m.chat_id AND c.type = 'direct'"
    " CROSS JOIN members o ON o.chat_id = m.chat_id AND o.user_id <> m.user_id"
    " WHERE m.chat_id = ? AND m.user_id = ?"
)
BLOCKS = "SELECT 1 FROM blocks WHERE user_id = ? AND other_id = ? AND blocked"
RELATION = (
    "SELECT c.id, coalesce(m.sent_at, 0) > 0, coalesce(s.at, 0), EXISTS (SELECT 1 FROM blocks b"
    " WHERE b.user_id = ?1 AND b.other_id = ?2 AND b.blocked) OR EXISTS (SELECT 1 FROM blocks b"
    " WHERE b.user_id = ?2 AND b.other_id = ?1 AND b.blocked), coalesce(p.inbox, 'everyone'),"
    " coalesce(p.last_seen, 1) AND coalesce(q.last_seen, 1)"
    " FROM users u LEFT JOIN chats c ON c.key = ?3"
    " LEFT JOIN members m ON m.chat_id = c.id AND m.user_id = ?2"
    " LEFT JOIN last_seen s ON s.user_id = ?2 LEFT JOIN privacy p ON p.user_id = ?2"
    " LEFT JOIN privacy q ON q.user_id = ?1 WHERE u.id = ?2"
)
SILENT = "EXISTS (SELECT 1 FROM privacy p WHERE p.user_id = {} AND NOT p.read_receipts)"
"""Whether the user of this column tells nobody what he has read."""
IS_SILENT = "SELECT 1 FROM privacy WHERE user_id = ? AND NOT read_receipts"
PRIVACY = "SELECT read_receipts, last_seen, inbox FROM privacy WHERE user_id = ?"
NAME = "SELECT display_name FROM users WHERE id = ?"
BLOCKED = "SELECT other_id FROM blocks WHERE user_id = ? AND blocked"
BLOCK_LOG = (
    "SELECT me_rev, other_id, blocked FROM blocks"
    " WHERE user_id = ? AND me_rev > ? ORDER BY me_rev LIMIT ?"
)
BLOCKED_USERS = (
    "SELECT u.id, u.username, u.display_name, u.is_admin, u.created_at"
    " FROM blocks b CROSS JOIN users u ON u.id = b.other_id"
    " WHERE b.user_id = ? AND b.other_id > ? AND b.blocked ORDER BY b.other_id LIMIT ?"
)


class SqliteRelations:
    """`Relations` on one connection, synchronous."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection

    def relations(self, pairs: list[Pair]) -> list[Relation | None]:
        """`Relations.relations`."""
        with snapshot(self._db):
            return [load_relation(self._db, pair) for pair in pairs]

    def stance(self, user_id: int) -> Stance:
        """`Relations.stance`."""
        with snapshot(self._db):
            rev = self._db.execute("SELECT me_head FROM users WHERE id = ?", (user_id,)).get
            return load_stance(self._db, user_id, rev or 0)

    def blocked(self, user_id: int, after: int, limit: int) -> list[User]:
        """`Relations.blocked`."""
        rows = self._db.execute(BLOCKED_USERS, (user_id, after, limit))
        return [
            User(number, username, display_name, "", bool(is_admin), created_at)
            for number, username, display_name, is_admin, created_at in rows
        ]


def load_relation(db: apsw.Connection, pair: Pair) -> Relation | None:
    """How a user stands to another; None: there is no such user, or no such chat of his."""
    user = pair.user_id
    other: int | None = pair.other_id or db.execute(PEER, (pair.chat_id, user)).get
    if other is None:
        return None
    row = db.execute(RELATION, (user, other, direct_key(user, other))).get
    if row is None:
        return None
    chat_id, wrote, last_seen_at, blocked, inbox, last_seen = row
    return Relation(
        *(user, other, chat_id or 0, bool(wrote), last_seen_at, bool(blocked), inbox),
        bool(last_seen),
    )


def load_privacy(db: apsw.Connection, user_id: int) -> Privacy:
    """What the user has set, or as it is at first."""
    row = db.execute(PRIVACY, (user_id,)).get
    return PLAIN.privacy if row is None else Privacy(bool(row[0]), bool(row[1]), row[2])


def _name(db: apsw.Connection, user_id: int) -> str:
    return db.execute(NAME, (user_id,)).get or ""


def is_silent(db: apsw.Connection, caches: Caches, user_id: int) -> bool:
    """Whether the user tells nobody what he has read."""
    found = caches.silent.get(user_id)
    if found is None:
        found = db.execute(IS_SILENT, (user_id,)).get is not None
        caches.silent[user_id] = found
    return found


def load_stance(db: apsw.Connection, user_id: int, rev: int) -> Stance:
    """How the user stands to others now, when his own log is at `rev`."""
    privacy = load_privacy(db, user_id)
    blocked = frozenset(other for (other,) in db.execute(BLOCKED, (user_id,)))
    return Stance(rev, privacy, blocked)


def is_shut(db: apsw.Connection, pair: Pair) -> bool:
    """Whether the user may not write to the other."""
    relation = load_relation(db, pair)
    return relation is not None and may_write(relation) is not None


# ── changes ──────────────────────────────────────────────────────────────────────────────────


def set_me(db: apsw.Connection, caches: Caches, change: SetMe) -> Told:
    """Give a user's switches other values, or him another name; what is so already is no change."""
    user_id = change.user_id
    before, called = load_privacy(db, user_id), _name(db, user_id)
    privacy, name = replace(before, **change.wanted), change.display_name or called
    if (privacy, name) == (before, called):
        return Told(None)
    caches.silent.pop(user_id, None)
    rev = next_me(db, user_id)
    db.execute("UPDATE users SET display_name = ? WHERE id = ?", (name, user_id))
    db.execute(
        "INSERT INTO privacy (user_id, me_rev, read_receipts, last_seen, inbox)"
        " VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET me_rev = excluded.me_rev,"
        " read_receipts = excluded.read_receipts, last_seen = excluded.last_seen,"
        " inbox = excluded.inbox",
        (user_id, rev, privacy.read_receipts, privacy.last_seen, privacy.inbox),
    )
    return Told(MySettings(user_id, rev, privacy, name), load_stance(db, user_id, rev))


def set_block(db: apsw.Connection, change: SetBlock) -> Told | Missing | Denied:
    """Block a user, or do not any more."""
    user_id, other_id = change.user_id, change.other_id
    relation = load_relation(db, Pair(user_id, other_id))
    if relation is None:
        return Missing()
    if (db.execute(BLOCKS, (user_id, other_id)).get is not None) == change.blocked:
        return Told(None)
    blocked: int = db.execute(f"SELECT count(*) FROM ({BLOCKED})", (user_id,)).get
    if change.blocked and (denied := may_block(user_id, other_id, blocked)) is not None:
        return denied
    rev = next_me(db, user_id)
    db.execute(
        "INSERT INTO blocks (user_id, other_id, me_rev, blocked) VALUES (?,?,?,?)"
        " ON CONFLICT DO UPDATE SET me_rev = excluded.me_rev, blocked = excluded.blocked",
        (user_id, other_id, rev, change.blocked),
    )
    me = MyBlock(user_id, rev, other_id, change.blocked, relation.chat_id)
    return Told(me, load_stance(db, user_id, rev))


def settings_log(db: apsw.Connection, user_id: int, after: int, limit: int) -> Iterable[MySettings]:
    """The own log's events of kind `settings`: at most one."""
    rev = db.execute("SELECT me_rev FROM privacy WHERE user_id = ?", (user_id,)).get or 0
    if rev > after and limit:
        yield MySettings(user_id, rev, load_privacy(db, user_id), _name(db, user_id))


def block_log(db: apsw.Connection, user_id: int, after: int, limit: int) -> Iterable[MyBlock]:
    """The own log's events of kind `block`."""
    for rev, other, blocked in db.execute(BLOCK_LOG, (user_id, after, limit)):
        chat_id = db.execute("SELECT id FROM chats WHERE key = ?", (direct_key(user_id, other),))
        yield MyBlock(user_id, rev, other, bool(blocked), chat_id.get or 0)


def saw(db: apsw.Connection, change: Seen) -> Placed:
    """Note when users were last seen; never back."""
    db.executemany(
        "INSERT INTO last_seen (user_id, at) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        change.users,
    )
    return Placed()
