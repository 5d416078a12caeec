"""A chat's messages as lines of cells, with a role for each piece of text. Pure.

A role is what a piece is (`time`, `quote`, `name-3`); which colour that means, the widget knows.
"""

import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from hubbub_client import Status
from hubbub_terminal.book import Book
from hubbub_terminal.chat import Chat, Outgoing
from hubbub_terminal.plain import cut, line, plain, width, wrap
from hubbub_terminal.words import (
    DELETED,
    AnyMessage,
    attached,
    clock,
    day,
    happened,
    many,
    moment,
    said,
)

NAMES: Final = 12
"""Colours of names."""
TICKS: Final[dict[Status, str]] = {"queued": "◷", "sent": "✓", "delivered": "✓✓", "read": "✓✓"}
FAILED: Final = "✗"
TOGETHER: Final = timedelta(minutes=5)
MARGIN: Final = 2
META: Final = 9  # time, ticks and the space before them
NARROW: Final = 16  # cells that words get at least


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    role: str = "text"


Row = tuple[Span, ...]


class Block(NamedTuple):
    """The lines of one thing. `key`: a message's id or client_id; "" where there is none."""

    key: str
    rows: tuple[Row, ...]


class Look(NamedTuple):
    """How a message is shown, as far as others have a say in it. What is equal looks the same."""

    width: int
    name: str  # empty within a group of messages of one sender
    mine: bool
    time: str
    ticks: str
    tick_role: str
    quote: str
    quoted: str  # the name above it
    marks: str  # forwarded, pinned
    named: bool  # it names the user
    replies: int


