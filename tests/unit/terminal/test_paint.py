"""What is painted: every line fits, nothing hostile gets through, nothing is missing."""

import unicodedata
from datetime import UTC, datetime

import pytest

from hubbub_client import Send
from hubbub_terminal.book import Book
from hubbub_terminal.paint import Block, Painter
from hubbub_terminal.plain import width
from hubbub_terminal.widgets.chat_list import says_line, title_line
from tests.unit.terminal.made import ANN, BOB, HOSTILE, book, message, only, record, stored

NOW = datetime(2026, 11, 28, 13, tzinfo=UTC)
ID = "019abcde-0000-7000-8000-000000000001"


def paint(book: Book, cells: int = 60, new_after: int | None = None) -> list[Block]:
    return Painter(book).paint(only(book), cells, NOW, new_after)


def lines(blocks: list[Block]) -> list[str]:
    return ["".join(span.text for span in row).rstrip() for block in blocks for row in block.rows]


def text(blocks: list[Block]) -> str:
    return "\n".join(lines(blocks))


@pytest.mark.parametrize("cells", [30, 53, 80, 200])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_anywhere_keeps_the_lines(hostile: str, cells: int) -> None:
    evil = type(BOB)(BOB.id, hostile, hostile)
    state = book(record(title=hostile, description=hostile))
    state.meet([evil])
    chat = only(state)
    kinds = ["members_added", "role_changed", "chat_changed", "unheard of"]
    told = {
        "by": BOB.id,
        "user_id": BOB.id,
        "user_ids": [BOB.id],
        "title": hostile,
        "role": hostile,
    }
    page = [
        message(1, content=hostile, edited_at=NOW.isoformat()),
        message(2, content="reply", reply_to="msg_1", reactions={hostile: 3, "👍": 1}),
        *(
            message(3 + i, message_type="system", system={"kind": k} | told)
            for i, k in enumerate(kinds)
        ),
    ]
    chat.window.show(page, older=False, newer=False)
    state.queue(Send(ID, chat.id, content=hostile))
    only(state).outgoing[ID].refusal = hostile
    for block in paint(state, cells, new_after=1):
        for row in block.rows:
            shown = "".join(span.text for span in row)
            assert width(shown) <= cells, (shown, cells)
            assert not [each for each in shown if unicodedata.category(each) in ("Cc", "Zl", "Co")]
    chat.typers.add(BOB.id)
    for spans in (title_line(chat, cells, NOW), says_line(chat, state, cells)):
        assert width("".join(span.text for span in spans)) == cells


def test_messages_of_one_sender_stand_together() -> None:
    state = book()
    chat = only(state)
    page = [message(1), message(2), message(3, sender_id=ANN.id), message(40)]
    chat.window.show(page, older=False, newer=False)
    shown = [each.strip() for each in lines(paint(state)) if each.strip()]
    names = [each for each in shown if each in ("Bob", "You")]
    assert names == ["Bob", "You", "Bob"]
    assert "The beginning" in shown[0]
    assert shown[1] == "──── Today ────"


def test_ticks_follow_the_cursors() -> None:
    state = book(record(peer=BOB))
    chat = only(state)
    chat.window.show(
        [stored(1, sender_id=ANN.id), message(2, sender_id=ANN.id)], older=False, newer=False
    )
    assert text(paint(state)).count("✓") == 2
    chat.passed(2, 0)
    assert text(paint(state)).count("✓✓") == 2
    chat.passed(2, 1)
    roles = {span.role for block in paint(state) for row in block.rows for span in row}
    assert {"read", "tick"} <= roles


def test_what_waits_stands_at_the_end_until_the_log_has_it() -> None:
    state = book()
    chat = only(state)
    chat.window.show([message(1)], older=False, newer=False)
    state.queue(Send(ID, chat.id, content="Soon"))
    assert lines(paint(state))[-1].endswith("◷")
    chat.heard(message(2, sender_id=ANN.id, client_id=ID, content="Soon"))
    assert text(paint(state)).count("Soon") == 1
    assert "◷" not in text(paint(state))


def test_what_is_new_has_a_line_above_it() -> None:
    state = book()
    only(state).window.show([message(1), message(2), message(3)], older=True, newer=False)
    shown = [each.strip() for each in lines(paint(state, new_after=1)) if each.strip()]
    at = next(i for i, each in enumerate(shown) if " New " in each)
    assert shown[at - 1].startswith("Message 1")
    assert shown[at + 2].startswith("Message 2")


def test_a_quote_is_asked_for_when_it_is_not_held() -> None:
    state = book()
    only(state).window.show([message(9, reply_to="msg_2")], older=True, newer=False)
    painter = Painter(state)
    painter.paint(only(state), 60, NOW, None)
    assert painter.wants == {"msg_2"}
    painter.learn("msg_2", message(2, content="What was asked"))
    assert "Bob  What was asked" in text(painter.paint(only(state), 60, NOW, None))
    painter.learn("msg_2", None)
    assert "A message that is gone" in text(painter.paint(only(state), 60, NOW, None))


def test_deleted_edited_and_media() -> None:
    state = book()
    page = [
        message(1, is_deleted=True, content=""),
        message(2, edited_at=NOW.isoformat()),
        message(
            3, content="", message_type="image", media=[{"type": "image", "url": "https://x/y"}]
        ),
    ]
    page[2] = message(3, content="", message_type="encrypted")
    only(state).window.show(page, older=False, newer=False)
    shown = text(paint(state))
    assert "Message deleted" in shown
    assert "Message 2 (edited)" in shown
    assert "Encrypted message" in shown


def test_named_pinned_and_forwarded() -> None:
    state = book()
    page = [message(1, mentions=[ANN.id]), message(2, pinned=True, forwarded_from=ANN.id)]
    only(state).window.show(page, older=False, newer=False)
    shown = text(paint(state))
    assert "▌ Message 1" in shown
    assert "pinned, forwarded from you" in shown


def test_what_looks_the_same_is_not_painted_again() -> None:
    state = book()
    only(state).window.show([message(seq) for seq in range(1, 50)], older=False, newer=False)
    painter = Painter(state)
    first = painter.paint(only(state), 60, NOW, None)
    again = painter.paint(only(state), 60, NOW, None)
    assert all(a is b for a, b in zip(first, again, strict=True) if a.key)
