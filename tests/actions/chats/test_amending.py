"""Changes of messages: what is refused before the store is asked."""

import pytest

from hubbub.actions.amend_message import AmendMessage
from hubbub.actions.read_changes import ReadChanges
from hubbub.domain.limits import MessageLimits
from hubbub_protocol import frames, ids, rest
from hubbub_protocol.codes import Code, Refused
from tests.actions.chats.house import STRANGE_MESSAGE, House, code, naming, ref

LIMITS = MessageLimits(content_bytes=8, media=1, edit_hours=1, mentions=1)
LINK = frames.Media("image", "https://example.org/a.png")


class Rate:
    """Counts, and refuses when it is told to."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.full = False

    def __call__(self, user_id: int) -> None:
        self.asked.append(user_id)
        if self.full:
            raise Refused(Code.RATE_LIMITED, "You send too fast; wait a moment.", 1.0)


@pytest.fixture
def rate() -> Rate:
    return Rate()


@pytest.fixture
def amend(house: House, rate: Rate) -> AmendMessage:
    return AmendMessage(house.changes, house.clock, LIMITS, rate, *naming(house, LIMITS))


async def test_an_edit_and_what_it_answers(house: House, amend: AmendMessage) -> None:
    ann, bob = await house.user("ann"), await house.user("bob")
    chat = await house.group(ann, bob)
    sent = await house.send(ann, chat)
    assert await amend.edit(ann, sent, rest.EditMessage("edited")) == rest.ChangedMessage(
        sent, chat, 2
    )
    view = await house.message(bob, sent)
    assert (view.content, view.rev, view.edited_at is not None) == ("edited", 2, True)
    again = await amend.edit(ann, sent, rest.EditMessage("edited"))
    assert again.rev == 2
    edits = await ReadChanges(house.reader).edits(ann, sent)
    assert [version.content for version in edits.edits] == ["hello"]
    assert await code(ReadChanges(house.reader).edits(bob, sent)) is Code.FORBIDDEN


async def test_limits_of_a_message_are_those_of_an_edit(house: House, amend: AmendMessage) -> None:
    ann, bob = await house.user("ann"), await house.user("bob")
    sent = await house.send(ann, await house.group(ann, bob))
    for asked, expected in (
        (rest.EditMessage(), Code.INVALID),
        (rest.EditMessage("", []), Code.INVALID),
        (rest.EditMessage("nine bytes"), Code.TOO_LARGE),
        (rest.EditMessage(media=[LINK, LINK]), Code.INVALID),
        (rest.EditMessage(mentions=["nobody"]), Code.INVALID),
        (rest.EditMessage(mentions=[ref(ann), ref(bob)]), Code.INVALID),
        (rest.EditMessage(media=[frames.Media("image", "ftp://example.org")]), Code.INVALID),
    ):
        assert await code(amend.edit(ann, sent, asked)) is expected
    assert (await amend.edit(ann, sent, rest.EditMessage(media=[LINK]))).rev == 2
    assert (await amend.edit(ann, sent, rest.EditMessage("", None))).rev == 3


async def test_an_edit_mentions_somebody(house: House, amend: AmendMessage) -> None:
    ann, bob = await house.user("ann"), await house.user("bob")
    sent = await house.send(ann, await house.group(ann, bob))
    assert (await amend.edit(ann, sent, rest.EditMessage(mentions=[ref(bob), ref(bob)]))).rev == 2
    view = await house.message(bob, sent)
    assert (view.content, view.mentions) == ("hello", [ref(bob)])
    assert await code(amend.edit(ann, sent, rest.EditMessage(mentions=["ext:who"]))) is (
        Code.NOT_FOUND
    )
    frame = frames.Edit(sent, mentions=[ref(bob)], mention_all=True)
    assert await house.changes.do(amend.from_frame(ann.user_id, frame))
    (first, second) = (await ReadChanges(house.reader).edits(ann, sent)).edits
    assert (first.mentions, first.mention_all) == ([ref(bob)], False)
    assert second.mentions == []


async def test_an_old_message_is_not_edited(house: House) -> None:
    ann, bob = await house.user("ann"), await house.user("bob")
    sent = await house.send(ann, await house.group(ann, bob))
    for hours, edited in ((1, False), (0, True)):
        limits = MessageLimits(edit_hours=hours)
        amend = AmendMessage(house.changes, house.clock, limits, Rate(), *naming(house, LIMITS))
        house.clock.ms += 3_600_001
        asked = amend.edit(ann, sent, rest.EditMessage("late"))
        if edited:
            assert (await asked).rev == 2
        else:
            assert await code(asked) is Code.FORBIDDEN


async def test_changes_count_as_messages(house: House, amend: AmendMessage, rate: Rate) -> None:
    ann, bob = await house.user("ann"), await house.user("bob")
    sent = await house.send(ann, await house.group(ann, bob))
    rate.full = True
    for call in (
        amend.edit(ann, sent, rest.EditMessage("two")),
        amend.delete(ann, sent),
        amend.pin(ann, sent),
        amend.unpin(ann, sent),
    ):
        assert await code(call) is Code.RATE_LIMITED
    assert rate.asked == [ann.user_id] * 4
    for frame in (
        frames.Edit(sent, "two"),
        frames.Delete(sent),
        frames.Pin(sent),
    ):
        with pytest.raises(Refused):
            amend.from_frame(ann.user_id, frame)
    assert len(rate.asked) == 7


async def test_what_one_does_not_see_is_not_found(house: House, amend: AmendMessage) -> None:
    ann, eve = await house.user("ann"), await house.user("eve")
    sent = await house.send(ann, await house.group(ann))
    for message in (sent, STRANGE_MESSAGE, ids.text("chat", 1), "nonsense"):
        for call in (
            amend.edit(eve, message, rest.EditMessage("two")),
            amend.delete(eve, message),
            amend.pin(eve, message),
            ReadChanges(house.reader).edits(eve, message),
        ):
            assert await code(call) is Code.NOT_FOUND
