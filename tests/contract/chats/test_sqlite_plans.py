"""Reads of SQLite follow indexes: their cost is the page's, not the database's."""

import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import apsw
import pytest

from hubbub.adapters.sqlite import (
    joining,
    mentions,
    passing,
    reader,
    referring,
    relations,
    seats,
    threads,
)
from hubbub.adapters.sqlite.database import open_database
from hubbub.domain.reading import ReplayBounds
from hubbub.ports import LogRead, Lookup, PassedRead, ResumeFrom
from tests.contract.chats.world import ANN, BOB, CHAT, SqliteWorld

QUERIES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": query
    for module in (seats, reader, passing, joining, mentions, referring, relations, threads)
    for name, query in vars(module).items()
    if name.isupper() and isinstance(query, str) and query.startswith("SELECT")
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    connection = open_database(str(tmp_path_factory.mktemp("plans") / "hubbub.db"))
    yield connection
    connection.close()


def plan(database: apsw.Connection, query: str) -> list[str]:
    """The steps of SQLite's plan, without those that go through a JSON array in the binding."""
    numbered = {int(number) for number in re.findall(r"\?(\d+)", query)}
    binding: object = (None,) * max(numbered, default=query.count("?"))
    if ":" in query:
        binding = dict.fromkeys(("chat", "sender", "user", "kind", "seq", "near", "after", "limit"))
    steps = database.execute(f"EXPLAIN QUERY PLAN {query}", binding)  # type: ignore[arg-type]
    return [step[3] for step in steps if "json_each" not in step[3] and "VIRTUAL" not in step[3]]


def test_there_are_queries() -> None:
    assert len(QUERIES) >= 15


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_scans(database: apsw.Connection, name: str) -> None:
    steps = plan(database, QUERIES[name])
    assert steps or "json_each" in QUERIES[name]
    assert not [step for step in steps if step.startswith("SCAN")], steps


@pytest.mark.parametrize("name", [n for n in QUERIES if n != "reader.CHATS"])
def test_only_the_list_of_chats_is_sorted(database: apsw.Connection, name: str) -> None:
    steps = plan(database, QUERIES[name])
    assert not [step for step in steps if "TEMP B-TREE FOR ORDER BY" in step], steps


def test_a_scan_is_found(database: apsw.Connection) -> None:
    steps = plan(database, "SELECT id FROM messages WHERE content = ?")
    assert [step for step in steps if step.startswith("SCAN")]


@pytest.fixture
async def message_path(tmp_path: Path) -> tuple[SqliteWorld, Callable[[], Awaitable[None]]]:
    """A world, and all reads of the message path."""
    world = SqliteWorld(tmp_path / "hubbub.db")
    world.add_users(ANN, BOB)
    world.add_session(31, BOB, own_places=True)
    await world.group(ANN, BOB)
    posts = await world.posts(3)

    async def read() -> None:
        await world.store.find([Lookup(BOB, CHAT, None, posts[0].id), Lookup(BOB, 0, "d:1:2")])
        await world.store.places([ResumeFrom(BOB, 31, None, 0), ResumeFrom(BOB, 31, {}, 0)])
        bounds = ReplayBounds()
        reads = [LogRead(BOB, CHAT, 0, 10), LogRead(BOB, CHAT, 0, 10, bounds, world.now)]
        await world.store.logs(reads)
        await world.store.passed([PassedRead(CHAT, BOB, 0, 3)])
        await world.store.counts([CHAT])

    return world, read


async def test_reads_of_the_message_path_do_not_scan(
    message_path: tuple[SqliteWorld, Callable[[], Awaitable[None]]],
) -> None:
    """Whatever they send to SQLite, as a trace hears it."""
    world, read = message_path
    heard: set[str] = set()
    world.connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: heard.add(event["sql"]))
    await read()
    world.connection.trace_v2(0, None)
    selects = [sql for sql in heard if sql.startswith("SELECT")]
    assert len(selects) > 8
    scans = {sql: step for sql in selects for step in plan(world.connection, sql) if "SCAN" in step}
    world.close()
    assert not scans


async def test_a_commit_parses_no_statement_that_the_one_before_had(tmp_path: Path) -> None:
    world = SqliteWorld(tmp_path / "hubbub.db")
    world.add_users(ANN, BOB)
    await world.group(ANN, BOB)
    parsed: list[int] = []
    for _ in range(3):
        await world.do(*(world.text(f"{number}") for number in range(200)))
        parsed.append(world.connection.cache_stats()["misses"])
    world.close()
    assert parsed[1] == parsed[2]


async def test_no_statement_of_the_message_path_is_parsed_again(
    message_path: tuple[SqliteWorld, Callable[[], Awaitable[None]]],
) -> None:
    """Values that are bound choose no plan: SQLite's guarantee of stable plans is on."""
    world, read = message_path
    asked: list[tuple[object, ...]] = []

    def allow(*what: object) -> int:
        asked.append(what)
        return apsw.SQLITE_OK

    world.connection.authorizer = allow
    for number in range(2):
        asked.clear()
        await read()
        await world.posts(3)
        assert bool(asked) is (number == 0), "who parses a statement asks whether it is allowed"
    world.connection.authorizer = None
    world.close()
