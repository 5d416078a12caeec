"""What was shown last, kept for the next start: it is there before the server is, or without it.

Only a picture of the past: whatever is on it is read anew once the server answers.
"""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from hubbub_client import ChatRecord, Message, Send, StoredMessage, User
from hubbub_terminal.book import Book
from hubbub_terminal.chat import Chat, Outgoing
from hubbub_terminal.places import write_whole
from hubbub_terminal.words import AnyMessage

CHATS: Final = 2_000
ROOMS: Final = 50
"""Chats of which messages are kept, so many each:"""
MESSAGES: Final = 60
VERSION: Final = 1


class KeptChat(Struct):
    """One chat: its record, its newest messages, what the user began to write or could not send."""

    record: ChatRecord
    messages: list[StoredMessage] = []
    older: bool = True
    draft: str = ""
    refused: list[tuple[Send, str]] = []


class Shelf(Struct):
    """The file."""

    version: int
    chats: list[KeptChat]
    people: list[User]


def load(path: Path, book: Book) -> None:
    """Put what was kept into the book; nothing, where it is not there or of another version."""
    try:
        shelf = msgspec.json.decode(path.read_bytes(), type=Shelf)
    except (OSError, msgspec.DecodeError):
        return
    if shelf.version != VERSION:
        return
    book.meet(shelf.people)
    book.learn(kept.record for kept in shelf.chats)
    for kept in shelf.chats:
        chat = book.chats[kept.record.id]
        chat.draft = kept.draft
        for send, refusal in kept.refused:
            chat.outgoing[send.client_id] = Outgoing(send, refusal=refusal)
        if kept.messages:
            chat.window.show(kept.messages, kept.older, newer=False)


def encode(book: Book) -> bytes:
    """The file's content."""
    chats = [_kept(book, chat, at < ROOMS) for at, chat in enumerate(book.listed()[:CHATS])]
    wanted = {book.me.id} | {
        message.sender_id
        for kept in chats
        for message in [kept.record.last_message, *kept.messages]
        if message is not None and message.sender_id is not None
    }
    people = [user for user in book.people.values() if user.id in wanted]
    return msgspec.json.encode(Shelf(VERSION, chats, people))


def save(path: Path, data: bytes) -> None:
    """Write the file. Raises OSError."""
    write_whole(path, data)


def _kept(book: Book, chat: Chat, room: bool) -> KeptChat:
    record = msgspec.structs.replace(
        chat.record,
        unread=chat.unread,
        unread_mentions=chat.mentions,
        read=chat.read,
        last_message=None if chat.last is None else _stored(book, chat, chat.last),
    )
    window = chat.window
    held = window.messages[-MESSAGES:] if room and window.known and not window.newer else []
    return KeptChat(
        record,
        [_stored(book, chat, message) for message in held],
        window.older or len(window.messages) > len(held),
        chat.draft,
        [(each.send, each.refusal) for each in chat.outgoing.values() if each.refusal],
    )


def _stored(book: Book, chat: Chat, message: AnyMessage) -> StoredMessage:
    status = book.status(chat, message) or "sent"
    if isinstance(message, StoredMessage):
        return (
            message if message.status == status else msgspec.structs.replace(message, status=status)
        )
    fields = asdict(message)
    return StoredMessage(
        status=status, **{name: fields[name] for name in _SHARED if name in fields}
    )


_SHARED: Final = set(StoredMessage.__struct_fields__) & set(Message.__struct_fields__)
