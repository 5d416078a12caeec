"""Stays, what they open (G6), and what the users' own logs say of them."""

import msgspec
import pytest

from hubbub.domain import chat as chats
from hubbub.domain.change import (
    Change,
    Create,
    Denied,
    Enrol,
    Fill,
    Filled,
    Leave,
    Logged,
    Missing,
    NewChat,
    SetRole,
)
from hubbub.domain.own import MyChat
from hubbub.ports import Lookup
from hubbub_protocol import ids
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, DAN, EVE, World, memberships


async def history(world: World, user: int, chat: int = CHAT) -> list[int] | None:
    page = await world.reader.history(user, chat, "before", 0, 200)
    return None if page is None else [row.seq for row in page.rows][::-1]


async def me(world: World, user: int, after: int = 0) -> list[MyChat]:
    states, _ = await world.own_log.me(user, after, 1000)
    return memberships(states)


async def test_a_group_is_there_for_all_its_members(world: World) -> None:
    new = NewChat(CHAT, "group", None, "Title", "joined", ANN, (ANN, BOB))
    made = (await world.one(Create(new, 2_000))).made
    assert (made.chat_id, made.type, made.size, made.members) == (CHAT, "group", 2, (ANN, BOB))
    assert [(e.user_id, e.rev, e.present, e.role, e.since) for e in made.events] == [
        (ANN, 1, True, "owner", 1),
        (BOB, 1, True, "member", 1),
    ]
    view = await world.reader.chat(BOB, CHAT)
    assert view is not None
    assert (view.chat.title, view.chat.size, view.chat.created_at) == ("Title", 2, 2_000)
    assert (view.head.seq, view.head.number, view.head.at) == (0, 0, 2_000)
    assert (view.peer, view.last) == (None, None)
    assert await world.seen(BOB) == []
    assert await me(world, BOB) == [MyChat(BOB, 1, CHAT, True, "member", 1, 0, 0)]


async def test_who_is_not_a_member_finds_nothing(world: World) -> None:
    await world.group(ANN, BOB)
    posted = await world.post("secret")
    assert await world.reader.chat(EVE, CHAT) is None
    assert await world.reader.members(EVE, CHAT, 0, 10) is None
    assert await world.reader.message(EVE, posted.id) is None
    assert await world.reader.receipts(EVE, posted.id, 0, 10) is None
    assert await world.reader.cursors(EVE, [CHAT]) == []
    assert (await world.reader.chats(EVE, None, 10)).chats == []
    assert await history(world, EVE) is None
    assert await world.log(EVE) is None
    assert (await world.places(EVE)).changed == []
    assert (await world.places(EVE, positions={CHAT: 0})).changed == []
    assert await me(world, EVE) == []


async def test_a_later_joiner_sees_from_his_first_position(world: World) -> None:
    await world.group(ANN, BOB)
    first, second = await world.posts(2)
    logged = await world.enrol(CAT)
    third = await world.post("three")
    assert (logged.head.seq, logged.size) == (3, 3)
    (event,) = logged.events
    assert (event.user_id, event.rev, event.since, event.read, event.unread) == (CAT, 1, 3, 2, 0)
    assert await world.seen(CAT) == [3, 4]
    assert await history(world, CAT) == [3, 4]
    for hidden in (first, second):
        assert await world.reader.message(CAT, hidden.id) is None
        assert await world.reader.receipts(CAT, hidden.id, 0, 10) is None
        assert await world.reader.history(CAT, CHAT, "around", hidden.id, 10) is None
    assert await world.reader.message(CAT, third.id) is not None
    view = await world.reader.chat(CAT, CHAT)
    assert view is not None
    assert (view.member.since, view.member.delivered, view.member.read) == (3, 2, 2)
    assert view.head.number - view.member.read_number == 1


async def test_whole_history_is_open_where_the_chat_says_so(world: World) -> None:
    await world.group(ANN, BOB, history="all")
    first, _ = await world.posts(2)
    await world.enrol(CAT)
    assert await world.seen(CAT) == [1, 2, 3]
    assert await history(world, CAT) == [1, 2, 3]
    assert await world.reader.message(CAT, first.id) is not None
    view = await world.reader.chat(CAT, CHAT)
    assert view is not None
    assert view.head.number - view.member.read_number == 0


