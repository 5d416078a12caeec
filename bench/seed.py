"""Carries out a plan in a data directory, or in PostgreSQL, before a server is started on it.

The database is opened and migrated by the product's own adapter; rows go in with executemany or
COPY, since registering a user takes 25 ms of Argon2 and a commit each takes a millisecond.
Messages of different chats lie between each other, as they would have been sent: message r of
every chat comes before message r + 1 of any.
"""

import asyncio
import hashlib
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import apsw
import asyncpg

from bench.plan import Plan, World
from hubbub.adapters.local.clock import SystemClock
from hubbub.adapters.local.secret import load_secret
from hubbub.adapters.local.tokens import JwtTokens
from hubbub.adapters.postgres.chats import PostgresChatStore
from hubbub.adapters.postgres.database import Bounds, Database
from hubbub.adapters.sqlite.database import open_database
from hubbub.domain.change import Post
from hubbub.domain.chat import direct_key
from hubbub_protocol import ids

DATABASE = "hubbub.db"
SECRET = "secret.key"
_HOUR = 3_600_000
_DAY = 24 * _HOUR
_BATCH = 1_000
_KEPT = 20  # of so many messages one id is told to the scenario
_TEXT = "a message of ordinary length, as people write them to each other all day, and again"


def carry_out(plan: Plan, data: Path) -> World:
    """Make the database and its secret. The server finds both as if it had made them."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    seeding = _Seeding(plan)
    connection = open_database(str(data / DATABASE))
    connection.execute("PRAGMA synchronous = OFF")
    try:
        with connection:
            for table, columns, rows in seeding.tables():
                names = columns.split()
                into = f"INSERT INTO {table} ({','.join(names)})"
                connection.executemany(f"{into} VALUES ({','.join('?' * len(names))})", rows)
            kept = seeding.messages(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    return seeding.world(load_secret(data / SECRET), kept)


def carry_out_in_postgres(plan: Plan, url: str, secret: bytes) -> World:
    """Fill a database of a cluster whose nodes have this secret."""
    seeding = _Seeding(plan)
    asyncio.run(_copy(seeding, url))
    return seeding.world(secret, {})


async def _copy(seeding: "_Seeding", url: str) -> None:
    database = Database(url, Bounds(connections=1))
    await database.start()  # makes the tables
    connection = await asyncpg.connect(url)
    try:
        for table, columns, rows in seeding.tables(silent=True):
            await connection.copy_records_to_table(table, records=rows, columns=columns.split())
        await connection.execute("ANALYZE")
        store, posts = PostgresChatStore(database), seeding.posts()
        while batch := list(islice(posts, _BATCH)):
            await store.commit(batch)
    finally:
        await connection.close()
        await database.close()


Table = tuple[str, str, Iterator[tuple[object, ...]]]
"""Its name, the names of columns, rows."""


class _Seeding:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._now = SystemClock().now_ms()
        self._made = self._now - 7 * _HOUR
        self._first_message = self._now - 6 * _HOUR
        self._ids = ids.IdMaker(ids.MAX_NODE, lambda: self._made)
        self._step = 5 * _HOUR / max(plan.messages, 1)

        self._users = [self._ids.make() for _ in range(plan.users)]
        self._sessions = [self._ids.make() for _ in range(plan.sessions)]
        self._chats = [self._ids.make() for _ in plan.chats]

    def world(self, secret: bytes, kept: dict[str, list[str]]) -> World:
        """What was made, for servers with this secret."""
        tokens = JwtTokens(secret, minutes=24 * 60)
        return World(
            [ids.text("user", user) for user in self._users],
            [
                tokens.issue(user, session, self._now)[0]
                for user, session in zip(self._users, self._sessions, strict=False)
            ],
            [ids.text("chat", chat) for chat in self._chats],
            kept,
        )

    def tables(self, *, silent: bool = False) -> Iterator[Table]:
        """Users, sessions, chats and members. Both databases name them alike.

        `silent`: nothing was said yet.
        """
        chats_of = [0] * len(self._users)
        for chat in self._plan.chats:
            for member in chat.members:
                chats_of[member] += 1
        yield (
            "users",
            "id username display_name password_hash created_at me_head",
            (
                (user, f"bench-{i}", f"Bench {i}", "", self._made, chats_of[i])
                for i, user in enumerate(self._users)
            ),
        )
        yield (
            "sessions",
            "id user_id refresh_hash device created_at last_used_at expires_at me_place",
            (
                (
                    *(session, user, hashlib.sha256(b"bench %d" % session).digest(), "bench"),
                    *(self._made, self._made, self._now + 30 * _DAY, heads),
                )
                for session, user, heads in zip(self._sessions, self._users, chats_of, strict=False)
            ),
        )
        yield (
            "chats",
            "id type key title history created_by created_at size seq number at",
            self._chat_rows(silent=silent),
        )
        yield (
            "members",
            "chat_id user_id role since joined_at delivered read read_number me_rev received",
            self._member_rows(),
        )

    def _chat_rows(self, *, silent: bool) -> Iterator[tuple[object, ...]]:
        users = self._users
        for chat_id, chat in zip(self._chats, self._plan.chats, strict=True):
            first, size = users[chat.members[0]], len(chat.members)
            head = 0 if silent else chat.messages
            direct = size == 2 and chat.title is None
            key = direct_key(first, users[chat.members[1]]) if direct else None
            kind = "direct" if direct else "group"
            at = self._now - _HOUR if head else self._made
            yield (
                *(chat_id, kind, key, chat.title, "joined", first, self._made),
                *(size, head, head, at),
            )

    def _member_rows(self) -> Iterator[tuple[object, ...]]:
        users = self._users
        revs = [0] * len(users)
        for chat_id, chat in zip(self._chats, self._plan.chats, strict=True):
            group = chat.title is not None
            for place, member in enumerate(chat.members):
                revs[member] += 1
                seen = 0 if member in chat.behind else chat.messages
                role = "owner" if group and place == 0 else "member"
                yield (
                    *(chat_id, users[member], role, 1, self._made),
                    *(seen, seen, seen, revs[member], seen),
                )

    def messages(self, db: apsw.Connection) -> dict[str, list[str]]:
        """Write them, and return some of each chat."""
        if not self._plan.messages:
            return {}
        indexes = db.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'messages'"
            " AND sql IS NOT NULL"
        ).fetchall()
        kept: dict[str, list[str]] = {ids.text("chat", chat): [] for chat in self._chats}
        # Sorting once is far cheaper than five million insertions into each index.
        for name, _ in indexes:
            db.execute(f'DROP INDEX "{name}"')
        db.executemany(
            "INSERT INTO messages (id, chat_id, seq, rev, number, sender_id, client_id, at, type,"
            " content, media, reply_to, system) VALUES (?,?,?,?,?,?,?,?,'text',?,x'',0,x'')",
            self._message_rows(kept),
        )
        for _, sql in indexes:
            db.execute(str(sql))
        return kept

    def posts(self) -> Iterator[Post]:
        """The messages, to be committed in this order."""
        kept: dict[str, list[str]] = {ids.text("chat", chat): [] for chat in self._chats}
        for id_, chat, _, _, _, sender, client_id, at, text in self._message_rows(kept):
            yield Post(id_, chat, None, sender, client_id, at, "text", text, b"", 0)

    def _message_rows(self, kept: dict[str, list[str]]) -> Iterator[tuple[Any, ...]]:
        if not self._plan.messages:
            return
        users, chats = self._users, self._chats
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
