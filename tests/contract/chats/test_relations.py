"""How users stand to each other: direct chats, blocks, what they show, when they were last seen."""

from typing import Any

import pytest

from hubbub.domain import policy
from hubbub.domain.change import (
    Amend,
    Amended,
    Create,
    Created,
    Denied,
    Edit,
    Erase,
    Missing,
    Pin,
    Placed,
    Seen,
)
from hubbub.domain.own import MyBlock, MySettings, SetBlock, SetMe, Told
from hubbub.domain.policy import may_write
from hubbub.domain.relation import PLAIN, Pair, Privacy, Relation, Stance, sees
from hubbub.ports import Lookup
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, DAN, EVE, World, direct

CLOSED = Privacy(inbox="contacts")


async def relation(world: World, user: int, other: int = 0, chat: int = 0) -> Relation | None:
    (found,) = await world.relations.relations([Pair(user, other, chat)])
    return found


async def block(world: World, user: int, other: int, blocked: bool = True) -> Any:
    return await world.one(SetBlock(user, other, blocked))


async def setting(world: World, user: int, **wanted: bool | str) -> Any:
    return await world.one(SetMe(user, wanted))


async def writes(world: World, user: int, other: int) -> bool:
    found = await relation(world, user, other)
    assert found is not None
    return may_write(found) is None


async def test_the_other_is_found_by_name_and_by_the_direct_chat(world: World) -> None:
    await world.direct(ANN, BOB)
    there = Relation(ANN, BOB, CHAT)
    assert await relation(world, ANN, BOB) == there
    assert await relation(world, ANN, chat=CHAT) == there
    assert await relation(world, BOB, chat=CHAT) == Relation(BOB, ANN, CHAT)
    await world.post("from Bob", BOB)
    assert await relation(world, ANN, BOB) == Relation(ANN, BOB, CHAT, wrote=True)
    assert await relation(world, BOB, ANN) == Relation(BOB, ANN, CHAT)
    stranger = await relation(world, ANN, CAT)
    assert stranger == Relation(ANN, CAT)
    assert sees(there)
    assert not sees(stranger)


async def test_where_there_is_nothing(world: World) -> None:
    await world.direct(ANN, BOB)
    await world.group(CAT, DAN, chat=CHAT + 1)
    assert await relation(world, ANN, 77) is None
    assert await relation(world, CAT, chat=CHAT) is None  # of others
    assert await relation(world, CAT, chat=CHAT + 1) is None  # no direct chat
    assert await relation(world, CAT, chat=77) is None
    assert await relation(world, ANN, ANN) == Relation(ANN, ANN)
    assert await world.relations.relations([]) == []


async def test_last_seen_moves_forward_only(world: World) -> None:
    assert await world.one(Seen(((BOB, 2_000), (CAT, 1_000), (77, 1)))) == Placed()
    await world.do(Seen(((BOB, 1_000), (CAT, 3_000))))
    world.reopen()
    pairs = [Pair(EVE, user) for user in (BOB, CAT, DAN)]
    found = await world.relations.relations(pairs)
    assert [r and r.last_seen_at for r in found] == [2_000, 3_000, 0]