async def test_who_left_finds_nothing_not_even_his_own_past(world: World) -> None:
    for chat, kind in ((CHAT, "joined"), (CHAT + 1, "all")):
        await world.group(ANN, BOB, chat=chat, history=kind)  # type: ignore[arg-type]
        posted = await world.post("before", BOB, chat)
        logged = await world.leave(BOB, chat=chat)
        assert (logged.head.seq, logged.size) == (2, 1)
        assert [(e.user_id, e.present) for e in logged.events] == [(BOB, False)]
        assert await world.seen(BOB, chat) is None
        assert await history(world, BOB, chat) is None
        assert await world.reader.chat(BOB, chat) is None
        assert await world.reader.message(BOB, posted.id) is None
        assert (await world.places(BOB)).changed == []
    states = await me(world, BOB)
    assert [(s.chat_id, s.present, s.unread) for s in states] == [
        (CHAT, False, 0),
        (CHAT + 1, False, 0),
    ]


async def test_who_comes_back_sees_both_stays_and_nothing_between(world: World) -> None:
    await world.group(ANN, BOB)
    await world.post("1")
    await world.leave(BOB)  # 2
    hidden = await world.post("3")
    await world.enrol(BOB)  # 4
    await world.post("5")
    assert await world.seen(BOB) == [1, 4, 5]
    assert await history(world, BOB) == [1, 4, 5]
    assert await world.reader.message(BOB, hidden.id) is None
    await world.leave(BOB)  # 6
    await world.post("7")
    await world.enrol(BOB)  # 8
    assert await world.seen(BOB) == [1, 4, 5, 8]
    (state,) = await me(world, BOB)
    assert (state.rev, state.present, state.since, state.read) == (5, True, 8, 7)


async def test_replies_reach_only_what_the_sender_may_see(world: World) -> None:
    await world.group(ANN, BOB)
    await world.group(ANN, CAT, chat=CHAT + 1)
    hidden = await world.post("1")
    await world.enrol(CAT)
    open_ = await world.post("3")
    elsewhere = await world.post("1", chat=CHAT + 1)
    found = await world.store.find(
        [Lookup(CAT, CHAT, None, m) for m in (hidden.id, open_.id, elsewhere.id, 99)]
    )
    assert [f.thread_id if f is not None else None for f in found] == [0, open_.id, 0, 0]


async def test_find_answers_by_id_and_by_key(world: World) -> None:
    await world.group(ANN, BOB, key="g:1:2")
    await world.post("1")
    by_id, by_key, none, stranger = await world.store.find(
        [
            Lookup(BOB, CHAT),
            Lookup(ANN, 0, "g:1:2"),
            Lookup(ANN, 0, "g:1:3"),
            Lookup(EVE, CHAT),
        ]
    )
    assert by_id is not None
    assert (by_id.chat.id, by_id.head.seq, by_id.role) == (CHAT, 1, "member")
    assert sorted(by_id.members) == [ANN, BOB]
    assert by_key is not None
    assert (by_key.chat.id, by_key.role) == (CHAT, "owner")
    assert none is None
    assert stranger is not None
    assert stranger.role is None


async def test_adding_takes_only_those_who_are_not_there(world: World) -> None:
    await world.group(ANN, BOB)
    logged = await world.enrol(BOB, CAT, DAN, CAT)
    assert (logged.head.seq, logged.size) == (1, 4)
    assert msgspec.json.decode(logged.system) == {
        "kind": "members_added",
        "by": ids.text("user", ANN),
        "user_ids": [ids.text("user", CAT), ids.text("user", DAN)],
        "count": 2,
    }
    nobody = await world.enrol(ANN, CAT)
    assert (nobody.head.seq, nobody.size, nobody.system, nobody.events) == (1, 4, b"", [])
    assert await world.seen(ANN) == [1]


