"""Lists, history, events and receipts as callers get them."""

import uuid

import pytest

from hubbub.actions.references import read_cursor, write_cursor
from hubbub.domain.account import Principal
from hubbub_protocol import frames, rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.times import rfc3339
from tests.actions.chats.house import STRANGE_MESSAGE, House, code, ref, refused

BAD_CURSORS = ["", "x", "!!!!", "kwE", "gaFh", write_cursor((1, 2, 3)), "A" * 5_000]


async def test_chats_come_by_pages(house: House, ann: Principal, bob: Principal) -> None:
    made = []
    for _ in range(5):
        house.clock.ms += 1
        made.append(await house.group(ann, bob))
    house.clock.ms += 1
    await house.send(ann, made[0])
    found, cursor = [], None
    for _ in range(5):
        page = await house.chats(bob, 2, cursor)
        found += [chat.id for chat in page.chats]
        cursor = page.cursor
        assert page.has_more == (cursor is not None)
        if cursor is None:
            break
    assert found == [made[0], *made[:0:-1]]


async def test_a_chat_tells_unread_last_message_and_receipts(
    house: House, ann: Principal, bob: Principal
) -> None:
    chat = (await house.direct(ann, bob))[0].id
    await house.send(ann, chat, "one")
    last = await house.send(ann, chat, "two")
    (seen,) = (await house.chats(bob, 50, None)).chats
    assert (seen.unread, seen.read, seen.seq) == (2, 0, 2)
    assert seen.last_message is not None
    assert (seen.last_message.id, seen.last_message.status) == (last, "sent")
    await house.advance(bob, chat, 2, 1)
    mine = await house.chat(ann, chat)
    assert mine.receipts == rest.Receipts(2, 1)
    assert (mine.unread, mine.last_message and mine.last_message.status) == (0, "delivered")
    theirs = await house.chat(bob, chat)
    assert (theirs.unread, theirs.read) == (1, 1)


async def test_status_goes_from_sent_to_read(
    house: House, ann: Principal, bob: Principal, cat: Principal
) -> None:
    chat = await house.group(ann, bob, cat)
    message = await house.send(ann, chat)

    async def status(asking: Principal) -> str:
        return (await house.message(asking, message)).status

    assert (await status(ann), await status(bob)) == ("sent", "sent")
    await house.advance(bob, chat, 1)
    assert (await status(ann), await status(bob)) == ("sent", "delivered")
    await house.advance(cat, chat, 1, 1)
    assert (await status(ann), await status(cat)) == ("delivered", "read")
    await house.advance(bob, chat, 1, 1)
    assert await status(ann) == "read"


async def test_history_pages(house: House, ann: Principal, bob: Principal) -> None:
    chat = await house.group(ann, bob)
    sent = [await house.send(ann, chat, f"{i}") for i in range(5)]
    first = await house.history(bob, chat, "before", None, 2)
    assert [m.id for m in first.messages] == sent[:2:-1]
    assert (first.has_more, first.cursor) == (True, sent[3])
    rest_ = await house.history(bob, chat, "before", first.cursor, 10)
    assert [m.content for m in rest_.messages] == ["2", "1", "0"]
    assert (rest_.has_more, rest_.cursor) == (False, sent[0])
    around = await house.history(bob, chat, "around", sent[2], 3)
    assert [m.content for m in around.messages] == ["3", "2", "1"]
    after = await house.history(bob, chat, "after", sent[2], 3)
    assert [m.content for m in after.messages] == ["4", "3"]
    nothing = await house.history(bob, chat, "after", sent[4], 3)
    assert (nothing.messages, nothing.has_more, nothing.cursor) == ([], False, None)
    for strange in (STRANGE_MESSAGE, "msg_?"):
        assert await code(house.history(bob, chat, "before", strange, 3)) == Code.NOT_FOUND
    for direction in ("after", "around", "beside"):
        assert await code(house.history(bob, chat, direction, None, 3)) == Code.MALFORMED


async def test_only_the_sender_sees_his_client_id(
    house: House, ann: Principal, bob: Principal
) -> None:
    chat = await house.group(ann, bob)
    key = uuid.UUID(int=7)
    message = await house.send(ann, chat, client_id=key.bytes)
    assert (await house.message(ann, message)).client_id == str(key)
    assert (await house.message(bob, message)).client_id is None
    (mine,) = (await house.events(ann, chat, 0, 50)).events
    (theirs,) = (await house.events(bob, chat, 0, 50)).events
    assert isinstance(mine, frames.Message)
    assert isinstance(theirs, frames.Message)
    assert (mine.client_id, theirs.client_id) == (str(key), None)


