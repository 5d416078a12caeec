"""The line above the messages: which chat it is, how large, who is here."""

from datetime import datetime

from textual.content import Content

from hubbub_client import PresenceChanged
from hubbub_terminal.book import Book
from hubbub_terminal.chat import Chat
from hubbub_terminal.paint import counted
from hubbub_terminal.plain import line
from hubbub_terminal.words import brief, many, span


def head(chat: Chat, book: Book) -> Content:
    """The line above the messages."""
    record = chat.record
    about = []
    if chat.is_group:
        about.append(many(record.member_count, "member"))
        if record.slow_seconds:
            about.append(f"slow mode: {span(record.slow_seconds)}")
        about.append(counted(chat))
        about.append(line(record.description))
    elif record.peer is not None:
        about.append(f"@{line(record.peer.username)}")
        about.append(_here(book.presence.get(record.peer.id)))
    if chat.is_muted:
        about.append("muted")
    told = " · ".join(filter(None, about))
    if chat.thread is not None:
        return Content.assemble(("Thread", "bold"), (f"  {chat.title} · Esc: back", "dim"))
    return Content.assemble((chat.title, "bold"), (f"  {told}", "dim"))


def _here(presence: PresenceChanged | None) -> str:
    if presence is None:
        return ""
    if presence.status == "online":
        return "here now"
    seen = presence.last_seen_at
    return f"last seen {brief(seen, datetime.now().astimezone()).strip()}" if seen else "away"
