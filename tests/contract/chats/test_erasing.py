"""Messages taken away from everybody: what is left of them, and what is not."""

from typing import Any

import pytest

from hubbub.domain.change import Amend, Amended, Denied, Edit, Erase, Mismatch, Pin
from tests.contract.chats.world import ANN, BOB, CAT, CHAT, SqliteWorld, World

KEY = b"k" * 16
MEDIA = b'[{"url":"u"}]'


async def erase(world: World, message: int, by: int = ANN) -> Any:
    return await world.one(Amend(message, by, Erase(), world.now))


async def test_nothing_is_left_but_the_place(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.one(world.text("secret", client_id=KEY))
    await world.post("next", BOB)
    await world.one(Amend(sent.id, ANN, Edit("secret two", MEDIA), world.now))
    await world.one(Amend(sent.id, ANN, Pin(True), world.now))
    world.now = 9_000
    outcome = await erase(world, sent.id)
    row = outcome.row
    assert outcome.changed
    assert (row.seq, row.rev, row.number, row.at) == (1, 5, 1, sent.at)
    assert (row.content, row.media, row.edited, row.edited_at, row.pinned) == ("", b"", 0, 0, 0)
    assert (row.deleted_at, row.changed_at, row.sender_id) == (9_000, 9_000, ANN)
    found = await world.log(BOB)
    assert found is not None
    assert [r.content for r in found.rows] == ["next", ""]
    history = await world.reader.history(BOB, CHAT, "before", 0, 10)
    assert history is not None
    assert history.rows[-1] == row
    versions = await world.messages.versions(ANN, sent.id)
    assert versions is not None
    assert versions.earlier == []
    pins = await world.messages.pins(ANN, CHAT)
    assert pins is not None
    assert pins.rows == []
    if isinstance(world, SqliteWorld):
        (dump,) = world.connection.execute("SELECT group_concat(content || media) FROM messages")
        assert "secret" not in str(dump)
        assert world.connection.execute("SELECT count(*) FROM edits").get == 0


async def test_it_is_done_once_and_is_the_last_change(world: World) -> None:
    await world.group(ANN, BOB)
    sent = await world.post("one")
    once = await erase(world, sent.id)
    again = await erase(world, sent.id)
    assert (again.row, again.changed) == (once.row, False)
    for do in (Edit("two", None), Pin(True), Pin(False)):
        denied = await world.one(Amend(sent.id, ANN, do, world.now))
        assert isinstance(denied, Denied)
        assert denied.kind == "conflict"
    assert await world.seen(BOB) == [2]


async def test_unread_counts_and_the_last_message_stay_where_they_are(world: World) -> None:
    await world.group(ANN, BOB)
    await world.post("one")
    last = await world.post("two")
    await erase(world, last.id)
    view = await world.reader.chat(BOB, CHAT)
    assert view is not None
    assert view.head.number - view.member.read_number == 2
    assert view.last is not None
    assert (view.last.id, view.last.deleted_at > 0) == (last.id, True)
    moved = await world.advance(BOB, 3, 2)
    assert moved.me is not None
    assert moved.me.unread == 0


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("edited", [False, True])
async def test_a_send_that_comes_again_afterwards_is_known(
    world: World, reopened: bool, edited: bool
) -> None:
    await world.group(ANN, BOB)
    sent = await world.one(world.text("one", client_id=KEY))
    if edited:
        await world.one(Amend(sent.id, ANN, Edit("two", None, 0), world.now))
    await erase(world, sent.id)
    if reopened:
        world.reopen()
    for said in ("one", "nobody knows what it said"):
        again = await world.one(world.text(said, client_id=KEY))
        assert (again.id, again.seq, again.duplicate) == (sent.id, 1, True)
    await world.group(ANN, chat=CHAT + 1)
    other_chat = await world.one(world.text("one", client_id=KEY, chat=CHAT + 1))
    assert isinstance(other_chat, Mismatch)
    assert await world.seen(BOB) == [2 + edited]


async def test_the_sender_and_whoever_looks_after_the_group(world: World) -> None:
    await world.group(ANN, BOB, CAT)
    await world.role(CAT, "admin")
    hers = await world.post("1", ANN)
    for sender, by, may in ((BOB, BOB, True), (BOB, CAT, True), (BOB, ANN, True)):
        sent = await world.post("x", sender)
        assert isinstance(await erase(world, sent.id, by), Amended) is may
    assert isinstance(await erase(world, hers.id, BOB), Denied)
    assert isinstance(await erase(world, hers.id, CAT), Amended)
    await world.direct(ANN, BOB, CHAT + 1)
    said = await world.post("x", BOB, CHAT + 1)
    assert isinstance(await erase(world, said.id, ANN), Denied)
    assert isinstance(await erase(world, said.id, BOB), Amended)
