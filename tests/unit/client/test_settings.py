"""A group's settings, read once and followed in the log."""

from typing import Any

from hubbub_client.chat import Chat
from hubbub_client.settings import Followed, Settings
from hubbub_protocol.frames import Media, Message
from hubbub_protocol.rest import Chat as ChatRecord

AT = "2026-02-01T10:00:00.000Z"
CAT = {"type": "image", "url": "https://example.com/cat.png"}


def said(seq: int, **settings: Any) -> Message:
    system = {"kind": "chat_changed", "by": "user_1", **settings}
    return Message("msg_1", "chat_1", seq, seq, 0, AT, message_type="system", system=system)


def record(seq: int, **settings: Any) -> ChatRecord:
    return ChatRecord("chat_1", "group", AT, 2, "member", seq, AT, **settings)


def test_changes_are_followed_from_the_record_on() -> None:
    held = Followed()
    assert not held.fold(said(1, title="too early"))
    assert held.now is None
    assert held.learn(record(2, title="Tea", description="Leaves"))
    assert not held.fold(said(2, title="told already"))
    assert held.fold(said(3, title=None, posting="admins", picture=CAT))
    assert held.now == Settings(None, "Leaves", Media("image", CAT["url"]), "admins")
    assert held.fold(said(4, picture=None, of_a_later_version=True))
    assert not held.fold(said(5, posting="admins"))
    assert held.now == Settings(None, "Leaves", None, "admins")


def test_an_older_record_changes_nothing() -> None:
    held = Followed()
    held.learn(record(2, title="Tea"))
    held.fold(said(5, title="Coffee"))
    assert not held.learn(record(4, title="Tea"))
    assert held.now == Settings("Coffee")
    assert held.learn(record(5, title="Water"))


def test_a_record_that_comes_after_what_it_does_not_know() -> None:
    held = Followed()
    held.fold(said(3, title="Coffee"))
    assert not held.learn(record(2, title="Tea"))
    assert held.now is None
    assert held.learn(record(3, title="Coffee"))


def test_what_was_not_pushed_may_hide_a_change() -> None:
    chat = Chat("chat_1", 2, 3)
    assert [e.settings for e in chat.settings_from(record(6, title="Tea"))] == [Settings("Tea")]
    chat.add_gap(3, 6)
    assert chat.settings.now == Settings("Tea")
    chat.add_gap(7, 9)
    assert chat.settings.now is None
    assert chat.settings_from(record(8, title="Tea")) == []
    assert chat.settings_from(said(10, title="Coffee")) == []
