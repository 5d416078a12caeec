"""Cursors move forward; receipts follow from them, with times (spec section 6)."""

import pytest

from hubbub.adapters.sqlite.rows import NEAR
from hubbub.domain.change import Advance, Advanced, Create, Missing, NewChat, PlaceMe
from hubbub.domain.receipt import Cursor, Passed
from hubbub.domain.view import RecipientView
from hubbub.ports import CursorState, PassedRead, ReceiptCount
from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.world import (
    ANN,
    BOB,
    CAT,
    CHAT,
    DAN,
    MemoryWorld,
    SqliteWorld,
    World,
    memberships,
)

PHONE, LAPTOP = 31, 32


def span(moved: Advanced) -> tuple[int, int, int, int]:
    return (moved.delivered_before, moved.delivered, moved.read_before, moved.read)


async def test_cursors_only_move_forward_and_never_past_the_head(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(4)
    assert span(await world.advance(BOB, 2)) == (0, 2, 0, 0)
    assert span(await world.advance(BOB, 1)) == (2, 2, 0, 0)
    assert span(await world.advance(BOB, 99, 1)) == (2, 4, 0, 1)
    assert span(await world.advance(BOB, 0, 0)) == (4, 4, 1, 1)
    assert span(await world.advance(BOB, 0, 99)) == (4, 4, 1, 4)


async def test_what_is_read_has_arrived(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(3)
    assert span(await world.advance(BOB, 0, 2)) == (0, 2, 0, 2)


async def test_a_read_is_an_event_of_the_own_log(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(3)
    assert (await world.advance(BOB, 3)).me is None
    event = (await world.advance(BOB, 3, 2)).me
    assert event is not None
    assert (event.user_id, event.rev, event.read, event.unread) == (BOB, 2, 2, 1)
    assert (await world.advance(BOB, 3, 2)).me is None
    states, position = await world.own_log.me(BOB, 1, 10)
    assert [(s.rev, s.read, s.unread) for s in memberships(states)] == [(2, 2, 1)]
    assert position == 2


async def test_who_is_not_a_member_has_no_cursor(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(2)
    await world.leave(BOB)
    outcomes = await world.do(
        *(Advance(chat, user, 0, 1, 1, 1) for chat, user in ((CHAT, BOB), (CHAT, CAT), (9, ANN)))
    )
    assert [type(o) for o in outcomes] == [Missing] * 3


async def test_moves_of_one_batch_add_up(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    await world.posts(3)
    moves = [
        Advance(CHAT, BOB, 0, 1, 0, 10),
        Advance(CHAT, CAT, 0, 2, 2, 11),
        Advance(CHAT, BOB, 0, 3, 1, 12),
    ]
    outcomes = await world.do(*moves, world.text("4", BOB), Advance(CHAT, BOB, 0, 4, 4, 13))
    assert [span(o) for o in outcomes if isinstance(o, Advanced)] == [
        (0, 1, 0, 0),
        (0, 2, 0, 2),
        (1, 3, 0, 1),
        (4, 4, 4, 4),
    ]
    again = await world.do(*moves)
    assert [span(o) for o in again if isinstance(o, Advanced)] == [
        (4, 4, 4, 4),
        (2, 2, 2, 2),
        (4, 4, 4, 4),
    ]


async def test_others_are_the_least_of_all_other_members(world: World) -> None:
    await world.group(ANN, BOB, CAT, DAN)
    posts = await world.posts(3)
    await world.advance(BOB, 3, 2)
    await world.advance(CAT, 2, 1)
    view = await world.reader.message(ANN, posts[0].id)
    assert view is not None
    assert (view.others, view.own) == (Cursor(0, 0), Cursor(3, 3))
    await world.leave(DAN)
    page = await world.reader.history(ANN, CHAT, "before", 0, 10)
    assert page is not None
    assert (page.others, page.own) == (Cursor(2, 1), Cursor(3, 3))
    chat = await world.reader.chat(BOB, CHAT)
    assert chat is not None
    assert chat.others == Cursor(2, 1)


async def test_receipts_have_counts_and_times(world: World) -> None:
    await world.group(ANN, BOB, CAT, DAN)
    posts = await world.posts(3)
    world.now = 2_000
    await world.advance(BOB, 1)
    world.now = 3_000
    await world.advance(BOB, 3, 1)
    world.now = 4_000
    await world.advance(CAT, 0, 2)
    first = await world.reader.receipts(ANN, posts[0].id, 0, 10)
    assert first is not None
    assert (first.recipients, first.delivered, first.read, first.has_more) == (3, 2, 2, False)
    assert first.page == [
        RecipientView(BOB, 2_000, 3_000),
        RecipientView(CAT, 4_000, 4_000),
        RecipientView(DAN, None, None),
    ]
    second = await world.reader.receipts(BOB, posts[1].id, BOB, 1)
    assert second is not None
    assert (second.recipients, second.delivered, second.read, second.has_more) == (3, 2, 1, True)
    assert second.page == [RecipientView(CAT, 4_000, 4_000)]


async def test_recipients_are_those_who_were_there_and_are(world: World) -> None:
    await world.group(ANN, BOB, CAT, DAN)
    (posted,) = await world.posts(1)
    await world.leave(CAT)
    await world.leave(DAN)
    await world.post("while Dan was away")
    await world.enrol(DAN)
    world.add_users(6)
    await world.enrol(6)
    found = await world.reader.receipts(ANN, posted.id, 0, 10)
    assert found is not None
    assert [r.user_id for r in found.page] == [BOB, DAN]
    assert found.recipients == 2


async def test_who_answered_has_read(world: World) -> None:
    await world.group(ANN, BOB)
    (posted,) = await world.posts(1)
    world.now = 9_000
    answer = await world.post("answer", BOB)
    assert answer.read_before == 0
    found = await world.reader.receipts(ANN, posted.id, 0, 10)
    assert found is not None
    assert (found.delivered, found.read) == (1, 1)
    assert found.page == [RecipientView(BOB, answer.at, answer.at)]


async def test_authors_hear_of_what_was_passed(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    mine = await world.posts(2)
    theirs = await world.posts(2, sender=BOB)
    await world.enrol(DAN)
    reads = [PassedRead(CHAT, CAT, 0, 5), PassedRead(CHAT, ANN, 1, 3), PassedRead(CHAT, CAT, 4, 5)]
    found = await world.store.passed(reads)
    assert sorted(found[0], key=lambda p: p.seq) == [
        Passed(ANN, mine[1].id, 2),
        Passed(BOB, theirs[1].id, 4),
    ]
    assert found[1:] == [[Passed(BOB, theirs[0].id, 3)], []]
    await world.leave(BOB)
    assert await world.store.passed(reads) == [[Passed(ANN, mine[1].id, 2)], [], []]


async def test_cursors_of_others_are_told_with_the_messages_they_passed(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    first = await world.post("1")
    await world.post("2", BOB)
    third = await world.post("3")
    world.now = 2_000
    await world.advance(BOB, 3)
    world.now = 3_000
    await world.advance(BOB, 3, 2)
    states = await world.reader.cursors(ANN, [CHAT, CHAT, CHAT + 1])
    assert states == [
        CursorState(
            CHAT,
            BOB,
            Cursor(3, 2),
            Passed(ANN, third.id, 3),
            Passed(ANN, first.id, 1),
            2_000,
            1_000,  # he answered it: no mark tells when he read it
        ),
        CursorState(CHAT, CAT, Cursor(0, 0), None, None, 0, 0),
    ]


async def test_large_chats_tell_receipts_as_counts(world: World) -> None:
    many = tuple(range(100, 400))
    world.add_users(*many)
    await world.do(Create(NewChat(CHAT, "group", None, None, "joined", ANN, (ANN, *many)), 1))
    first = await world.post("1")
    second = await world.post("2")
    await world.do(*(Advance(CHAT, u, 0, 1, 0, 2_000) for u in many))
    await world.do(*(Advance(CHAT, u, 0, 2, 1, 3_000) for u in many[:200]))
    await world.do(*(Advance(CHAT, u, 0, 2, 2, 4_000) for u in many[:50]))
    assert await world.store.counts([CHAT, CHAT + 1]) == [
        ReceiptCount(CHAT, 2, 200, 50, ANN),
        ReceiptCount(CHAT + 1, 0, 0, 0, 0),
    ]
    found = await world.reader.receipts(ANN, first.id, many[48], 2)
    assert found is not None
    assert (found.recipients, found.delivered, found.read) == (300, 300, 200)
    assert found.page == [RecipientView(u, 2_000, 3_000) for u in many[49:51]]
    found = await world.reader.receipts(ANN, second.id, many[48], 2)
    assert found is not None
    assert found.page == [
        RecipientView(many[49], 3_000, 4_000),
        RecipientView(many[50], 3_000, None),
    ]
    view = await world.reader.message(ANN, first.id)
    assert view is not None
    assert view.others == Cursor(0, 0)
    assert await world.reader.cursors(ANN, [CHAT]) == []


async def test_times_survive_that_a_chat_stops_being_large(world: World) -> None:
    many = tuple(range(100, 356))
    world.add_users(*many)
    await world.do(Create(NewChat(CHAT, "group", None, None, "joined", ANN, (ANN, *many)), 1))
    posted = await world.post("1")
    await world.post("2")
    await world.advance(many[0], 1, 1)  # packed, at 1,000
    await world.leave(many[1])
    world.now = 2_000
    await world.advance(many[0], 2, 2)
    found = await world.reader.receipts(ANN, posted.id, 0, 1)
    assert found is not None
    assert found.page == [RecipientView(many[0], 1_000, 1_000)]


async def test_counts_are_of_those_who_were_there(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    await world.posts(2)
    await world.advance(BOB, 2, 1)
    await world.enrol(DAN)
    assert await world.store.counts([CHAT]) == [ReceiptCount(CHAT, 2, 1, 0, ANN)]


# ── places that the server keeps ──


async def changed(world: World, user: int, session: int) -> list[tuple[int, int, int]]:
    found = await world.places(user, session)
    return [(p.chat_id, p.place, p.head) for p in found.changed]


async def test_an_only_session_goes_on_from_what_it_received(world: World) -> None:
    world.add_session(PHONE, BOB)
    await world.group(ANN, BOB)
    await world.posts(3)
    assert await changed(world, BOB, PHONE) == [(CHAT, 0, 3)]
    await world.advance(BOB, 2, session=PHONE)
    assert await changed(world, BOB, PHONE) == [(CHAT, 2, 3)]
    await world.post("own", BOB)  # sending receives nothing
    assert await changed(world, BOB, PHONE) == [(CHAT, 2, 4)]
    await world.advance(BOB, 4, session=PHONE)
    assert await changed(world, BOB, PHONE) == []


async def test_several_sessions_have_their_own_places(world: World) -> None:
    world.add_session(PHONE, BOB, own_places=True)
    world.add_session(LAPTOP, BOB, own_places=True)
    await world.group(ANN, BOB)
    await world.posts(3)
    await world.advance(BOB, 3, session=PHONE)
    assert await changed(world, BOB, PHONE) == []
    assert await changed(world, BOB, LAPTOP) == [(CHAT, 0, 3)]
    await world.advance(BOB, 2, session=LAPTOP)
    await world.advance(BOB, 1, session=LAPTOP)
    world.reopen()
    assert await changed(world, BOB, LAPTOP) == [(CHAT, 2, 3)]


async def test_a_place_is_where_the_stay_begins_at_least(world: World) -> None:
    world.add_session(PHONE, CAT, own_places=True)
    world.add_session(LAPTOP, BOB)
    await world.group(ANN, BOB)
    await world.posts(2)
    await world.enrol(CAT)
    assert await changed(world, CAT, PHONE) == [(CHAT, 2, 3)]
    await world.leave(BOB)
    await world.post("unseen")
    await world.enrol(BOB)
    assert await changed(world, BOB, LAPTOP) == [(CHAT, 5, 6)]


async def test_places_that_the_client_keeps(world: World) -> None:
    await world.group(ANN, BOB)
    world.now = 5_000
    await world.group(ANN, BOB, chat=CHAT + 1)
    await world.posts(3)
    await world.posts(2, chat=CHAT + 1)
    found = await world.places(BOB, 0, {CHAT: 1, CHAT + 1: 2}, me=1)
    assert [(p.chat_id, p.place, p.head, p.large) for p in found.changed] == [(CHAT, 1, 3, False)]
    assert ([s.chat_id for s in memberships(found.me)], found.me_place, found.me_head) == (
        [CHAT + 1],
        1,
        2,
    )


async def test_changed_chats_come_by_last_activity(world: World) -> None:
    for offset, at in ((0, 3_000), (1, 9_000), (2, 6_000)):
        world.now = at
        await world.group(ANN, BOB, chat=CHAT + offset)
        await world.post("", chat=CHAT + offset)
    found = await world.places(BOB)
    assert [p.chat_id for p in found.changed] == [CHAT + 1, CHAT + 2, CHAT]


async def test_the_place_in_the_own_log(world: World) -> None:
    world.add_session(PHONE, BOB)
    await world.group(ANN, BOB)
    await world.group(ANN, BOB, chat=CHAT + 1)
    await world.do(PlaceMe(PHONE, BOB, 1), PlaceMe(PHONE, CAT, 2))
    found = await world.places(BOB, PHONE)
    assert (found.me_place, found.me_head, [s.rev for s in found.me]) == (1, 2, [2])
    await world.do(PlaceMe(PHONE, BOB, 99), PlaceMe(PHONE, BOB, 1))
    found = await world.places(BOB, PHONE)
    assert (found.me_place, found.me_head, found.me) == (2, 2, [])


async def test_a_direct_chat_has_times_however_far_a_cursor_goes(world: World) -> None:
    await world.direct(ANN, BOB)
    posts = await world.posts(2)
    world.now = 2_000
    await world.advance(BOB, 1)
    world.now = 3_000
    await world.advance(BOB, 2, 1)
    posts += await world.posts(NEAR + 50)
    world.now = 4_000
    await world.advance(BOB, 2, 2)
    world.now = 5_000
    await world.advance(BOB, len(posts) - 10)
    world.now = 6_000
    answer = await world.post("answer", BOB)
    world.now = 7_000
    await world.advance(ANN, answer.seq)
    last = await world.post("never read", BOB)
    found = [await world.reader.receipts(ANN, p.id, 0, 2) for p in (*posts[:3], *posts[-11:-9])]
    assert [view.page for view in found if view] == [
        [RecipientView(BOB, 2_000, 3_000)],
        [RecipientView(BOB, 3_000, 4_000)],
        [RecipientView(BOB, 5_000, 6_000)],
        [RecipientView(BOB, 5_000, 6_000)],
        [RecipientView(BOB, 6_000, 6_000)],
    ]
    answers = [await world.reader.receipts(BOB, posted.id, 0, 2) for posted in (answer, last)]
    assert [view.page for view in answers if view] == [
        [RecipientView(ANN, 7_000, None)],
        [RecipientView(ANN, None, None)],
    ]


async def test_the_view_of_each_messages_status_agrees(world: World) -> None:
    if isinstance(world, MemoryWorld):
        pytest.skip("a view of the database")
    await world.direct(ANN, BOB)
    await world.group(ANN, BOB, CAT, chat=CHAT + 1)
    for chat in (CHAT, CHAT + 1):
        world.now = 1_000
        await world.posts(3, chat=chat)
        world.now = 2_000
        await world.advance(BOB, 2, 1, chat=chat)
    world.now = 3_000
    await world.post("answer", CAT, chat=CHAT + 1)
    query = (
        "SELECT chat_id, seq, recipient_id, status, status_timestamp FROM message_status s"
        " JOIN messages m ON m.id = s.message_id ORDER BY 1, 2, 3"
    )
    bob = [(BOB, "read", 2_000), (BOB, "delivered", 2_000), (BOB, "sent", 1_000)]
    cat = (CAT, "read", 3_000)
    wanted = [(CHAT, seq, *bob[seq - 1]) for seq in (1, 2, 3)]
    for seq in (1, 2, 3):
        wanted += [(CHAT + 1, seq, *b) for b in ((BOB, *bob[seq - 1][1:]), cat)]
    answered = [(CHAT + 1, 4, ANN, "sent", 3_000), (CHAT + 1, 4, BOB, "sent", 3_000)]
    if isinstance(world, PostgresWorld):
        async with world.database.snapshot() as db:
            found = [tuple(row) for row in await db.fetch(query)]
    else:
        assert isinstance(world, SqliteWorld)
        found = list(world.connection.execute(query))
    assert found == wanted + answered


async def test_who_came_later_has_not_read_what_was_said_before(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(2)
    await world.enrol(CAT)  # at 3
    (bob, cat) = await world.reader.cursors(ANN, [CHAT])
    assert (bob.delivered, bob.read) == (None, None)
    assert (cat.user_id, cat.delivered, cat.read) == (CAT, None, None)
    said = await world.post("three")
    await world.advance(CAT, said.seq, said.seq)
    (_, cat) = await world.reader.cursors(ANN, [CHAT])
    assert cat.read == Passed(ANN, said.id, said.seq)
    # Of two stays either counts.
    await world.leave(CAT)
    await world.post("four")
    await world.enrol(CAT)
    (_, cat) = await world.reader.cursors(ANN, [CHAT])
    assert cat.read == Passed(ANN, said.id, said.seq)