async def test_a_block_is_between_two_and_told_in_the_own_log(world: World) -> None:
    await world.direct(ANN, BOB)
    stance = Stance(2, Privacy(), frozenset({BOB}))
    told = MyBlock(ANN, 2, BOB, True, CHAT)
    assert await block(world, ANN, BOB) == Told(told, stance)
    assert await block(world, ANN, BOB) == Told(None)
    assert (await block(world, ANN, CAT)).me == MyBlock(ANN, 3, CAT, True, 0)
    world.reopen()
    for user, other in ((ANN, BOB), (BOB, ANN), (ANN, CAT), (CAT, ANN)):
        assert not await writes(world, user, other)
    assert await writes(world, BOB, CAT)
    found = await relation(world, BOB, ANN)
    assert found is not None
    assert not sees(found)
    assert [u.id for u in await world.relations.blocked(ANN, 0, 5)] == [BOB, CAT]
    assert [u.id for u in await world.relations.blocked(ANN, BOB, 5)] == [CAT]
    assert [u.id for u in await world.relations.blocked(ANN, 0, 1)] == [BOB]
    assert (await world.relations.blocked(ANN, 0, 1))[0].password_hash == ""
    assert await world.relations.blocked(BOB, 0, 5) == []
    assert await world.relations.stance(ANN) == Stance(3, Privacy(), frozenset({BOB, CAT}))
    undone = Told(MyBlock(ANN, 4, BOB, False, CHAT), Stance(4, Privacy(), frozenset({CAT})))
    assert await block(world, ANN, BOB, False) == undone
    assert await block(world, ANN, BOB, False) == Told(None)
    assert await writes(world, BOB, ANN)
    events, head = await world.own_log.me(ANN, 1, 10)
    assert (events, head) == ([MyBlock(ANN, 3, CAT, True, 0), undone.me], 4)
    assert await world.own_log.me(ANN, 1, 1) == ([MyBlock(ANN, 3, CAT, True, 0)], 3)


async def test_nobody_blocks_himself_nor_nobody_nor_too_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "MOST_BLOCKED", 2)
    assert (await block(world, ANN, ANN)).kind == "invalid"
    assert await block(world, ANN, 77) == Missing()
    for other in (BOB, CAT):
        assert isinstance(await block(world, ANN, other), Told)
    assert (await block(world, ANN, DAN)).kind == "conflict"
    await block(world, ANN, BOB, False)
    assert isinstance(await block(world, ANN, DAN), Told)
    events, _ = await world.own_log.me(ANN, 0, 10)
    assert [event.rev for event in events] == [2, 3, 4]


async def test_switches_keep_what_is_not_named(world: World) -> None:
    assert await world.relations.stance(ANN) == PLAIN
    first = Told(MySettings(ANN, 1, CLOSED, "User 1"), Stance(1, CLOSED, frozenset()))
    assert await setting(world, ANN, inbox="contacts") == first
    assert await setting(world, ANN, inbox="contacts", last_seen=True) == Told(None)
    both = Privacy(read_receipts=False, inbox="contacts")
    assert (await setting(world, ANN, read_receipts=False)).me == MySettings(ANN, 2, both, "User 1")
    await block(world, ANN, BOB)
    world.reopen()
    assert await world.relations.stance(ANN) == Stance(3, both, frozenset({BOB}))
    assert (await world.places(ANN)).stance == Stance(3, both, frozenset({BOB}))
    assert (await world.places(BOB)).stance == PLAIN
    events, head = await world.own_log.me(ANN, 0, 10)
    assert (events, head) == (
        [MySettings(ANN, 2, both, "User 1"), MyBlock(ANN, 3, BOB, True, 0)],
        3,
    )
    assert not (await setting(world, ANN, read_receipts=True, inbox="everyone")).stance.blocked - {
        BOB
    }


async def test_a_name_is_told_and_shown_from_then_on(world: World) -> None:
    await world.group(ANN, BOB)
    await block(world, BOB, ANN)
    stance = Stance(3, CLOSED, frozenset())
    told = MySettings(ANN, 3, CLOSED, "Anna Livia")
    await setting(world, ANN, inbox="contacts")
    assert await world.one(SetMe(ANN, {}, "Anna Livia")) == Told(told, stance)
    assert await world.one(SetMe(ANN, {"last_seen": True}, "Anna Livia")) == Told(None)
    world.reopen()
    assert (await world.own_log.me(ANN, 1, 10))[0] == [told]
    assert [user.display_name for user in await world.relations.blocked(BOB, 0, 5)] == [
        "Anna Livia"
    ]
    members = await world.reader.members(BOB, CHAT, 0, 5)
    assert members is not None
    assert [each.user.display_name for each in members.members] == ["Anna Livia", "User 2"]
    both = await world.one(SetMe(ANN, {"inbox": "everyone"}, "Anna"))
    assert both.me == MySettings(ANN, 4, PLAIN.privacy, "Anna")


