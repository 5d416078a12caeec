"""Chats, messages and people to paint, as a server would tell of them."""

from typing import Any

from hubbub_client import ChatRecord, Message, StoredMessage, User
from hubbub_terminal.book import Book
from hubbub_terminal.chat import Chat

ANN = User("user_ann", "ann", "Ann Winter")
BOB = User("user_bob", "bob", "Bob")
AT = "2026-11-28T12:{:02d}:00.000Z"

HOSTILE = (
    "[bold red]markup[/] [@click=app.quit]press[/] \\[ $primary",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \x1bP+q\x1b\\ \x1b]52;c;aGk=\x07",
    "\r\x08\x08overwritten\x00\x7f\x85\u2028\u2029",
    "\u202eright to left\u202c \u2066isolate\u2069 \u200f\u200e\u061c",
    "Z" + "\u0301\u0302\u0327" * 50 + "algo",
    "👩‍👩‍👧‍👦 👍🏽 ❤️ 🇩🇪 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 \ue000 \U000e0041",
    "שלום עולם مرحبا بالعالم سلام می‌خواهم",
    "日本語のとても長い文章です。" * 20,
    "नमस्ते दुनिया ไม่เป็นไร 한국어",
    "w" * 3_000,
    "\t\tindented\n\n\n  lines\r\nend   ",
    "\ud7ff\U0010ffff\ufdd0\ufffe",
)


def message(seq: int, **given: Any) -> Message:
    """The message at a position, from Bob unless something else is given."""
    fields: dict[str, Any] = {
        "id": f"msg_{seq}",
        "chat_id": "chat_1",
        "seq": seq,
        "rev": seq,
        "number": seq,
        "created_at": AT.format(seq % 60),
        "sender_id": BOB.id,
        "content": f"Message {seq}",
    }
    return Message(**(fields | given))


def stored(seq: int, **given: Any) -> StoredMessage:
    """The same from the history."""
    source = message(seq, **{k: v for k, v in given.items() if k != "status"})
    fields = {name: getattr(source, name) for name in Message.__struct_fields__}
    del fields["recipient_ids"]
    return StoredMessage(status=given.get("status", "sent"), **fields)


def record(chat_id: str = "chat_1", **given: Any) -> ChatRecord:
    """A group's record, unless a `peer` is given."""
    fields: dict[str, Any] = {
        "id": chat_id,
        "chat_type": "direct" if "peer" in given else "group",
        "created_at": AT.format(0),
        "member_count": 2,
        "role": "owner",
        "seq": 0,
        "last_activity_at": AT.format(0),
        "title": "Garden",
    }
    return ChatRecord(**(fields | given))


def book(*records: ChatRecord) -> Book:
    """Ann's book."""
    made = Book(ANN)
    made.meet([BOB])
    made.learn(records or [record()])
    return made


def only(book: Book) -> Chat:
    """Its one chat."""
    (chat,) = book.chats.values()
    return chat