class Painter:
    """Paints a chat again and again; messages that look as before are not painted anew."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._known: dict[str, tuple[tuple[object, ...], Block]] = {}
        self._quotes: dict[str, AnyMessage | None] = {}
        self.wants: set[str] = set()  # messages that are quoted and not known

    def learn(self, message_id: str, message: AnyMessage | None) -> None:
        """A quoted message; None: it is not to be had."""
        self._quotes[message_id] = message
        self.wants.discard(message_id)

    def paint(self, chat: Chat, cells: int, now: datetime, new_after: int | None) -> list[Block]:
        """All that is held of the chat, oldest first, in `cells` columns.

        `new_after`: the position after which everything is new.
        """
        before, self._known = self._known, {}
        blocks = list(self._top(chat, cells))
        previous: AnyMessage | Outgoing | None = None
        for message in chat.shown.messages:
            if previous is None or _day(previous) != _day(message):
                blocks.append(_rule(day(message.created_at, now), cells, "day"))
                previous = None
            if (
                new_after is not None
                and message.seq > new_after
                and message.sender_id != self._book.me.id
            ):
                blocks.append(_rule("New", cells, "new"))
                new_after, previous = None, None
            blocks.append(self._message(chat, message, previous, cells, before))
            previous = message
        if not chat.shown.newer:
            for outgoing in chat.waiting():
                if outgoing.id and chat.shown.get(outgoing.id) is not None:
                    continue
                blocks.append(self._outgoing(chat, outgoing, previous, cells))
                previous = outgoing
        return blocks

    def _top(self, chat: Chat, cells: int) -> Iterator[Block]:
        window = chat.shown
        if not window.known:
            return
        if window.older:
            yield Block("", ((Span(" " * (cells // 2 - 1)), Span("···", "dim")),))
        elif chat.thread is not None:
            return
        elif not window.messages and not chat.outgoing:
            yield Block("", ((Span("  Nothing was said yet. ", "dim"),),))
        else:
            yield _rule("The beginning", cells, "day")

    # ── one message ──────────────────────────────────────────────────────────────────────────

    def _message(
        self,
        chat: Chat,
        message: AnyMessage,
        previous: AnyMessage | Outgoing | None,
        cells: int,
        before: dict[str, tuple[tuple[object, ...], Block]],
    ) -> Block:
        if message.system is not None:
            text = happened(message.system, self._book.called)
            gap = (
                not isinstance(previous, Outgoing) and previous is not None and not previous.system
            )
            return Block("", _event(text, cells, gap))
        look = self._look(chat, message, previous, cells)
        sign = (message.rev, look)
        known = before.get(message.id)
        if known is None or known[0] != sign:
            known = (sign, Block(message.id, tuple(_rows(message, look))))
        self._known[message.id] = known
        return known[1]

    def _look(
        self, chat: Chat, message: AnyMessage, previous: AnyMessage | Outgoing | None, cells: int
    ) -> Look:
        mine = message.sender_id == self._book.me.id
        together = _together(previous, message.sender_id, self._book.me.id, message.created_at)
        status = self._book.status(chat, message)
        time = clock(message.created_at)
        again = together and previous is not None and clock(previous.created_at) == time
        quoted, quote = self._quote(chat, message.reply_to)
        return Look(
            cells,
            "" if together else "You" if mine else self._sender(message.sender_id),
            mine,
            "" if again else time,
            TICKS[status] if status else "",
            "read" if status == "read" else "tick",
            quote,
            quoted,
            self._marks(message),
            self._book.names_me(message),
            0 if chat.thread is not None else self._book.replies_of(message),
        )

    def _marks(self, message: AnyMessage) -> str:
        marks = ["pinned"] if message.pinned else []
        if message.forwarded_from is not None:
            marks.append(f"forwarded from {self._book.called(message.forwarded_from)}")
        return ", ".join(marks)

    def _sender(self, user_id: str | None) -> str:
        return self._book.name(user_id) if user_id else "Hubbub"

    def _quote(self, chat: Chat, reply_to: str | None) -> tuple[str, str]:
        if reply_to is None or (chat.thread is not None and reply_to == chat.thread.root_id):
            return "", ""
        found = chat.shown.get(reply_to) or self._quotes.get(reply_to)
        if found is None:
            if reply_to not in self._quotes:
                self.wants.add(reply_to)
                return "", "…"
            return "", "A message that is gone"
        name = "You" if found.sender_id == self._book.me.id else self._sender(found.sender_id)
        return name, said(found, self._book.called)

    def _outgoing(
        self, chat: Chat, outgoing: Outgoing, previous: AnyMessage | Outgoing | None, cells: int
    ) -> Block:
        me = self._book.me.id
        together = _together(previous, me, me, outgoing.created_at)
        quoted, quote = self._quote(chat, outgoing.send.reply_to)
        ticks = FAILED if outgoing.refusal else TICKS["sent" if outgoing.id else "queued"]
        role = "failed" if outgoing.refusal else "tick"
        time = clock(outgoing.created_at)
        name = "" if together else "You"
        forwarded = "forwarded" if outgoing.send.forward else ""
        look = Look(cells, name, True, time, ticks, role, quote, quoted, forwarded, False, 0)
        rows = [*_head(outgoing.key, look)]
        rows += _body(plain(outgoing.send.content), "waiting" if not outgoing.id else "text", look)
        if outgoing.refusal:
            rows += [
                _indent(each, "failed")
                for each in wrap(f"{line(outgoing.refusal)} Enter: try again", _room(cells))
            ]
        return Block(outgoing.key, tuple(rows))


def name_role(user_id: str) -> str:
    """The colour of a user's name."""
    return f"name-{zlib.crc32(user_id.encode()) % NAMES}"


def _day(thing: AnyMessage | Outgoing) -> object:
    return moment(thing.created_at).date()


def _together(previous: AnyMessage | Outgoing | None, sender: str | None, me: str, at: str) -> bool:
    if previous is None:
        return False
    if isinstance(previous, Outgoing):
        same = sender == me
    else:
        same = previous.sender_id == sender and previous.system is None
    return same and moment(at) - moment(previous.created_at) < TOGETHER


def _room(cells: int) -> int:
    return max(NARROW, cells - MARGIN - META)


def _rows(message: AnyMessage, look: Look) -> Iterator[Row]:
    yield from _head(message.sender_id or "", look)
    yield from _content(message, look)
    if look.replies:
        yield _indent(f"↳ {many(look.replies, 'reply', 'replies')}", "replies")


