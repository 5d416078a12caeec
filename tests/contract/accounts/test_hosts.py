"""The contract of `HostAccounts` and `ServerKeys`, held by every adapter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from hubbub.adapters.memory.accounts import MemoryAccounts
from hubbub.adapters.postgres.database import Bounds, Database
from hubbub.adapters.postgres.store import PostgresStore
from hubbub.adapters.sqlite.database import open_database
from hubbub.domain.account import MAX_SESSIONS, Entered, ServerKey, Session, User
from tests.support.accounts import DAY, START, AsyncSqliteAccounts
from tests.support.engines import PostgresServer

Store = MemoryAccounts | AsyncSqliteAccounts | PostgresStore

ANN = User(101, "ext:ann", "Ann", "", is_admin=False, created_at=START)
BOB = User(102, "ext:bob", "Bob", "", is_admin=False, created_at=START)
KEY = ServerKey("shop", b"h" * 32, "hbk_12", ("users:write", "messages:write"), START)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryAccounts()
    elif request.param == "sqlite":
        connection = open_database(str(tmp_path / "hubbub.db"))
        yield AsyncSqliteAccounts(connection)
        connection.close()
    else:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = Database(await postgres.emptied(), Bounds(connections=2))
        await database.start()
        yield PostgresStore(database)
        await database.close()


def session(number: int, name: bytes = b"phone", now: int = START) -> Session:
    return Session(number, 0, name, "app", now, now, now + 30 * DAY)


async def test_the_first_token_makes_user_and_session_and_later_ones_find_them(
    store: Store,
) -> None:
    assert await store.enter(ANN, session(1), START) == Entered(101, 1, [])
    again = replace(ANN, id=109, display_name="Another name")
    assert await store.enter(again, session(2, now=START + DAY), START) == Entered(101, 1, [])
    assert await store.users([101, 109]) == [ANN]
    (live,) = await store.sessions(101, START + DAY)
    assert (live.id, live.user_id, live.last_used_at) == (1, 101, START + DAY)
    assert live.expires_at == START + 31 * DAY
    assert await store.enter(ANN, session(3, b"laptop"), START) == Entered(101, 3, [])
    assert await store.enter(BOB, session(4, b"bob's"), START) == Entered(102, 4, [])


async def test_entering_can_be_repeated(store: Store) -> None:
    for number in range(1, MAX_SESSIONS + 1):
        await store.enter(ANN, session(number, b"%d" % number, START + number), START)
    late = session(50, b"late", START + 100)
    first = await store.enter(ANN, late, START)
    assert first == Entered(101, 50, [1])
    assert await store.enter(ANN, late, START) == first
    assert len(await store.sessions(101, START + 100)) == MAX_SESSIONS


async def test_an_ended_session_lets_in_later_tokens_alone(store: Store) -> None:
    await store.enter(ANN, session(1), START)
    assert await store.revoke(101, 1, START + 10)
    for issued in (START, START + 10):
        assert await store.enter(ANN, session(2, now=START + 20), issued) == Entered(101, 0, [])
    assert await store.sessions(101, START + 20) == []
    second = Entered(101, 2, [])
    assert await store.enter(ANN, session(2, now=START + 20), START + 11) == second
    # The earlier token is still void, though there is a session of this name again.
    assert await store.enter(ANN, session(3, now=START + 30), START + 10) == Entered(101, 0, [])
    assert await store.enter(ANN, session(3, now=START + 30), START + 11) == second
    assert await store.revoked(START) == [1]
    assert await store.revoke(101, 2, START + 40)
    assert await store.enter(ANN, session(4, now=START + 50), START + 40) == Entered(101, 0, [])
    assert await store.enter(ANN, session(4, now=START + 50), START + 41) == Entered(101, 4, [])


async def test_a_session_that_was_not_used_begins_anew(store: Store) -> None:
    await store.enter(ANN, session(1), START)
    later = START + 31 * DAY
    assert await store.enter(ANN, session(2, now=later), later) == Entered(101, 2, [])
    assert [each.id for each in await store.sessions(101, later)] == [2]


async def test_no_refresh_token_is_one_of_such_a_session(store: Store) -> None:
    # `rotate` is by hash: what keeps names apart from hashes is that they are other functions.
    await store.enter(ANN, session(1), START)
    assert await store.rotate(b"SHA-256 of something", b"new", START, START + DAY) is None


async def test_users_are_put_by_name(store: Store) -> None:
    assert await store.put_users([ANN, BOB]) == [ANN, BOB]
    renamed = replace(ANN, display_name="Ann B.")
    assert await store.put_users([replace(renamed, id=109), BOB]) == [renamed, BOB]
    assert await store.put_users([replace(renamed, id=110)]) == [renamed]
    assert await store.users([101, 109, 110]) == [renamed]
    assert await store.put_users([]) == []
    assert await store.enter(ANN, session(1), START) == Entered(101, 1, [])
    assert await store.users([101]) == [renamed], "a token does not rename"


async def test_users_are_found_by_names(store: Store) -> None:
    await store.put_users([ANN, BOB])
    found = await store.named(["ext:bob", "ext:cid", "ext:ann", "ext:bob"])
    assert sorted(user.id for user in found) == [101, 102]
    assert await store.named([]) == []
    assert await store.named(["EXT:ann", "ext:Ann", "ann"]) == []


async def test_users_of_host_applications_are_users(store: Store) -> None:
    assert not await store.has_users()
    await store.put_users([ANN])
    assert await store.has_users()


async def test_keys(store: Store) -> None:
    assert await store.keys() == []
    assert await store.add_key(KEY)
    assert await store.add_key(KEY), "repeated"
    assert not await store.add_key(replace(KEY, key_hash=b"i" * 32)), "its name is taken"
    other = replace(KEY, name="bot", key_hash=b"i" * 32, scopes=())
    assert await store.add_key(other)
    assert await store.keys() == [other, KEY]
    assert await store.key(b"h" * 32) == KEY
    assert await store.key(b"nothing") is None
    assert await store.drop_key("shop")
    assert not await store.drop_key("shop")
    assert await store.key(b"h" * 32) is None
