"""The contract of `Accounts` and `Invites`, held by every adapter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from hubbub.adapters.memory.accounts import MemoryAccounts
from hubbub.adapters.postgres.database import Bounds, Database
from hubbub.adapters.postgres.store import PostgresStore
from hubbub.adapters.sqlite.database import open_database
from hubbub.domain.account import MAX_SESSIONS, Invite, Session, User
from tests.support.accounts import DAY, START, AsyncSqliteAccounts
from tests.support.engines import PostgresServer

Store = MemoryAccounts | AsyncSqliteAccounts | PostgresStore

ANN = User(101, "ann", "Ann", "phc", is_admin=False, created_at=START)
BOB = User(102, "bob", "Bob", "phc", is_admin=False, created_at=START)
BIG_ID = (1 << 63) - 1


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


def session(number: int, user: User = ANN, used: int = START) -> Session:
    return Session(number, user.id, b"r%d" % number, "Test", used, used, used + 30 * DAY)


def by_id(users: list[User]) -> list[User]:
    return sorted(users, key=lambda user: user.id)


async def test_users_are_found_by_id_and_by_name(store: Store) -> None:
    assert not await store.has_users()
    assert await store.add_user(ANN, None) == "ok"
    big = replace(BOB, id=BIG_ID, is_admin=True)
    assert await store.add_user(big, None) == "ok"
    assert await store.has_users()
    assert by_id(await store.users([BIG_ID, 999, 101])) == [ANN, big]
    assert await store.users([], "bob") == [big]
    assert by_id(await store.users([101], "bob")) == [ANN, big]
    assert await store.users([101], "ann") == [ANN]
    assert await store.users([], "nobody") == []
    assert await store.users([]) == []


async def test_a_user_name_belongs_to_one(store: Store) -> None:
    assert await store.add_user(ANN, None) == "ok"
    assert await store.add_user(replace(BOB, username="ann"), None) == "taken"
    assert await store.users([102]) == []


async def test_an_invite_serves_as_often_as_it_says_and_no_longer(store: Store) -> None:
    await store.add_invite(Invite(b"two", 0, START + 10, 2, admin=False))
    assert await store.add_user(ANN, b"none") == "invite"
    assert await store.add_user(ANN, b"two") == "ok"
    assert await store.add_user(replace(BOB, username="ann"), b"two") == "taken"
    assert await store.add_user(BOB, b"two") == "ok", "a refusal uses nothing up"
    third = User(103, "cid", "Cid", "", is_admin=False, created_at=START)
    assert await store.add_user(third, b"two") == "invite"
    assert by_id(await store.users([101, 102, 103])) == [ANN, BOB]


async def test_an_invite_ends(store: Store) -> None:
    await store.add_invite(Invite(b"brief", 0, START, 1, admin=False))
    assert await store.add_user(ANN, b"brief") == "invite"


async def test_of_all_admin_invites_one_makes_an_admin(store: Store) -> None:
    for code in (b"first start", b"second start"):
        await store.add_invite(Invite(code, 0, START + DAY, 1, admin=True))
    await store.add_invite(Invite(b"plain", 0, START + DAY, 1, admin=False))
    assert await store.add_user(ANN, b"second start") == "ok"
    assert await store.users([101]) == [replace(ANN, is_admin=True)]
    assert await store.add_user(BOB, b"first start") == "invite"
    assert await store.add_user(BOB, b"plain") == "ok"
    assert await store.users([102]) == [BOB]


async def test_sessions_are_listed_by_last_use_while_they_live(store: Store) -> None:
    await store.add_user(ANN, None)
    await store.add_session(session(1, used=START))
    await store.add_session(session(2, used=START + 5))
    await store.add_session(session(3, BOB))
    now = START + 10
    assert [each.id for each in await store.sessions(101, now)] == [2, 1]
    assert await store.sessions(101, now) == [session(2, used=START + 5), session(1)]
    assert [each.id for each in await store.sessions(101, START + 30 * DAY)] == [2]
    assert await store.sessions(101, START + 31 * DAY) == []


async def test_the_twenty_first_session_ends_the_least_recently_used(store: Store) -> None:
    await store.add_user(ANN, None)
    for number in range(1, MAX_SESSIONS + 1):
        assert await store.add_session(session(number, used=START + number)) == []
    assert await store.rotate(b"r1", b"r1+", START + 50, START + 60 * DAY) is not None
    assert await store.add_session(session(21, used=START + 100)) == [2]
    live = {each.id for each in await store.sessions(101, START + 100)}
    assert live == {1, *range(3, 22)}
    assert await store.revoked(START + 100) == [2]
    assert await store.rotate(b"r2", b"x", START + 101, START + 60 * DAY) is None


async def test_ended_sessions_do_not_count(store: Store) -> None:
    for number in range(1, MAX_SESSIONS + 1):
        await store.add_session(session(number))
    assert await store.revoke(101, 1, START + 1)
    assert await store.add_session(session(21, used=START + 2)) == []
    assert await store.add_session(session(22, used=START + 40 * DAY)) == []
    assert [each.id for each in await store.sessions(101, START + 40 * DAY)] == [22]


async def test_a_refresh_token_is_exchanged_once(store: Store) -> None:
    await store.add_session(session(1))
    await store.add_session(session(2, BOB))
    rotated = await store.rotate(b"r1", b"new", START + 7, START + 31 * DAY)
    assert rotated == replace(
        session(1), refresh_hash=b"new", last_used_at=START + 7, expires_at=START + 31 * DAY
    )
    assert await store.sessions(101, START + 8) == [rotated]
    assert await store.rotate(b"none", b"x", START + 8, START + 31 * DAY) is None
    assert await store.revoked(0) == [], "an unknown token says nothing about any session"
    newest = await store.rotate(b"new", b"newer", START + 9, START + 31 * DAY)
    assert newest is not None
    assert newest.id == 1


@pytest.mark.parametrize("spent", [b"r1", b"second"])
async def test_a_spent_refresh_token_ends_its_session(store: Store, spent: bytes) -> None:
    await store.add_session(session(1))
    await store.add_session(session(2))
    await store.rotate(b"r1", b"second", START + 1, START + 31 * DAY)
    await store.rotate(b"second", b"third", START + 2, START + 31 * DAY)
    assert await store.rotate(spent, b"x", START + 3, START + 31 * DAY) is None
    assert await store.revoked(START + 3) == [1]
    assert await store.rotate(b"third", b"x", START + 4, START + 31 * DAY) is None
    assert [each.id for each in await store.sessions(101, START + 4)] == [2]
    assert await store.rotate(spent, b"x", START + 5, START + 31 * DAY) is None
    assert await store.revoked(START + 4) == [], "it ended when it ended"


async def test_a_write_whose_answer_was_lost_may_be_repeated(store: Store) -> None:
    await store.add_invite(Invite(b"one", 0, START + DAY, 1, admin=True))
    await store.add_invite(Invite(b"one", 0, START + DAY, 1, admin=True))
    for _ in range(2):
        assert await store.add_user(ANN, b"one") == "ok"
    for number in range(1, MAX_SESSIONS + 1):
        await store.add_session(session(number, used=START + number))
    last = session(21, used=START + 100)
    for _ in range(2):
        assert await store.add_session(last) == [1]
    assert len(await store.sessions(101, START + 100)) == MAX_SESSIONS
    first = await store.rotate(b"r2", b"new", START + 200, START + 31 * DAY)
    assert first is not None
    assert await store.rotate(b"r2", b"new", START + 200, START + 31 * DAY) == first
    for _ in range(2):
        assert await store.revoke(101, 3, START + 300)
    assert await store.revoked(START + 200) == [3], "the repeated exchange was no theft"
    assert await store.rotate(b"r2", b"other", START + 400, START + 31 * DAY) is None
    assert await store.rotate(b"r2", b"new", START + 400, START + 31 * DAY) is None


async def test_an_expired_session_is_not_renewed(store: Store) -> None:
    await store.add_session(session(1))
    end = START + 30 * DAY
    assert await store.rotate(b"r1", b"x", end, end + DAY) is None


async def test_a_user_ends_his_own_sessions_only(store: Store) -> None:
    await store.add_session(session(1))
    assert not await store.revoke(102, 1, START + 1)
    assert not await store.revoke(101, 9, START + 1)
    assert await store.revoke(101, 1, START + 1)
    assert not await store.revoke(101, 1, START + 2)
    assert await store.sessions(101, START + 2) == []
    assert await store.revoked(START + 1) == [1]
    assert await store.revoked(START + 2) == []
