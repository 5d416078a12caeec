"""A group's settings: what they open (G6), who may send, and the message that tells of them."""

import msgspec

from hubbub.domain.change import Denied, Logged, Missing, Outcome, SetChat
from hubbub.domain.settings import Settings
from hubbub.ports import Lookup
from hubbub_protocol import ids
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, World


async def put(world: World, by: int = ANN, **settings: str | int | None) -> Outcome:
    outcome: Outcome = await world.one(change(world, by, **settings))
    return outcome


def change(world: World, by: int = ANN, **settings: str | int | None) -> SetChat:
    wanted: Settings = settings
    return SetChat(world.next_id(), CHAT, by, wanted, world.now)


async def test_a_change_is_a_message_and_every_view_has_it(world: World) -> None:
    await world.group(ANN, BOB)
    picture = '{"type":"image","url":"https://example.com/a.png"}'
    logged = await put(world, title="Another", description="About", picture=picture, slow_seconds=0)
    assert isinstance(logged, Logged)
    assert (logged.head.seq, logged.head.number, logged.size, logged.events) == (1, 0, 2, [])
    assert msgspec.json.decode(logged.system) == {
        "kind": "chat_changed",
        "by": ids.text("user", ANN),
        "title": "Another",
        "description": "About",
        "picture": {"type": "image", "url": "https://example.com/a.png"},
    }
    view = await world.reader.chat(BOB, CHAT)
    assert view is not None
    assert (view.chat.title, view.chat.description, view.chat.picture) == (
        "Another",
        "About",
        picture,
    )
    (listed,) = (await world.reader.chats(BOB, None, 10)).chats
    (found,) = await world.store.find([Lookup(BOB, CHAT)])
    assert found is not None
    assert listed.chat == view.chat == found.chat
    gone = await put(world, title=None, picture="")
    assert isinstance(gone, Logged)
    said = msgspec.json.decode(gone.system)
    assert (said["title"], said["picture"], "description" in said) == (None, None, False)


async def test_what_is_there_already_takes_no_position(world: World) -> None:
    await world.group(ANN, BOB)
    same = await put(world, title="Group", posting="all", history="joined")
    assert isinstance(same, Logged)
    assert (same.head.seq, same.system) == (0, b"")
    assert isinstance(await world.one(SetChat(1, CHAT + 1, ANN, {"title": "x"}, 1)), Missing)


async def test_a_repeated_change_does_not_undo_a_later_one(world: World) -> None:
    await world.group(ANN, BOB)
    first = change(world, title="First")
    await world.one(first)
    await put(world, title="Second")
    again = await world.one(first)
    assert (again.head.seq, again.system) == (2, b"")
    view = await world.reader.chat(BOB, CHAT)
    assert view is not None
    assert view.chat.title == "Second"


async def test_a_public_group_has_a_title_whoever_is_first(world: World) -> None:
    await world.group(ANN, BOB)
    outcomes = await world.do(change(world, visibility="public"), change(world, title=None))
    assert [type(o) for o in outcomes] == [Logged, Denied]
    outcomes = await world.do(
        change(world, visibility="private"),
        change(world, title=None),
        change(world, visibility="public"),
    )
    assert [type(o) for o in outcomes] == [Logged, Logged, Denied]


async def test_history_opens_and_closes_the_past_to_present_members(world: World) -> None:
    await world.group(ANN, BOB)
    before = await world.post("before")
    await world.enrol(CAT)
    assert await world.seen(CAT) == [2]
    await put(world, history="all")
    assert await world.seen(CAT) == [1, 2, 3]
    assert await world.reader.message(CAT, before.id) is not None
    await world.leave(CAT)
    assert await world.seen(CAT) is None
    assert await world.reader.message(CAT, before.id) is None
    await world.enrol(CAT)
    await put(world, history="joined")
    assert await world.seen(CAT) == [2, 3, 5, 6]
    assert await world.reader.message(CAT, before.id) is None
    page = await world.reader.history(CAT, CHAT, "before", 0, 10)
    assert page is not None
    assert [row.seq for row in page.rows] == [6, 5, 3, 2]


async def test_when_somebody_sent_last(world: World) -> None:
    await world.group(ANN, BOB)

    async def sent(client_id: bytes | None = None) -> tuple[int, bool]:
        (found,) = await world.store.find([Lookup(BOB, CHAT, client_id=client_id)])
        assert found is not None
        return found.sent_at, found.known

    assert await sent(b"a") == (0, False)
    world.now = 2_000
    await world.one(world.text("1", BOB, client_id=b"a"))
    world.now = 3_000
    await world.post("of another")
    assert await sent(b"a") == (2_000, False)  # nobody asks where all may send at any time
    await put(world, slow_seconds=10)
    assert await sent(b"a") == (2_000, True)
    assert await sent(b"b") == (2_000, False)
    assert await sent() == (2_000, False)
    await world.leave(BOB)
    assert await sent() == (0, False)
    await world.enrol(BOB)
    assert await sent() == (2_000, False)
