"""Reactions: each is stored, the message tells how many, and positions tell of them in time."""

from typing import Any

import pytest

from hubbub.domain.change import (
    Amend,
    Amended,
    Announce,
    Denied,
    Edit,
    Erase,
    Hide,
    Missing,
    Pin,
    React,
)
from hubbub.domain.message import Audience, Row
from hubbub.domain.own import SetBlock
from hubbub.domain.reaction import Tally, tallies
from hubbub.domain.view import ReactionList, Reactor
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, EVE, World

UP, HEART = "👍", "❤️"
CROWD = range(1_000, 1_300)
KEYS = [f"{digit}\ufe0f\u20e3" for digit in "0123456789#"]


async def react(world: World, message: int, emoji: str = UP, by: int = BOB, on: bool = True) -> Any:
    return await world.one(Amend(message, by, React(emoji, on), world.now))


async def reacted(
    world: World, message: int, emoji: str = UP, by: int = BOB, on: bool = True
) -> Amended:
    outcome = await react(world, message, emoji, by, on)
    assert isinstance(outcome, Amended)
    return outcome


async def announce(world: World, message: int) -> Amended:
    outcome = await world.one(Amend(message, 0, Announce(), world.now))
    assert isinstance(outcome, Amended)
    return outcome


async def row_of(world: World, message: int, reader: int = ANN) -> Row:
    view = await world.reader.message(reader, message)
    assert view is not None
    return view.row


async def who(world: World, message: int, reader: int = ANN) -> ReactionList:
    found = await world.messages.reactions(reader, message, 0, 50)
    assert found is not None
    return found


async def large(world: World) -> int:
    """A message of a large group, whose first reaction was told of at 5,000."""
    world.add_users(*CROWD)
    await world.group(ANN, BOB, CAT, *CROWD)
    sent = await world.post("one")
    world.now = 5_000
    assert (await reacted(world, sent.id)).row.rev == 2
    return sent.id


