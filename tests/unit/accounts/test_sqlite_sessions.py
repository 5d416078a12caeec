"""What SQLite keeps beside the contract: places of several sessions, and no more than it needs."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw
import pytest

from hubbub.adapters.sqlite.accounts import SqliteAccounts
from hubbub.adapters.sqlite.database import open_database
from hubbub.domain.account import Session, User
from tests.support.accounts import DAY, START

ANN = User(101, "ann", "Ann", "phc", is_admin=False, created_at=START)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = open_database(str(tmp_path / "hubbub.db"))
    yield connection
    connection.close()


def session(number: int, used: int = START) -> Session:
    return Session(number, ANN.id, b"r%d" % number, "Test", used, used, used + 30 * DAY)


def member(connection: apsw.Connection, chat: int, received: int, left: int | None = None) -> None:
    """Sending has moved `delivered` beyond what was received."""
    connection.execute(
        'INSERT INTO members (chat_id, user_id, role, since, "left", joined_at, delivered, read,'
        " read_number, me_rev, received) VALUES (?, 101, 'member', 1, ?, 0, ?, 0, 0, 1, ?)",
        (chat, left, received + 1, received),
    )


def kept(connection: apsw.Connection) -> list[tuple[Any, ...]]:
    rows = connection.execute("SELECT session_id, chat_id, seq FROM places ORDER BY 1, 2")
    return rows.fetchall()


def state(connection: apsw.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT id, own_places, me_place FROM sessions ORDER BY id"
    ).fetchall()


def test_one_session_needs_no_places(connection: apsw.Connection) -> None:
    accounts = SqliteAccounts(connection)
    accounts.add_user(ANN, None)
    member(connection, 7, received=4)
    connection.execute("UPDATE users SET me_head = 3")
    accounts.add_session(session(1))
    assert state(connection) == [(1, 0, 0)], "it has yet to hear of the chats"
    assert kept(connection) == []


def test_with_the_second_session_places_part(connection: apsw.Connection) -> None:
    accounts = SqliteAccounts(connection)
    accounts.add_user(ANN, None)
    accounts.add_session(session(1))
    member(connection, 7, received=4)
    member(connection, 8, received=0)
    member(connection, 9, received=5, left=6)
    connection.execute("UPDATE users SET me_head = 3")
    accounts.add_session(session(2, START + 1))
    assert state(connection) == [(1, 1, 0), (2, 1, 0)], "both have yet to hear of the chats"
    assert kept(connection) == [(1, 7, 4), (1, 8, 0), (2, 7, 4), (2, 8, 0)]


def test_a_third_session_begins_at_the_cursors_and_moves_nobody(
    connection: apsw.Connection,
) -> None:
    accounts = SqliteAccounts(connection)
    accounts.add_user(ANN, None)
    member(connection, 7, received=4)
    accounts.add_session(session(1))
    accounts.add_session(session(2))
    connection.execute("UPDATE members SET received = 9")
    connection.execute("UPDATE places SET seq = 9 WHERE session_id = 1")
    accounts.add_session(session(3))
    assert kept(connection) == [(1, 7, 9), (2, 7, 4), (3, 7, 9)]


def test_who_was_away_from_all_his_devices_begins_anew(connection: apsw.Connection) -> None:
    accounts = SqliteAccounts(connection)
    accounts.add_user(ANN, None)
    member(connection, 7, received=4)
    accounts.add_session(session(1))
    accounts.add_session(session(2))
    assert accounts.revoke(ANN.id, 1, START + 1)
    assert kept(connection) == [(2, 7, 4)], "an ended session needs no place"
    accounts.add_session(session(3, START + 40 * DAY))
    assert kept(connection) == []
    assert state(connection) == [(3, 0, 0)], "nothing is left of sessions that ended long ago"


def test_spent_refresh_tokens_do_not_pile_up(connection: apsw.Connection) -> None:
    connection.pragma("synchronous", 0)  # six hundred commits, none of which has to last
    accounts = SqliteAccounts(connection)
    accounts.add_session(session(1))
    hashes = [b"%032x" % (number * 0x9E3779B97F4A7C15 % 2**64) for number in range(600)]
    assert accounts.rotate(b"r1", hashes[0], START, START + 10 * DAY)
    for number, (old, new) in enumerate(pairwise(hashes), 1):
        now = START + number * DAY
        assert accounts.rotate(old, new, now, now + 10 * DAY)
    (count,) = connection.execute("SELECT count(*) FROM spent_refresh").fetchone() or (None,)
    assert isinstance(count, int)
    assert 10 <= count <= 60
