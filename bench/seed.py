"""Carries out a plan in a data directory, before a server is started on it.

The file is opened and migrated by the product's own adapter; rows go in with executemany, since
registering a user takes 25 ms of Argon2 and a commit each takes a millisecond.
Messages of different chats lie between each other, as they would have been sent: message r of
every chat comes before message r + 1 of any.
"""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from bench.plan import Plan, World
from hubbub.adapters.local.clock import SystemClock
from hubbub.adapters.local.secret import load_secret
from hubbub.adapters.local.tokens import JwtTokens
from hubbub.adapters.sqlite.database import open_database
from hubbub.domain.chat import direct_key
from hubbub_protocol import ids

DATABASE = "hubbub.db"
SECRET = "secret.key"
_HOUR = 3_600_000
_DAY = 24 * _HOUR
_KEPT = 20  # of so many messages one id is told to the scenario
_TEXT = "a message of ordinary length, as people write them to each other all day, and again"


def carry_out(plan: Plan, data: Path) -> World:
    """Make the database and its secret. The server finds both as if it had made them."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = open_database(str(data / DATABASE))
    connection.execute("PRAGMA synchronous = OFF")
    try:
        world = _Seeding(plan, connection, data).run()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    return world


class _Seeding:
    def __init__(self, plan: Plan, connection: apsw.Connection, data: Path) -> None:
        self._plan = plan
        self._db = connection
        self._secret = load_secret(data / SECRET)
        self._now = SystemClock().now_ms()
        self._made = self._now - 7 * _HOUR
        self._first_message = self._now - 6 * _HOUR
        self._ids = ids.IdMaker(ids.MAX_NODE, lambda: self._made)
        self._step = 5 * _HOUR / max(plan.messages, 1)

    def run(self) -> World:
        plan = self._plan
        users = [self._ids.make() for _ in range(plan.users)]
        sessions = [self._ids.make() for _ in range(plan.sessions)]
        chats = [self._ids.make() for _ in plan.chats]
        with self._db:
            self._users(users, sessions)
            self._chats(users, chats)
            kept = self._messages(users, chats)
        tokens = JwtTokens(self._secret, minutes=24 * 60)
        return World(
            [ids.text("user", user) for user in users],
            [
                tokens.issue(user, session, self._now)[0]
                for user, session in zip(users, sessions, strict=False)
            ],
            [ids.text("chat", chat) for chat in chats],
            kept,
        )

    def _users(self, users: list[int], sessions: list[int]) -> None:
        chats_of = [0] * len(users)
        for chat in self._plan.chats:
            for member in chat.members:
                chats_of[member] += 1
        self._db.executemany(
            "INSERT INTO users (id, username, display_name, password_hash, created_at, me_head)"
            " VALUES (?,?,?,'',?,?)",
            (
                (user, f"bench-{i}", f"Bench {i}", self._made, chats_of[i])
                for i, user in enumerate(users)
            ),
        )
        self._db.executemany(
            "INSERT INTO sessions (id, user_id, refresh_hash, device, created_at, last_used_at,"
            " expires_at, me_place) VALUES (?,?,?,'bench',?,?,?,?)",
            (
                (
                    session,
                    user,
                    hashlib.sha256(b"bench %d" % session).digest(),
                    self._made,
                    self._made,
                    self._now + 30 * _DAY,
                    heads,
                )
                for session, user, heads in zip(sessions, users, chats_of, strict=False)
            ),
        )

    def _chats(self, users: list[int], chats: list[int]) -> None:
        self._db.executemany(
            "INSERT INTO chats (id, type, key, title, history, created_by, created_at, size, seq,"
            " number, at) VALUES (?,?,?,?,'joined',?,?,?,?,?,?)",
            self._chat_rows(users, chats),
        )
        self._db.executemany(
            "INSERT INTO members (chat_id, user_id, role, since, joined_at, delivered, read,"
            " read_number, me_rev, received) VALUES (?,?,?,1,?,?,?,?,?,?)",
            self._member_rows(users, chats),
        )

    def _chat_rows(self, users: list[int], chats: list[int]) -> Iterator[tuple[object, ...]]:
        for chat_id, chat in zip(chats, self._plan.chats, strict=True):
            first, size, head = users[chat.members[0]], len(chat.members), chat.messages
            direct = size == 2 and chat.title is None
            key = direct_key(first, users[chat.members[1]]) if direct else None
            kind = "direct" if direct else "group"
            at = self._now - _HOUR if head else self._made
            yield chat_id, kind, key, chat.title, first, self._made, size, head, head, at

    def _member_rows(self, users: list[int], chats: list[int]) -> Iterator[tuple[object, ...]]:
        revs = [0] * len(users)
        for chat_id, chat in zip(chats, self._plan.chats, strict=True):
            group = chat.title is not None
            for place, member in enumerate(chat.members):
                revs[member] += 1
                seen = 0 if member in chat.behind else chat.messages
                role = "owner" if group and place == 0 else "member"
                yield (
                    *(chat_id, users[member], role, self._made),
                    *(seen, seen, seen, revs[member], seen),
                )

    def _messages(self, users: list[int], chats: list[int]) -> dict[str, list[str]]:
        if not self._plan.messages:
            return {}
        indexes = self._db.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'messages'"
            " AND sql IS NOT NULL"
        ).fetchall()
        kept: dict[str, list[str]] = {ids.text("chat", chat): [] for chat in chats}
        # Sorting once is far cheaper than five million insertions into each index.
        for name, _ in indexes:
            self._db.execute(f'DROP INDEX "{name}"')
        self._db.executemany(
            "INSERT INTO messages (id, chat_id, seq, rev, number, sender_id, client_id, at, type,"
            " content, media, reply_to, system) VALUES (?,?,?,?,?,?,?,?,'text',?,x'',0,x'')",
            self._message_rows(users, chats, kept),
        )
        for _, sql in indexes:
            self._db.execute(str(sql))
        return kept

    def _message_rows(
        self, users: list[int], chats: list[int], kept: dict[str, list[str]]
    ) -> Iterator[tuple[object, ...]]:
        number = 0
        names = list(kept)
        shift = ids.NODE_BITS + ids.COUNTER_BITS
        for seq in range(1, 1 + max(chat.messages for chat in self._plan.chats)):
            for index, chat in enumerate(self._plan.chats):
                if seq > chat.messages:
                    continue
                at = self._first_message + int(number * self._step)
                # The counter makes ids of the same millisecond differ.
                id_ = (at - ids.EPOCH_MS) << shift | ids.MAX_NODE << ids.COUNTER_BITS
                id_ += number % (1 << ids.COUNTER_BITS)
                sender = users[chat.members[seq % min(2, len(chat.members))]]
                client_id = at.to_bytes(6) + b"\x70\x00\x80\x00" + number.to_bytes(6)
                if seq % _KEPT == 0:
                    kept[names[index]].append(ids.text("msg", id_))
                yield (
                    *(id_, chats[index], seq, seq, seq, sender, client_id, at),
                    f"{number} {_TEXT}",
                )
                number += 1


def disk_bytes(data: Path) -> int:
    """What a data directory takes."""
    return sum(path.stat().st_size for path in data.rglob("*") if path.is_file())


def settle(seconds: float = 1.0) -> None:
    """Let the disk finish with what was made before something is measured."""
    time.sleep(seconds)