async def test_each_takes_a_position_and_is_stored(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    world.now = 2_000
    first = await reacted(world, sent.id)
    assert (first.changed, first.waits, first.row.rev, first.row.changed_at) == (
        True,
        False,
        2,
        2_000,
    )
    world.now = 3_000
    await reacted(world, sent.id, by=ANN)
    last = await reacted(world, sent.id, HEART, ANN)
    assert tallies(last.row.reactions) == {UP: Tally(2, (ANN, BOB)), HEART: Tally(1, (ANN,))}
    assert last.row == await row_of(world, sent.id, BOB)
    assert last.row.rev == 4
    page = [Reactor(ANN, [(HEART, 3_000), (UP, 3_000)]), Reactor(BOB, [(UP, 2_000)])]
    assert await who(world, sent.id) == ReactionList([HEART, UP], page, False)
    assert (await who(world, sent.id, BOB)).own == [UP]
    found = await world.log(BOB)
    assert found is not None
    assert found.rows == [last.row]


@pytest.mark.parametrize("reopened", [False, True])
async def test_what_is_so_already_takes_no_position(world: World, reopened: bool) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    off = await reacted(world, sent.id, on=False)
    assert (off.changed, off.row.rev) == (False, 1)
    on = await reacted(world, sent.id)
    if reopened:
        world.reopen()
    again = await reacted(world, sent.id)
    assert (again.changed, again.row) == (False, on.row)
    gone = await reacted(world, sent.id, on=False)
    assert (gone.changed, gone.row.rev, gone.row.reactions) == (True, 3, b"")
    assert await who(world, sent.id) == ReactionList([], [], False)


async def test_who_reacted_is_told_as_long_as_they_are_few(world: World) -> None:
    users = range(2_000, 2_012)
    world.add_users(*users)
    await world.group(ANN, *users)
    sent = await world.post("one")
    counts = [tallies((await reacted(world, sent.id, by=user)).row.reactions)[UP] for user in users]
    assert counts[9] == Tally(10, tuple(users[:10]))
    assert counts[10:] == [Tally(11, ()), Tally(12, ())]
    for user, tally in (
        (users[0], Tally(11, ())),
        (users[5], Tally(10, (*users[1:5], *users[6:]))),
    ):
        row = (await reacted(world, sent.id, by=user, on=False)).row
        assert tallies(row.reactions)[UP] == tally


async def test_who_has_reacted_by_pages(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    sent = await world.post("one")
    for user in (CAT, ANN, BOB):
        for emoji in KEYS[:3]:
            await reacted(world, sent.id, emoji, user)
    first = await world.messages.reactions(BOB, sent.id, 0, 2)
    assert first is not None
    assert ([r.user_id for r in first.page], first.has_more) == ([ANN, BOB], True)
    assert [emoji for emoji, _ in first.page[0].reactions] == KEYS[:3]
    rest = await world.messages.reactions(BOB, sent.id, BOB, 2)
    assert rest is not None
    assert ([r.user_id for r in rest.page], rest.has_more) == ([CAT], False)
    assert await world.messages.reactions(EVE, sent.id, 0, 2) is None
    assert await world.messages.reactions(BOB, 77, 0, 2) is None


async def test_there_are_bounds(world: World) -> None:
    users = range(2_000, 2_005)
    world.add_users(*users)
    await world.group(ANN, BOB, *users)
    sent = await world.post("one")
    signs = [chr(0x1F600 + n) for n in range(50)]
    for n, sign in enumerate(signs):
        await reacted(world, sent.id, sign, users[n // 10])
    head = (await row_of(world, sent.id)).rev
    assert head == 51
    own = await react(world, sent.id, signs[49], users[0])
    assert isinstance(own, Denied)
    assert own.kind == "conflict"
    other = await react(world, sent.id, HEART, BOB)
    assert isinstance(other, Denied)
    assert other.kind == "conflict"
    await reacted(world, sent.id, signs[0], BOB)
    await reacted(world, sent.id, signs[0], users[0], on=False)
    await reacted(world, sent.id, signs[49], users[0])
    assert (await row_of(world, sent.id)).rev == head + 3


async def test_whoever_sees_a_message_reacts_and_nobody_else(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    added = await world.enrol(CAT)
    assert isinstance(await react(world, sent.id, by=CAT), Missing)
    assert isinstance(await react(world, sent.id, by=EVE), Missing)
    assert isinstance(await react(world, 77), Missing)
    denied = await react(world, added.id)
    assert isinstance(denied, Denied)
    assert denied.kind == "invalid"
    assert (await reacted(world, sent.id)).audience == Audience(True, (CAT,))
    await world.one(Amend(sent.id, ANN, Hide(), world.now))
    assert isinstance(await react(world, sent.id, by=ANN), Missing)


async def test_blocks_are_for_direct_chats(world: World) -> None:
    await world.direct(ANN, BOB)
    await world.group(ANN, BOB, chat=CHAT + 1)
    direct, group = await world.post("one"), await world.post("one", ANN, CHAT + 1)
    await reacted(world, direct.id)
    await world.one(SetBlock(ANN, BOB, True))
    for by in (ANN, BOB):
        denied = await react(world, direct.id, HEART, by)
        assert isinstance(denied, Denied)
        assert denied.kind == "cannot_message"
        await reacted(world, group.id, HEART, by)


async def test_they_go_with_the_message_and_stay_with_who_goes(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    await reacted(world, sent.id)
    await world.leave(BOB)
    assert tallies((await row_of(world, sent.id)).reactions) == {UP: Tally(1, (BOB,))}
    await world.one(Amend(sent.id, ANN, Edit("two", None), world.now))
    assert [r.user_id for r in (await who(world, sent.id)).page] == [BOB]
    erased = await world.one(Amend(sent.id, ANN, Erase(), world.now))
    assert erased.row.reactions == b""
    assert (await who(world, sent.id)).page == []
    late = await react(world, sent.id, by=ANN)
    assert isinstance(late, Denied)
    assert late.kind == "conflict"


async def test_in_a_large_group_one_position_a_second_tells_of_all(world: World) -> None:
    message = await large(world)
    world.now = 5_400
    for emoji in (UP, HEART):
        late = await reacted(world, message, emoji, CAT)
        assert (late.changed, late.waits, late.row.rev) == (False, True, 2)
    assert (await who(world, message)).page[1:] == [Reactor(CAT, [(HEART, 5_400), (UP, 5_400)])]
    assert await world.store.waiting(9) == [(message, 6_000)]
    world.now = 5_999
    early = await announce(world, message)
    assert (early.changed, early.waits) == (False, True)
    world.now = 6_000
    told = await announce(world, message)
    assert (told.changed, told.waits, told.row.rev, told.row.changed_at) == (True, False, 3, 6_000)
    assert tallies(told.row.reactions) == {UP: Tally(2, (BOB, CAT)), HEART: Tally(1, (CAT,))}
    assert told.audience == Audience(False)
    assert await world.store.waiting(9) == []
    again = await announce(world, message)
    assert (again.changed, again.waits) == (False, False)
    assert (await row_of(world, message)).rev == 3


@pytest.mark.parametrize("do", [Edit("two", None), Pin(True), Erase(), React(HEART, True)])
async def test_whatever_takes_a_position_tells_of_those_that_wait(world: World, do: Any) -> None:
    message = await large(world)
    await reacted(world, message, by=CAT)
    world.now = 6_000 if isinstance(do, React) else 5_500
    changed = await world.one(Amend(message, ANN, do, world.now))
    assert (changed.changed, changed.row.rev) == (True, 3)
    assert await world.store.waiting(9) == []
    assert not (await announce(world, message)).changed


async def test_what_waits_is_found_again(world: World) -> None:
    message = await large(world)
    other = await world.post("two")
    world.now = 5_100
    await reacted(world, other.id)
    world.now = 5_200
    await reacted(world, other.id, by=CAT)
    await reacted(world, message, by=CAT)
    world.reopen()
    assert await world.store.waiting(9) == [(message, 6_000), (other.id, 6_100)]
    assert await world.store.waiting(1) == [(message, 6_000)]
    world.now = 7_000
    for each in (message, other.id):
        assert (await announce(world, each)).changed


async def test_what_is_not_there_any_more_is_not_told(world: World) -> None:
    await world.group(ANN, BOB)
    missing = await world.one(Amend(77, 0, Announce(), world.now))
    assert isinstance(missing, Missing)
    sent = await world.post("one")
    assert (await announce(world, sent.id)).changed is False


async def test_a_clock_that_was_put_back_holds_up_nothing(world: World) -> None:
    message = await large(world)
    world.now = 1_000
    assert (await reacted(world, message, by=CAT)).waits
    assert await world.store.waiting(9) == [(message, 2_000)]
    world.now = 1_999
    assert (await announce(world, message)).waits
    world.now = 2_000
    told = await announce(world, message)
    assert (told.changed, told.row.changed_at) == (True, 5_000)
    await reacted(world, message, by=ANN)
    world.now = 500  # put back again
    assert (await announce(world, message)).changed


async def test_a_group_that_is_small_again_waits_for_nothing(world: World) -> None:
    message = await large(world)
    await reacted(world, message, by=CAT)
    for user in CROWD[:60]:
        await world.leave(user)
    assert (await announce(world, message)).changed
    assert (await reacted(world, message, HEART, ANN)).changed


async def test_a_commit_that_is_repeated_changes_nothing(world: World) -> None:
    message = await large(world)
    changes = [Amend(message, CAT, React(UP, True), world.now)] * 2
    first, second = await world.do(*changes)
    assert isinstance(first, Amended)
    assert isinstance(second, Amended)
    assert (first.waits, second.waits) == (True, False)
    assert second.row == first.row
    assert await world.store.waiting(9) == [(message, 6_000)]
