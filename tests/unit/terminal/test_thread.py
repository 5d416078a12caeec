"""A thread that is open instead of its chat."""

from datetime import UTC, datetime

from hubbub_client import Send, ThreadPage
from hubbub_terminal.chat import Outgoing
from hubbub_terminal.paint import Painter
from hubbub_terminal.thread import Thread
from tests.unit.terminal.made import book, message, only, stored


def opened() -> Thread:
    thread = Thread("msg_1")
    replies = [stored(seq, thread_id="msg_1", reply_to="msg_1") for seq in (6, 4)]
    thread.show(ThreadPage(stored(1), None, replies, has_more=True, cursor="more"))
    return thread


def seqs(thread: Thread) -> list[int]:
    return [each.seq for each in thread.window.messages]


def test_it_has_its_beginning_and_its_replies_and_what_comes() -> None:
    thread = opened()
    thread.heard(message(7, thread_id="msg_1"))
    thread.heard(message(8))
    thread.heard(message(9, thread_id="msg_2"))
    assert seqs(thread) == [1, 4, 6, 7]
    thread.heard(message(1, rev=10, content="Edited"))
    assert thread.window.messages[0].content == "Edited"
    thread.older(ThreadPage(None, None, [stored(2, thread_id="msg_1")], False, None))
    assert seqs(thread) == [1, 2, 4, 6, 7]
    assert thread.cursor is None


def test_of_what_waits_only_its_own_replies_are_shown() -> None:
    chat = only(book())
    for key, reply_to in (("a", "msg_4"), ("b", "msg_9"), ("c", None)):
        chat.outgoing[key] = Outgoing(Send(client_id=key, chat_id=chat.id, reply_to=reply_to))
    assert len(chat.waiting()) == 3
    chat.thread = opened()
    assert [each.key for each in chat.waiting()] == ["a"]


def test_replies_are_counted_in_the_chat_and_not_quoted_in_the_thread() -> None:
    made = book()
    chat = only(made)
    made.replies_of = lambda each: 2 if each.id == "msg_1" else 0
    reply = message(2, thread_id="msg_1", reply_to="msg_1")
    chat.window.show([message(1), reply], older=False, newer=False)
    now = datetime(2026, 11, 28, 13, tzinfo=UTC)

    def painted() -> str:
        blocks = Painter(made).paint(chat, 60, now, None)
        return "\n".join("".join(s.text for s in row) for block in blocks for row in block.rows)

    assert "↳ 2 replies" in painted()
    assert "│ Bob  Message 1" in painted()
    chat.thread = opened()
    assert "│" not in painted()
    assert "↳" not in painted()
