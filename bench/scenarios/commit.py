"""What a commit of posts takes in each layer, as the server's port to its store sees it."""

import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import apsw
import uvloop

from bench import machine, seed, server
from bench.context import Context
from bench.plan import Plan, World
from bench.row import Row
from bench.scenarios.common import PAIRS, pair_chats
from hubbub.adapters.local.clock import SystemClock
from hubbub.adapters.local.secret import load_secret
from hubbub.adapters.postgres.chats import PostgresChatStore
from hubbub.adapters.postgres.database import Database
from hubbub.adapters.sqlite.chats import SqliteChatStore
from hubbub.adapters.sqlite.database import open_database
from hubbub.adapters.sqlite.remote import StoreProcess
from hubbub.domain.change import Change, Outcome, Post, Posted
from hubbub_protocol import ids
from tests.support.engines import PostgresServer

NAME = "commit"
WHAT = "a commit of 1, 10, 100, 1,000 posts in SQLite and PostgreSQL: ms in each layer"
SIZES = (1, 10, 100, 1000)
_FIRST = 5  # prepare statements and fill caches; not counted
_HEADS = ("commit, ms", "posts", "there, back", "statements", "COMMIT", "all")

Commit = Callable[[list[Change]], Awaitable[list[Outcome]]]
Times = dict[int, tuple[float, float, float]]
"""By size, the medians of a commit's seconds, of our CPU's, and of those of a part of it."""


@dataclass(frozen=True, slots=True)
class Layers:
    """Seconds of a commit: until the store has it and back from there, in its statements, and in
    COMMIT, which syncs. What is between the server and PostgreSQL is what the server itself needs
    of the CPU.
    """

    way: float
    statements: float
    commit: float

    def cells(self) -> list[str]:
        """Each in milliseconds, and the sum."""
        parts = (self.way, self.statements, self.commit)
        return [f"{seconds * 1000:.2f}" for seconds in (*parts, sum(parts))]


def run(context: Context) -> Row:
    """Commits one after the other; medians."""
    row = Row(NAME, WHAT, "–", "–", verdict="measured")
    context.local_only("stores without a server")
    plan = Plan(2 * PAIRS, 0, pair_chats(PAIRS))
    lines: list[tuple[str, ...]] = [_HEADS]
    for name, measure in (("SQLite", _sqlite), ("PostgreSQL", _postgres)):
        with server.folder() as base, machine.pinned(machine.SERVER_CORE):
            for size, layers in measure(plan, base, context.pick(200, 20)).items():
                lines.append((name, f"{size:,}", *layers.cells()))
                row.values[f"{name}_{size}_ms"] = layers.cells()
    row.notes += ["".join(f"{cell:>14}" for cell in line) for line in lines]
    row.measured = "; ".join(f"{line[0]} {line[1]}: {line[-1]} ms" for line in lines[1:])
    return row


class _Posts:
    """New messages of the pairs of a world, in turns."""

    def __init__(self, world: World) -> None:
        self._chats = [ids.parse("chat", chat) for chat in world.chats]
        self._users = [ids.parse("user", user) for user in world.users]
        self._ids = ids.IdMaker(ids.MAX_NODE, SystemClock().now_ms)
        self._made = 0

    def take(self, size: int) -> list[Change]:
        """So many."""
        return [self._next() for _ in range(size)]

    def _next(self) -> Post:
        round_, pair = divmod(self._made, PAIRS)
        self._made += 1
        now = SystemClock().now_ms()
        key = uuid.UUID(int=now << 80 | 7 << 76 | 2 << 62 | self._made)
        sender = self._users[2 * pair + (round_ & 1)]
        words = f"{self._made:8} {'a message of ordinary length, as people write them ' * 2}"
        return Post(
            *(self._ids.make(), self._chats[pair], None, sender, key.bytes, now),
            *("text", words[:100], b"", 0),
        )


async def _times(
    commit: Commit, posts: _Posts, count: int, inner: Callable[[], float] = lambda: 0.0
) -> Times:
    """`inner`: of how long the part took in the last one."""
    found = {}
    for size in SIZES:
        taken = []
        for number in range(_FIRST + max(count // max(size // 10, 1), 10)):
            changes = posts.take(size)
            began, used = time.perf_counter(), time.process_time()
            outcomes = await commit(changes)
            times = (time.perf_counter() - began, time.process_time() - used, inner())
            if not all(isinstance(outcome, Posted) for outcome in outcomes):
                raise RuntimeError(f"not all were posted: {outcomes}")
            taken += [times] * (number >= _FIRST)
        whole, ours, within = (median(one) for one in zip(*taken, strict=True))
        found[size] = (whole, ours, within)
    return found


# ── SQLite: with its process, and without ──


def _sqlite(plan: Plan, base: Path, count: int) -> dict[int, Layers]:
    posts = [_Posts(seed.carry_out(plan, base / name)) for name in ("apart", "within")]
    apart = uvloop.run(_apart(str(base / "apart" / seed.DATABASE), posts[0], count))
    within = uvloop.run(_within(str(base / "within" / seed.DATABASE), posts[1], count))
    return {
        size: Layers(apart[size][0] - whole, whole - commit, commit)
        for size, (whole, _, commit) in within.items()
    }


async def _apart(path: str, posts: _Posts, count: int) -> Times:
    store = StoreProcess(path)
    await store.start()
    try:
        return await _times(store.commit, posts, count)
    finally:
        await store.stop()


async def _within(path: str, posts: _Posts, count: int) -> Times:
    connection = open_database(path)
    store, clock = SqliteChatStore(connection), _CommitClock(connection)

    async def commit(changes: list[Change]) -> list[Outcome]:
        return store.commit(changes)

    try:
        return await _times(commit, posts, count, lambda: clock.seconds)
    finally:
        connection.close()


class _CommitClock:
    """How long the last COMMIT of a connection took."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.seconds = self._began = 0.0
        connection.set_commit_hook(self._begin)
        connection.set_wal_hook(self._end)

    def _begin(self) -> bool:
        self._began = time.perf_counter()
        return False

    def _end(self, _connection: apsw.Connection, _name: str, _pages: int) -> int:
        self.seconds = time.perf_counter() - self._began
        return apsw.SQLITE_OK


# ── PostgreSQL ──


class _Timed(Database):
    """Says how long the last COMMIT took."""

    seconds = 0.0

    async def _commit(self, db: object) -> None:
        began = time.perf_counter()
        await super()._commit(db)
        self.seconds = time.perf_counter() - began


def _postgres(plan: Plan, base: Path, count: int) -> dict[int, Layers]:
    postgres = PostgresServer(durable=True, base=base)
    postgres.start()
    try:
        secret = load_secret(base / seed.SECRET)
        posts = _Posts(seed.carry_out_in_postgres(plan, postgres.url(), secret))
        found = uvloop.run(_beside(postgres.url(), posts, count))
    finally:
        postgres.close()
    return {
        size: Layers(ours, whole - ours - commit, commit)
        for size, (whole, ours, commit) in found.items()
    }


async def _beside(url: str, posts: _Posts, count: int) -> Times:
    database = _Timed(url)
    await database.start()
    try:
        store = PostgresChatStore(database)
        return await _times(store.commit, posts, count, lambda: database.seconds)
    finally:
        await database.close()