def _content(message: AnyMessage, look: Look) -> Iterator[Row]:
    if message.is_deleted:
        yield from _body(DELETED, "gone", look)
        return
    if message.message_type == "encrypted":
        yield from _body("Encrypted message", "gone", look)
        return
    text = plain(message.content).rstrip()
    if text or not message.media:
        yield from _body(text, "text", look, edited=message.edited_at is not None)
    for index, medium in enumerate(message.media):
        where = line(medium.url or "")
        first = look if not text and index == 0 else look._replace(time="", ticks="")
        yield from _body(f"{attached(message)} {where}".rstrip(), "link", first)
    if message.reactions:
        yield from _reactions(message, look)


def _head(sender: str, look: Look) -> Iterator[Row]:
    if look.name:
        yield ()
        role = "me" if look.mine else name_role(sender)
        yield (Span(" " * MARGIN), Span(cut(look.name, _room(look.width)), role))
    if look.marks:
        yield _indent(cut(look.marks, _room(look.width)), "dim")
    if look.quote:
        name = f"{look.quoted}  " if look.quoted else ""
        room = _room(look.width) - 2
        text = cut(name + look.quote, room)
        shown = text[: len(name)]
        yield (
            Span(" " * MARGIN),
            Span("│ ", "quote-bar"),
            Span(shown, "quote-name"),
            Span(text[len(shown) :], "quote"),
        )


def _body(text: str, role: str, look: Look, *, edited: bool = False) -> Iterator[Row]:
    room = _room(look.width)
    lines = wrap(text, room)
    for index, each in enumerate(lines):
        margin = Span("▌ ", "named") if look.named else Span(" " * MARGIN)
        spans = [margin, Span(each, role)]
        used = width(each)
        if edited and index == len(lines) - 1 and used + 9 <= room:
            spans.append(Span(" (edited)", "dim"))
            used += 9
        if index == 0 and (look.time or look.ticks):
            spans += _meta(look, room - used)
        yield tuple(spans)
    if edited and width(lines[-1]) + 9 > room:
        yield _indent("(edited)", "dim")


def _meta(look: Look, free: int) -> list[Span]:
    time = look.time.rjust(5)
    return [Span(" " * free + " "), Span(time + " ", "time"), Span(look.ticks, look.tick_role)]


def _reactions(message: AnyMessage, look: Look) -> Iterator[Row]:
    spans: list[Span] = [Span(" " * MARGIN)]
    used = 0
    for emoji, count in sorted(message.reactions.items(), key=lambda item: (-item[1], item[0])):
        chip = f" {cut(line(emoji), 8)} {count:,} "
        if used + width(chip) + 1 > _room(look.width) and used:
            yield tuple(spans)
            spans, used = [Span(" " * MARGIN)], 0
        spans += [Span(chip, "reaction"), Span(" ")]
        used += width(chip) + 1
    yield tuple(spans)


def _event(text: str, cells: int, gap: bool) -> tuple[Row, ...]:
    rows: list[Row] = [()] if gap else []
    for each in wrap(text, max(NARROW, cells - 8)):
        before = " " * max(0, (cells - width(each)) // 2)
        rows.append((Span(before), Span(each, "event")))
    return tuple(rows)


def _rule(text: str, cells: int, role: str) -> Block:
    left = max(1, (cells - width(text) - 2) // 2)
    right = max(1, cells - width(text) - 2 - left)
    if role != "new":  # days are calm
        dashes = min(4, left)
        left_pad = " " * (left - dashes)
        row: Row = (Span(f"{left_pad}{'─' * dashes} {text} {'─' * dashes}", role),)
    else:
        row = (Span(f"{'─' * left} {text} {'─' * right}", role),)
    return Block("", ((), row))


def _indent(text: str, role: str) -> Row:
    return (Span(" " * MARGIN), Span(text, role))


def counted(chat: Chat) -> str:
    """What is known of a large group's receipts, in a few words."""
    if chat.seen_by is None:
        return ""
    _, delivered, read = chat.seen_by
    return f"{many(delivered, 'member')} got it, {read:,} read it"