async def test_events_come_by_pages_with_system_messages(
    house: House, ann: Principal, bob: Principal, cat: Principal
) -> None:
    chat = await house.group(ann, bob)
    await house.send(ann, chat, "one")
    await house.add(ann, chat, rest.AddMembers([ref(cat)]))
    await house.send(cat, chat, "three")
    page = await house.events(bob, chat, 0, 2)
    assert ([e.rev for e in page.events], page.position, page.has_more) == ([1, 2], 2, True)
    added = page.events[1]
    assert isinstance(added, frames.Message)
    assert (added.message_type, added.sender_id, added.content) == ("system", ref(ann), "")
    assert added.system is not None
    assert added.system["user_ids"] == [ref(cat)]
    page = await house.events(bob, chat, page.position, 2)
    assert ([e.rev for e in page.events], page.position, page.has_more) == ([3], 3, False)
    assert [e.rev for e in (await house.events(cat, chat, 0, 50)).events] == [2, 3]


async def test_own_events_come_by_pages(house: House, ann: Principal, bob: Principal) -> None:
    chats = [await house.group(ann, bob) for _ in range(3)]
    await house.send(ann, chats[0])
    await house.advance(bob, chats[0], 1, 1)
    await house.remove.leave(bob, chats[1])
    page = await house.my_events(bob, 0, 2)
    assert (page.position, page.has_more) == (4, True)
    assert page.events == [
        frames.Me(rev=3, kind="chat", chat_id=chats[2], joined_seq=1),
        frames.Me(rev=4, kind="chat", chat_id=chats[0], joined_seq=1, read=1),
    ]
    page = await house.my_events(bob, page.position, 2)
    assert (page.position, page.has_more) == (5, False)
    (gone,) = page.events
    assert isinstance(gone, frames.Me)
    assert (gone.chat_id, gone.member) == (chats[1], False)


async def test_members_come_by_pages_with_what_they_read(
    house: House, ann: Principal, bob: Principal, cat: Principal
) -> None:
    chat = await house.group(ann, bob, cat)
    message = await house.send(ann, chat)
    await house.advance(bob, chat, 1, 1)
    page = await house.members(cat, chat, 2, None)
    assert [(m.user.username, m.last_read_message_id) for m in page.members] == [
        ("ann", message),
        ("bob", message),
    ]
    assert page.members[0].joined_at == rfc3339(house.clock.ms)
    assert page.has_more
    page = await house.members(cat, chat, 2, page.cursor)
    assert [(m.user.username, m.read, m.last_read_message_id) for m in page.members] == [
        ("cat", 0, None)
    ]
    assert (page.has_more, page.cursor) == (False, None)


async def test_receipts_come_by_pages(
    house: House, ann: Principal, bob: Principal, cat: Principal
) -> None:
    chat = await house.group(ann, bob, cat)
    message = await house.send(ann, chat)
    house.clock.ms += 5
    await house.advance(bob, chat, 1, 1)
    now = rfc3339(house.clock.ms)
    page = await house.receipts(cat, message, 1, None)
    assert (page.message_id, page.recipients, page.delivered, page.read) == (message, 2, 1, 1)
    assert (page.receipts, page.has_more) == ([rest.Receipt(ref(bob), now, now)], True)
    page = await house.receipts(cat, message, 1, page.cursor)
    assert page.receipts == [rest.Receipt(ref(cat), None, None)]
    assert (page.has_more, page.cursor) == (False, None)


async def test_a_strangers_message_is_like_none(
    house: House, ann: Principal, bob: Principal, eve: Principal
) -> None:
    message = await house.send(ann, await house.group(ann, bob))
    told = set()
    for which in (message, STRANGE_MESSAGE, "msg_?", ""):
        for call in (house.message(eve, which), house.receipts(eve, which, 50, None)):
            answer = await refused(call)
            told.add((answer.code, answer.message))
    assert len(told) == 1
    assert told.pop()[0] == Code.NOT_FOUND


@pytest.mark.parametrize("cursor", BAD_CURSORS)
async def test_cursors_that_are_not_ours_are_malformed(
    house: House, ann: Principal, cursor: str
) -> None:
    chat = await house.group(ann)
    message = await house.send(ann, chat)
    for call in (
        house.chats(ann, 50, cursor),
        house.members(ann, chat, 50, cursor),
        house.receipts(ann, message, 50, cursor),
    ):
        assert await code(call) == Code.MALFORMED


@pytest.mark.parametrize("values", [(0,), (1, 2), (2**63 - 1, 0)])
def test_cursors_come_back(values: tuple[int, ...]) -> None:
    assert read_cursor(write_cursor(values), len(values)) == values


def test_a_cursor_of_negative_numbers_is_malformed() -> None:
    with pytest.raises(Refused):
        read_cursor(write_cursor((-1,)), 1)
