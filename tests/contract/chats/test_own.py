"""The user's own log: what it alone tells, and how its kinds are read together."""

from hubbub.domain.change import Missing
from hubbub.domain.own import Mute, MyChat, Told
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, World, memberships


async def test_a_muted_chat_is_told_to_its_member_alone(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(2)
    told = MyChat(BOB, 2, CHAT, True, "member", 1, 0, 2, 9_000)
    assert await world.one(Mute(CHAT, BOB, 9_000)) == Told(told)
    assert await world.one(Mute(CHAT, BOB, 9_000)) == Told(None)
    assert await world.own_log.me(BOB, 1, 10) == ([told], 2)
    assert await world.own_log.me(ANN, 1, 10) == ([], 1)
    view = await world.reader.chat(BOB, CHAT)
    assert view is not None
    assert view.member.muted_until == 9_000


async def test_a_muted_chat_stays_muted_whatever_else_is_told_of_it(world: World) -> None:
    await world.group(ANN, BOB)
    await world.posts(2)
    await world.one(Mute(CHAT, BOB, 9_000))
    read = await world.advance(BOB, 1, 1)
    assert read.me is not None
    assert read.me.muted_until == 9_000
    assert [e.muted_until for e in (await world.role(BOB, "admin")).events] == [9_000]


async def test_muting_ends_with_the_stay(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    await world.one(Mute(CHAT, BOB, 9_000))
    assert [e.muted_until for e in (await world.leave(BOB)).events] == [0]
    assert await world.one(Mute(CHAT, BOB, 9_000)) == Missing()
    assert [e.muted_until for e in (await world.enrol(BOB)).events] == [0]
    assert [e.muted_until for e in memberships((await world.own_log.me(BOB, 0, 10))[0])] == [0]


async def test_who_is_no_member_mutes_nothing(world: World) -> None:
    await world.group(ANN, BOB)
    assert await world.one(Mute(CHAT, CAT, 9_000)) == Missing()
    assert await world.one(Mute(77, CAT, 9_000)) == Missing()
