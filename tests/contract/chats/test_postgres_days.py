"""What lies in days: messages by their ids, keys of messages by the day inside a UUIDv7."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from hubbub.adapters.postgres import rows
from hubbub.adapters.postgres.schema import DAY_MS, first_id, partitions
from hubbub.adapters.postgres.sent import is_near, made_on
from hubbub.domain.change import Amend, Edit, Mismatch, Post, Posted
from hubbub.domain.message import Row
from hubbub.ports import LogRead, PassedRead
from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.world import ANN, BOB, CHAT
from tests.support.engines import PostgresServer

TODAY = int(time.time() * 1000) // DAY_MS


@pytest.fixture
async def world(postgres: PostgresServer) -> AsyncIterator[PostgresWorld]:
    made = PostgresWorld(await postgres.emptied())
    made.add_users(ANN, BOB)
    yield made
    await made.close()


async def write(world: PostgresWorld, *days: int) -> list[int]:
    """A message a day, in this order; positions, which are dense whatever the ids are."""
    changes = []
    for number, day in enumerate(days):
        place = (first_id(day) + number, CHAT, None, ANN, None, 1_000)
        changes.append(Post(*place, "text", f"{number}", b"", 0))
    return [o.seq for o in await world.do(*changes) if isinstance(o, Posted)]


async def test_pages_go_over_days_even_where_they_overlap(world: PostgresWorld) -> None:
    await world.group(ANN, BOB)
    days = [TODAY - 2, TODAY - 2, TODAY - 1, TODAY - 2, TODAY - 1, TODAY, TODAY - 1, TODAY, TODAY]
    assert await write(world, *days[:4]) == [1, 2, 3, 4]
    changes = [
        Post(first_id(day) + 50 + n, CHAT, None, ANN, None, 1_000, "text", "x", b"", 0)
        for n, day in enumerate(days[4:])
    ]
    await world.do(*changes)
    for limit in (1, 2, 3, 4, 9, 20):
        async with world.database.snapshot() as db:
            older = await rows.between(db, CHAT, 1, 100, limit, newest=True)
            newer = await rows.between(db, CHAT, 1, 100, limit, newest=False)
            middle = await rows.between(db, CHAT, 3, 8, limit, newest=True)
        assert seqs(older) == [*range(9, 0, -1)][:limit]
        assert seqs(newer) == [*range(1, 10)][:limit]
        assert seqs(middle) == [7, 6, 5, 4, 3][:limit]
    for read in range(1, 10):
        moved = await world.advance(BOB, read, read)
        assert moved.me is not None
        assert moved.me.unread == 9 - read
    (heard,) = await world.store.passed([PassedRead(CHAT, BOB, 2, 7)])
    assert [passed.seq for passed in heard] == [7]


def seqs(found: Sequence[Row]) -> list[int]:
    return [row.seq for row in found]


async def test_a_look_up_looks_into_its_own_days_alone(world: PostgresWorld) -> None:
    await world.group(ANN, BOB)
    await write(world, TODAY - 1, TODAY, TODAY + 1)
    async with world.database.snapshot() as db:
        by_id = await plan(db, rows.MESSAGE, first_id(TODAY))
        window = (f"ARRAY[{value}]" for value in (0, CHAT, 1, 9, first_id(TODAY), 5))
        by_seq = await plan(db, rows.PARTS.format("DESC"), *window)
    names = {day: partitions(day)[0][1] for day in (TODAY - 1, TODAY, TODAY + 1)}
    for steps in (by_id, by_seq):
        assert names[TODAY] in steps
        assert names[TODAY - 1] not in steps
        assert names[TODAY + 1] not in steps
        assert "Seq Scan" not in steps


async def plan(db: Any, query: str, *values: int | str) -> str:
    await db.execute(f"PREPARE looked_at AS {query}")
    given = ", ".join(map(str, values))
    found = await db.fetch(f"EXPLAIN (ANALYZE, COSTS OFF) EXECUTE looked_at ({given})")
    await db.execute("DEALLOCATE looked_at")
    return "\n".join(row[0] for row in found if "never executed" not in row[0])


async def test_a_day_that_nobody_foresaw_is_made(world: PostgresWorld) -> None:
    await world.group(ANN, BOB)
    far = TODAY + 400
    assert await write(world, far) == [1]
    (log,) = await world.store.logs([LogRead(BOB, CHAT, 0, 10)])
    assert log is not None
    assert [row.id for row in log.rows] == [first_id(far)]
    async with world.database.transaction() as db:
        for _, name, _, _ in partitions(far):
            await db.execute(f"DROP TABLE {name}")
    again = first_id(far) + 7
    change = Post(again, CHAT, None, ANN, None, 1_000, "text", "again", b"", 0)
    assert isinstance(await world.one(change), Posted), "somebody else has dropped its day"
    async with world.database.transaction() as db:
        for _, name, _, _ in partitions(far):
            await db.execute(f"DROP TABLE {name}")


async def test_changes_are_found_in_whichever_day(world: PostgresWorld) -> None:
    await world.group(ANN, BOB)
    await write(world, TODAY - 1, TODAY)
    await world.one(Amend(first_id(TODAY - 1), ANN, Edit("new", None), 2_000))
    assert await world.seen(BOB) == [2, 3]
    (log,) = await world.store.logs([LogRead(BOB, CHAT, 2, 10)])
    assert log is not None
    assert [row.content for row in log.rows] == ["new"]


# ── keys of messages ──


def uuid7(day: int, number: int) -> bytes:
    head = (day * DAY_MS + number).to_bytes(6, "big")
    return head + b"\x70" + number.to_bytes(1, "big") + b"\x80" + bytes(7)


UUID4 = bytes.fromhex("6fa459eaee8a4ca4894edb77e160355e")


def test_the_day_inside_a_uuid7() -> None:
    assert made_on(uuid7(TODAY, 5)) == TODAY
    assert [made_on(other) for other in (UUID4, b"short", b"k" * 16)] == [-1, -1, -1]
    near = [is_near(uuid7(day, 0), TODAY) for day in range(TODAY - 3, TODAY + 4)]
    assert near == [False, False, True, True, True, False, False]


@pytest.mark.parametrize("day", [TODAY - 400, TODAY - 2, TODAY, TODAY + 1, TODAY + 2, TODAY + 300])
async def test_a_key_is_known_whatever_the_senders_clock_says(
    world: PostgresWorld, day: int
) -> None:
    await world.group(ANN, BOB)
    sent = [world.text(f"{n}", client_id=uuid7(day, n)) for n in range(3)]
    first = await world.do(*sent)
    world.reopen()
    again = await world.do(*(replace(post, id=world.next_id()) for post in sent))
    assert [(o.id, o.duplicate) for o in again if isinstance(o, Posted)] == [
        (o.id, True) for o in first if isinstance(o, Posted)
    ]
    other = await world.one(world.text("other", client_id=uuid7(day, 0)))
    assert isinstance(other, Mismatch)


@pytest.mark.parametrize("later", [2, 20, 30])
@pytest.mark.parametrize("ahead", [-5, -1, 0, 1, 5])
async def test_a_key_is_known_when_it_comes_again_days_later(
    world: PostgresWorld, monkeypatch: pytest.MonkeyPatch, ahead: int, later: int
) -> None:
    """The same key is near today, and far from the day on which it comes again, or the reverse."""
    await world.group(ANN, BOB)
    key = uuid7(TODAY + ahead, 1)
    first = await world.one(world.text("x", client_id=key))
    now = time.time()
    monkeypatch.setattr("hubbub.adapters.postgres.chats.time.time", lambda: now + later * 86_400)
    again = await world.one(world.text("x", client_id=key))
    assert (again.id, again.duplicate) == (first.id, True)
