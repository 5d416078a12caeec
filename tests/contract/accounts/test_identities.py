"""The contract of `Identities`, held by every adapter."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from hubbub.adapters.memory.accounts import MemoryAccounts
from hubbub.adapters.postgres.database import Bounds, Database
from hubbub.adapters.postgres.store import PostgresStore
from hubbub.adapters.sqlite.database import open_database
from hubbub.domain.account import Identity, Session, User
from tests.support.accounts import DAY, START, AsyncSqliteAccounts
from tests.support.engines import PostgresServer

Store = MemoryAccounts | AsyncSqliteAccounts | PostgresStore

ANN = User(101, "ann", "Ann", "", is_admin=False, created_at=START)
BOB = User(102, "bob", "Bob", "hash", is_admin=True, created_at=START)
CORP, SHOP = "https://login.corp.example", "https://login.shop.example"
HERS = Identity(CORP, "4711")


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


async def test_who_is_enrolled_is_recognised(store: Store) -> None:
    assert await store.recognise(HERS, "Ann", None) is None
    assert await store.enrol(HERS, ANN) == ANN
    assert await store.recognise(HERS, "Ann", None) == ANN
    assert await store.users([], "ann") == [ANN]
    assert await store.identities(101) == [HERS]


async def test_enrolling_can_be_repeated_and_knows_who_is_there(store: Store) -> None:
    await store.enrol(HERS, ANN)
    assert await store.enrol(HERS, ANN) == ANN
    assert await store.enrol(HERS, replace(ANN, id=109, username="ann2")) == ANN
    assert await store.users([109], "ann2") == []


async def test_many_first_sign_ins_at_once_make_one_user(store: Store) -> None:
    users = [replace(ANN, id=200 + n, username=f"ann{n}") for n in range(8)]
    stored = await asyncio.gather(*(store.enrol(HERS, user) for user in users))
    assert len({user and user.id for user in stored}) == 1
    assert len(await store.users([user.id for user in users])) == 1


async def test_a_user_name_is_taken_once(store: Store) -> None:
    await store.add_user(ANN, None)
    assert await store.enrol(HERS, replace(ANN, id=109)) is None
    assert await store.identities(109) == []
    assert await store.recognise(HERS, "Ann", None) is None
    other = replace(ANN, id=109, username="ann2")
    assert await store.enrol(HERS, other) == other


async def test_an_identity_is_issuer_and_subject(store: Store) -> None:
    await store.enrol(HERS, ANN)
    for other in (Identity(SHOP, "4711"), Identity(CORP, "4712"), Identity(CORP + "4", "711")):
        assert await store.recognise(other, "Ann", None) is None


async def test_name_and_right_follow_the_provider(store: Store) -> None:
    await store.enrol(HERS, ANN)
    renamed = replace(ANN, display_name="Ann B.", is_admin=True)
    assert await store.recognise(HERS, "Ann B.", True) == renamed
    assert await store.recognise(HERS, "Ann B.", None) == renamed
    assert await store.users([101]) == [renamed]
    assert await store.recognise(HERS, "Ann B.", False) == replace(renamed, is_admin=False)
    assert await store.users([101]) == [replace(renamed, is_admin=False)]


async def test_a_user_who_was_there_is_linked(store: Store) -> None:
    await store.add_user(BOB, None)
    his = Identity(SHOP, "b")
    for each in (HERS, HERS, his):
        assert await store.link(each, 102)
    assert await store.recognise(HERS, "Bob", None) == BOB
    assert await store.identities(102) == [HERS, his]
    await store.add_user(ANN, None)
    assert not await store.link(HERS, 101), "it is another's"
    assert await store.identities(101) == []


async def test_unlinking_ends_every_session(store: Store) -> None:
    await store.enrol(HERS, ANN)
    await store.add_user(BOB, None)
    for number, user in ((1, 101), (2, 101), (3, 102)):
        end = START + 30 * DAY
        await store.add_session(Session(number, user, b"%d" % number, "x", START, START, end))
    assert await store.unlink(HERS, START + 5) == ANN
    assert await store.sessions(101, START + 5) == []
    assert sorted(await store.revoked(START)) == [1, 2]
    assert [each.id for each in await store.sessions(102, START + 5)] == [3]
    assert await store.rotate(b"1", b"new", START + 6, START + DAY) is None
    assert await store.recognise(HERS, "Ann", None) is None
    assert await store.unlink(HERS, START + 7) is None
    assert await store.users([101]) == [ANN], "the user stays, with all that he wrote"
