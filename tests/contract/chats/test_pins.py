"""Pinned messages, and what messages said before they were edited."""

from typing import Any

from hubbub.domain.amend import PINS, VERSIONS
from hubbub.domain.change import Amend, Denied, Edit, Pin
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, DAN, World

KEY = b"k" * 16


async def pin(world: World, message: int, by: int = ANN, pinned: bool = True) -> Any:
    return await world.one(Amend(message, by, Pin(pinned), world.now))


async def pins(world: World, user: int, chat: int = CHAT) -> list[str] | None:
    found = await world.messages.pins(user, chat)
    return None if found is None else [row.content for row in found.rows]


async def test_those_pinned_last_come_first(world: World) -> None:
    await world.group(ANN, BOB)
    one, two, three = await world.posts(3)
    for sent in (two, one, three):
        assert (await pin(world, sent.id)).changed
    assert await pins(world, BOB) == ["3", "1", "2"]
    assert not (await pin(world, two.id)).changed
    assert (await pin(world, one.id, pinned=False)).row.rev == 7
    assert not (await pin(world, one.id, pinned=False)).changed
    await world.one(Amend(two.id, ANN, Edit("2, edited", None), world.now))
    assert await pins(world, BOB) == ["3", "2, edited"]
    world.reopen()
    assert await pins(world, BOB) == ["3", "2, edited"]
    assert await pins(world, CAT) is None


async def test_both_in_a_direct_chat_owners_and_admins_in_a_group(world: World) -> None:
    await world.direct(ANN, BOB, CHAT + 1)
    said = await world.post("x", ANN, CHAT + 1)
    assert (await pin(world, said.id, BOB)).changed
    await world.group(ANN, BOB, CAT)
    await world.role(CAT, "admin")
    sent = await world.post("x", BOB)
    assert isinstance(await pin(world, sent.id, BOB), Denied)
    assert (await pin(world, sent.id, CAT)).changed
    assert isinstance(await pin(world, sent.id, BOB, False), Denied)


async def test_a_chat_has_so_many_pins(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.posts(PINS + 1)
    await world.do(*(Amend(each.id, ANN, Pin(True), world.now) for each in sent[:-1]))
    denied = await pin(world, sent[-1].id)
    assert isinstance(denied, Denied)
    assert denied.kind == "conflict"
    await pin(world, sent[0].id, pinned=False)
    assert (await pin(world, sent[-1].id)).changed
    found = await pins(world, BOB)
    assert found is not None
    assert (len(found), found[0]) == (PINS, f"{PINS + 1}")


async def test_pins_of_what_one_does_not_see_are_not_there(world: World) -> None:
    await world.group(ANN, BOB)
    early = await world.post("early")
    await world.enrol(CAT)
    late = await world.post("late")
    await pin(world, early.id)
    await pin(world, late.id)
    assert await pins(world, CAT) == ["late"]
    assert await pins(world, BOB) == ["late", "early"]


async def test_what_it_said_before(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.one(world.text("one", at=1_000))
    await world.one(Amend(sent.id, ANN, Edit("two", None), 2_000))
    await pin(world, sent.id)
    await world.one(Amend(sent.id, ANN, Edit("three", b"[]"), 3_000))
    found = await world.messages.versions(BOB, sent.id)
    assert found is not None
    assert (found.row.content, found.role, found.chat.id) == ("three", "member", CHAT)
    versions = [(v.rev, v.at, v.content, v.media) for v in found.earlier]
    assert versions == [(2, 2_000, "two", b""), (1, 1_000, "one", b"")]
    assert await world.messages.versions(DAN, sent.id) is None
    assert await world.messages.versions(ANN, 77) is None


async def test_versions_of_times_when_one_was_away_are_not_there(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    await world.leave(BOB)
    await world.one(Amend(sent.id, ANN, Edit("two", None), world.now))
    await world.enrol(BOB)
    await world.one(Amend(sent.id, ANN, Edit("three", None), world.now))
    await world.one(Amend(sent.id, ANN, Edit("four", None), world.now))
    found = await world.messages.versions(BOB, sent.id)
    assert found is not None
    assert [v.content for v in found.earlier] == ["three", "one"]


async def test_the_first_and_the_newest_versions_are_kept(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.one(world.text("0", client_id=KEY))
    last = VERSIONS + 9
    await world.do(*(Amend(sent.id, ANN, Edit(f"{i}", None), 1) for i in range(1, last + 1)))
    found = await world.messages.versions(ANN, sent.id)
    assert found is not None
    newest = [f"{i}" for i in range(last - 1, last - VERSIONS, -1)]
    assert [v.content for v in found.earlier] == [*newest, "0"]
    again = await world.one(world.text("0", client_id=KEY))
    assert again.duplicate