async def test_system_messages_say_what_happened(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    await world.role(BOB, "admin")
    await world.leave(CAT, by=BOB)
    await world.leave(BOB)
    found = await world.log(ANN)
    assert found is not None
    assert [(r.type, r.sender_id, r.content, r.number) for r in found.rows] == [
        ("system", ANN, "", 0),
        ("system", BOB, "", 0),
        ("system", BOB, "", 0),
    ]
    ann, bob, cat = (ids.text("user", u) for u in (ANN, BOB, CAT))
    assert [msgspec.json.decode(r.system) for r in found.rows] == [
        {"kind": "role_changed", "by": ann, "user_id": bob, "role": "admin"},
        {"kind": "member_removed", "by": bob, "user_id": cat},
        {"kind": "member_left", "user_id": bob},
    ]


async def test_roles(world: World) -> None:
    await world.group(ANN, BOB)
    await world.post("1")
    logged = await world.role(BOB, "owner")
    (event,) = logged.events
    assert (event.user_id, event.rev, event.role, event.unread) == (BOB, 2, "owner", 1)
    same = await world.role(BOB, "owner")
    assert (same.head.seq, same.system, same.events) == (2, b"", [])
    left = await world.leave(ANN)
    assert [e.user_id for e in left.events] == [ANN]
    view = await world.reader.chat(BOB, CHAT)
    assert view is not None
    assert view.member.role == "owner"


async def test_two_owners_who_give_up_at_once_leave_one(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    await world.role(BOB, "owner")
    outcomes = await world.do(
        SetRole(world.next_id(), CHAT, ANN, BOB, "member", 1),
        SetRole(world.next_id(), CHAT, BOB, ANN, "admin", 1),
    )
    assert [type(o) for o in outcomes] == [Logged, Denied]
    assert await roles(world) == {ANN: "owner", BOB: "member", CAT: "member"}


@pytest.mark.parametrize("by", [(ANN, BOB), (BOB, ANN)])
async def test_a_group_has_an_owner_whoever_goes_at_once(world: World, by: tuple[int, int]) -> None:
    """Both leave, or each removes the other: the admin follows, then who came first."""
    await world.group(ANN, BOB, EVE, CAT)
    await world.role(BOB, "owner")
    await world.enrol(DAN)
    await world.role(DAN, "admin")
    await world.post("unread", EVE)
    first, second = await world.do(
        Leave(world.next_id(), CHAT, by[0], ANN, 1), Leave(world.next_id(), CHAT, by[1], BOB, 1)
    )
    assert isinstance(first, Logged)
    assert isinstance(second, Logged)
    assert [e.user_id for e in first.events] == [ANN]
    assert [(e.user_id, e.present, e.role, e.unread) for e in second.events] == [
        (BOB, False, "owner", 0),
        (DAN, True, "owner", 1),
    ]
    assert msgspec.json.decode(second.system)["owner"] == ids.text("user", DAN)
    assert await roles(world) == {DAN: "owner", CAT: "member", EVE: "member"}
    assert (await me(world, DAN))[-1].role == "owner"
    await world.leave(DAN)
    assert await roles(world) == {CAT: "owner", EVE: "member"}
    await world.leave(EVE)
    logged = await world.leave(CAT)
    assert "owner" not in msgspec.json.decode(logged.system)


async def roles(world: World) -> dict[int, str]:
    page = None
    for user in (ANN, BOB, CAT, DAN, EVE):
        page = page or await world.reader.members(user, CHAT, 0, 10)
    assert page is not None
    return {v.user.id: v.member.role for v in page.members}


async def test_who_is_not_there_cannot_leave_or_change(world: World) -> None:
    await world.group(ANN, BOB)
    outcomes = await world.do(
        Leave(world.next_id(), CHAT, ANN, CAT, 1),
        SetRole(world.next_id(), CHAT, ANN, CAT, "admin", 1),
        Leave(world.next_id(), CHAT + 1, ANN, ANN, 1),
        Enrol(world.next_id(), CHAT + 1, ANN, (CAT,), 1),
        SetRole(world.next_id(), CHAT + 1, ANN, ANN, "admin", 1),
        Fill(CHAT + 1, (CAT,), 1),
    )
    assert [type(o) for o in outcomes] == [Missing] * 6
    assert await world.seen(ANN) == []


async def test_a_group_of_many_is_filled_in_slices(world: World) -> None:
    many = range(100, 2_600)
    world.add_users(*many)
    await world.group(ANN, *many[:999])
    for start in (999, 1_999):
        filled = await world.one(Fill(CHAT, (ANN, *many[start : start + 1000]), 3_000))
        assert isinstance(filled, Filled)
        assert filled.size == 1 + min(start + 1000, len(many))
        assert {(e.since, e.unread, e.role) for e in filled.events} == {(1, 0, "member")}
        assert len(filled.events) == min(1000, len(many) - start)
    last = many[-1]
    view = await world.reader.chat(last, CHAT)
    assert view is not None
    assert (view.chat.size, view.member.since, view.head.seq) == (2_501, 1, 0)
    assert [s.chat_id for s in await me(world, last)] == [CHAT]
    await world.post("to all")
    assert await world.seen(last) == [1]
    (found,) = await world.store.find([Lookup(last, CHAT)])
    assert found is not None
    assert (found.chat.size, found.members) == (2_501, ())


async def test_members_come_by_pages(world: World) -> None:
    await world.group(CAT, ANN, BOB, DAN)
    posted = await world.post("1", CAT)
    await world.leave(DAN)
    await world.advance(ANN, 1, 1)
    page = await world.reader.members(ANN, CHAT, 0, 2)
    assert page is not None
    assert page.has_more
    assert [(v.user.id, v.member.role, v.last_read_id) for v in page.members] == [
        (ANN, "member", posted.id),
        (BOB, "member", 0),
    ]
    assert page.members[0].user.password_hash == ""
    page = await world.reader.members(ANN, CHAT, BOB, 2)
    assert page is not None
    assert not page.has_more
    assert [(v.user.id, v.member.role) for v in page.members] == [(CAT, "owner")]


async def test_a_read_message_that_one_may_not_see_has_no_id(world: World) -> None:
    await world.group(ANN, BOB)
    await world.post("1")
    await world.enrol(CAT)
    page = await world.reader.members(CAT, CHAT, 0, 10)
    assert page is not None
    assert [(v.user.id, v.last_read_id) for v in page.members] == [(ANN, 0), (BOB, 0), (CAT, 0)]


@pytest.mark.parametrize("rejoined", [False, True])
async def test_a_batch_that_is_repeated_changes_nothing(world: World, rejoined: bool) -> None:
    await world.group(ANN, BOB, CAT)
    await world.group(CAT, ANN, chat=CHAT + 1)
    batch: list[Change] = [
        world.text("without client id"),
        Enrol(world.next_id(), CHAT, ANN, (DAN,), 2_000),
        Leave(world.next_id(), CHAT, BOB, BOB, 2_000),
        SetRole(world.next_id(), CHAT, ANN, CAT, "admin", 2_000),
        Create(NewChat(CHAT + 2, "group", None, None, "joined", ANN, (ANN, BOB)), 2_000),
        Fill(CHAT + 2, (CAT, DAN), 2_000),
        world.text("in the new one", chat=CHAT + 2),
    ]
    if rejoined:
        batch.append(Enrol(world.next_id(), CHAT, ANN, (BOB,), 2_000))
    first = await world.do(*batch)
    before = [await picture(world, user) for user in (ANN, BOB, CAT, DAN)]
    world.reopen()
    again = await world.do(*batch)
    assert [await picture(world, user) for user in (ANN, BOB, CAT, DAN)] == before
    assert [type(o) for o in again] == [type(o) for o in first]
    assert [o.events for o in again if isinstance(o, Logged | Filled)] == [[]] * (4 + rejoined)


async def picture(world: World, user: int) -> list[object]:
    """All that a user sees."""
    parts: list[object] = [await me(world, user), await world.places(user)]
    parts.append(await world.reader.chats(user, None, 100))
    for chat in range(CHAT, CHAT + 3):
        parts.append(await world.log(user, chat))
        parts.append(await world.reader.members(user, chat, 0, 100))
    return parts


async def test_who_makes_a_group_large_names_all_its_seats(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats, "LARGE", 2)
    await world.group(ANN, BOB)
    await world.post("for two")
    left = await world.leave(BOB)
    back = await world.enrol(BOB)
    assert (left.seats, back.seats) == ((), ())
    grown = await world.enrol(CAT, DAN)
    assert sorted(grown.seats) == [(ANN, 1), (BOB, 3), (CAT, 4), (DAN, 4)]
    promoted, more = await world.role(CAT, "admin"), await world.enrol(EVE)
    assert (promoted.seats, more.seats) == ((), ())


async def test_a_slice_that_makes_a_group_large_names_all_its_seats(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats, "LARGE", 2)
    await world.group(ANN)
    await world.enrol(BOB)
    first, second = await world.do(Fill(CHAT, (CAT,), world.now), Fill(CHAT, (CAT, DAN), world.now))
    assert isinstance(first, Filled)
    assert isinstance(second, Filled)
    assert (sorted(first.seats), first.seq) == ([(ANN, 1), (BOB, 1), (CAT, 1)], 1)
    assert second.seats == ()
