"""Who keeps to himself what he has read, and is not told it of others either (8.1.4)."""

from hubbub.domain.change import Advance, Create, NewChat
from hubbub.domain.own import SetMe
from hubbub.domain.receipt import Cursor, Passed
from hubbub.domain.view import RecipientView
from hubbub.ports import ReceiptCount
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, World


async def silence(world: World, user: int, silent: bool = True) -> None:
    await world.do(SetMe(user, {"read_receipts": not silent}))


async def told(world: World, asking: int, message: int) -> list[RecipientView]:
    """The receipts of a message, which are counted as they are listed."""
    found = await world.reader.receipts(asking, message, 0, 10)
    assert found is not None
    assert found.delivered == sum(view.delivered_at is not None for view in found.page)
    assert found.read == sum(view.read_at is not None for view in found.page)
    return found.page


async def others(world: World, user: int) -> Cursor:
    """What the status of the user's messages follows from, the same wherever it is told."""
    page = await world.reader.history(user, CHAT, "before", 0, 10)
    chat = await world.reader.chat(user, CHAT)
    (listed,) = (await world.reader.chats(user, None, 10)).chats
    assert page is not None
    assert chat is not None
    assert page.others == chat.others == listed.others
    return page.others


async def shown(world: World, asking: int) -> dict[int, tuple[int, int]]:
    """How far each member has read, and the message there."""
    found = await world.reader.members(asking, CHAT, 0, 10)
    assert found is not None
    return {view.user.id: (view.member.read, view.last_read_id) for view in found.members}


async def test_what_a_silent_one_reads_is_told_as_delivered(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    first = await world.post("1")
    for user in (BOB, CAT):
        await world.advance(user, 1, 1)
    await silence(world, BOB)
    world.reopen()
    read = RecipientView(CAT, 1_000, 1_000)
    assert await told(world, ANN, first.id) == [RecipientView(BOB, 1_000, None), read]
    assert await told(world, CAT, first.id) == [RecipientView(BOB, 1_000, None), read]
    assert await told(world, BOB, first.id) == [
        RecipientView(user, 1_000, None) for user in (BOB, CAT)
    ]
    assert await others(world, ANN) == Cursor(1, 0)
    assert await shown(world, ANN) == {ANN: (1, first.id), BOB: (0, 0), CAT: (1, first.id)}
    bob, cat = await world.reader.cursors(ANN, [CHAT])
    passed = Passed(ANN, first.id, 1)
    assert (bob.cursor, bob.delivered, bob.read, bob.read_at) == (Cursor(1, 0), passed, None, 0)
    assert (cat.cursor, cat.read) == (Cursor(1, 1), passed)
    await silence(world, BOB, False)
    assert await told(world, ANN, first.id) == [RecipientView(BOB, 1_000, 1_000), read]
    assert await others(world, ANN) == Cursor(1, 1)


async def test_a_silent_one_is_told_of_no_reads_but_his_own(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    first = await world.post("1", BOB)
    for user in (ANN, CAT):
        await world.advance(user, 1, 1)
    await silence(world, BOB)
    delivered = [RecipientView(user, 1_000, None) for user in (ANN, CAT)]
    assert await told(world, BOB, first.id) == delivered
    assert await others(world, BOB) == Cursor(1, 0)
    assert await shown(world, BOB) == {ANN: (0, 0), BOB: (1, first.id), CAT: (0, 0)}
    states = await world.reader.cursors(BOB, [CHAT])
    assert [(state.cursor, state.read) for state in states] == [(Cursor(1, 0), None)] * 2
    view = await world.reader.message(BOB, first.id)
    assert view is not None
    assert (view.others, view.own) == (Cursor(1, 0), Cursor(1, 1))
    page = await world.referring.thread(BOB, first.id, False, 0, 5)
    assert page is not None
    assert page.others == Cursor(1, 0)


async def test_who_moves_says_whether_it_is_told(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(5)
    assert not (await world.advance(BOB, 1, 1)).silent
    await silence(world, BOB)
    moved = await world.advance(BOB, 2, 2)
    assert moved.silent
    assert moved.me is not None  # his own sessions hear of it
    assert moved.me.unread == 3
    assert not (await world.advance(BOB, 4)).silent  # he read nothing
    answer = await world.post("I have read all that", BOB)
    assert (answer.read_before, answer.silent) == (2, True)
    assert not (await world.post("and now there was nothing", BOB)).silent
    await silence(world, BOB, False)
    await world.post("6")
    assert not (await world.post("aloud", BOB)).silent


async def test_a_switch_holds_for_what_follows_in_the_same_commit(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(3)
    moves = [Advance(CHAT, BOB, 0, 0, position, 2_000) for position in (1, 2, 3)]
    off, on = (SetMe(BOB, {"read_receipts": told}) for told in (False, True))
    first, _, second, _, third = await world.do(moves[0], off, moves[1], on, moves[2])
    assert [moved.silent for moved in (first, second, third)] == [False, True, False]  # type: ignore[union-attr]


async def test_silent_reads_do_not_count_in_large_chats(world: World) -> None:
    many = tuple(range(100, 400))
    world.add_users(*many)
    await world.do(Create(NewChat(CHAT, "group", None, None, "joined", ANN, (ANN, *many)), 1))
    first = await world.post("1")
    await world.do(*(Advance(CHAT, u, 0, 1, 1, 2_000) for u in many[:5]))
    await silence(world, many[1])
    await silence(world, many[299])
    assert await world.store.counts([CHAT]) == [ReceiptCount(CHAT, 1, 5, 4, ANN)]
    found = await world.reader.receipts(ANN, first.id, many[0], 2)
    assert found is not None
    assert (found.recipients, found.delivered, found.read) == (300, 5, 4)
    read = RecipientView(many[2], 2_000, 2_000)
    assert found.page == [RecipientView(many[1], 2_000, None), read]