async def test_last_seen_is_shown_and_seen_by_both_or_neither(world: World) -> None:
    await world.direct(ANN, BOB)
    await setting(world, BOB, last_seen=False)
    for pair in ((ANN, BOB), (BOB, ANN)):
        found = await relation(world, *pair)
        assert found is not None
        assert not sees(found)
    await setting(world, BOB, last_seen=True)
    found = await relation(world, ANN, BOB)
    assert found is not None
    assert sees(found)


async def test_a_closed_inbox_is_open_to_those_written_to(world: World) -> None:
    await setting(world, BOB, inbox="contacts")
    assert not await writes(world, ANN, BOB)
    assert await writes(world, BOB, ANN)
    await world.direct(ANN, BOB)
    await world.post("from Ann", ANN)
    assert not await writes(world, ANN, BOB)
    await world.post("from Bob", BOB)
    assert await writes(world, ANN, BOB)
    await world.group(BOB, CAT, chat=CHAT + 1)
    await world.post("to a group", BOB, CHAT + 1)
    assert not await writes(world, CAT, BOB)


async def test_a_send_finds_who_may_not(world: World) -> None:
    await world.direct(ANN, BOB)
    sent = await world.one(world.text("hi", ANN, client_id=b"0" * 16))

    async def found(user: int) -> tuple[bool, bool, bool]:
        (each,) = await world.store.find([Lookup(user, CHAT, client_id=b"0" * 16)])
        assert each is not None
        return each.free, each.shut, each.known

    assert await found(ANN) == (True, False, False)
    await setting(world, BOB, inbox="contacts")
    assert await found(ANN) == (False, True, True)  # his own is known again
    assert await found(BOB) == (False, False, False)
    assert await found(CAT) == (False, False, False)
    await setting(world, BOB, inbox="everyone")
    await block(world, BOB, ANN)
    assert await found(ANN) == (False, True, True)
    assert await found(BOB) == (False, True, False)
    (by_key,) = await world.store.find([Lookup(ANN, 0, "d:1:2")])
    assert by_key is not None
    assert by_key.shut
    await world.group(ANN, BOB, chat=CHAT + 1)
    (group,) = await world.store.find([Lookup(ANN, CHAT + 1)])
    assert group is not None
    assert group.free
    assert sent.seq == 1


async def test_what_was_said_is_not_changed_to_say_more(world: World) -> None:
    await world.direct(ANN, BOB)
    posted = await world.post("hi")

    async def amend(do: Edit | Pin | Erase, by: int = ANN) -> Any:
        return await world.one(Amend(posted.id, by, do, world.now))

    edited = await amend(Edit("hello", None, 0))
    assert isinstance(edited, Amended)
    await block(world, BOB, ANN)
    for refused in (amend(Edit("take this", None, 0)), amend(Pin(True)), amend(Pin(True), BOB)):
        outcome = await refused
        assert isinstance(outcome, Denied)
        assert outcome.kind == "cannot_message"
    again = await amend(Edit("hello", None, 0))
    assert isinstance(again, Amended)
    assert not again.changed
    erased = await amend(Erase())
    assert isinstance(erased, Amended)
    assert erased.changed


async def test_who_is_answered_in_the_same_commit_may_change_what_he_said(world: World) -> None:
    await world.direct(ANN, BOB)
    posted = await world.post("hi")
    await setting(world, BOB, inbox="contacts")
    edit = Amend(posted.id, ANN, Edit("hello", None, 0), world.now)
    refused, _, allowed = await world.do(edit, world.text("yes?", BOB), edit)
    assert isinstance(refused, Denied)
    assert isinstance(allowed, Amended)


async def test_a_block_before_a_chat_of_the_same_commit_names_none(world: World) -> None:
    block_first, made = await world.do(
        SetBlock(ANN, BOB, True), Create(direct(BOB, ANN), world.now)
    )
    assert isinstance(block_first, Told)
    assert block_first.me == MyBlock(ANN, 1, BOB, True, 0)
    assert isinstance(made, Created)
    assert (await relation(world, ANN, BOB)) == Relation(ANN, BOB, CHAT, blocked=True)
