"""The list of chats: two lines for each, and only those in view are drawn."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message as Said

from hubbub_terminal.book import Book
from hubbub_terminal.chat import Chat
from hubbub_terminal.paint import FAILED, TICKS, Span, name_role
from hubbub_terminal.plain import cut, fit, line, width
from hubbub_terminal.widgets.lines import Line, Lines
from hubbub_terminal.words import brief, said, typing

TALL: Final = 2
ROLES: Final = (
    "title title-new time says says-new typing draft tick read failed badge badge-muted cursor open"
)
BADGE: Final = 999


class ChatList(Lines):
    """Chats, one of them under the cursor, one perhaps open."""

    PREFIX: ClassVar[str] = "chat-list"
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chat-list--{role}" for role in ROLES.split()}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "move(-1000000)", "First", show=False),
        Binding("end", "move(1000000)", "Last", show=False),
        Binding("enter,right", "open", "Open", show=False),
    ]

    class Opened(Said):
        """A chat was chosen."""

        def __init__(self, chat_id: str) -> None:
            self.chat_id = chat_id
            super().__init__()

    def __init__(self, book: Book) -> None:
        super().__init__()
        self._book = book
        self._chats: Sequence[Chat] = ()
        self._open = ""
        self._cursor = ""
        self._at = 0
        self.empty = "No chats yet"

    @property
    def current(self) -> Chat | None:
        """The chat under the cursor."""
        return self._chats[self._at] if self._chats else None

    def show(self, chats: Sequence[Chat], opened: str = "", *, first: bool = False) -> None:
        """Show these chats in this order; the cursor stays on its chat, or goes to the `first`."""
        self._chats, self._open = chats, opened
        places = {chat.id: at for at, chat in enumerate(chats)}
        at = 0 if first else places.get(self._cursor, min(self._at, len(chats) - 1))
        self._at = max(0, at)
        self._cursor = chats[self._at].id if chats else ""
        self.virtual_size = Size(self.size.width, len(chats) * TALL)
        self.redraw()

    def point_at(self, chat_id: str) -> None:
        """Put the cursor on a chat."""
        for at, chat in enumerate(self._chats):
            if chat.id == chat_id:
                self._go(at)

    def _go(self, at: int) -> None:
        self._at = max(0, min(at, len(self._chats) - 1))
        self._cursor = self._chats[self._at].id if self._chats else ""
        top, height = self._at * TALL, self.scrollable_content_region.height
        if top < self.scroll_y:
            self.scroll_to(y=top, animate=False, force=True)
        elif top + TALL > self.scroll_y + height:
            self.scroll_to(y=top + TALL - height, animate=False, force=True)
        self.redraw()

    def action_move(self, step: int) -> None:
        """The cursor moves."""
        self._go(self._at + step)

    def action_page(self, step: int) -> None:
        """The cursor moves by what is in view."""
        rows = max(1, self.scrollable_content_region.height // TALL - 1)
        self._go(self._at + step * rows)

    def action_open(self) -> None:
        """Open the chat under the cursor."""
        if self.current is not None:
            self.post_message(self.Opened(self.current.id))

    def on_click(self, event: events.Click) -> None:
        """Open what is pressed."""
        at = (round(self.scroll_y) + event.y) // TALL
        if 0 <= at < len(self._chats):
            self._go(at)
            self.action_open()

    # ── drawing ──────────────────────────────────────────────────────────────────────────────

    def line(self, y: int) -> Line:
        """A name, or what was said."""
        columns = self.size.width
        at, part = divmod(round(self.scroll_y) + y, TALL)
        if at >= len(self._chats):
            words = f" {self.empty}" if at == part == 0 else ""
            return (Span(fit(words, columns), "says"),), ""
        chat, under = self._chats[at], ""
        if at == self._at and (self.has_focus or not self.can_focus):  # the finder's has no focus
            under = "cursor"
        elif chat.id == self._open:
            under = "open"
        if part:
            return tuple(says_line(chat, self._book, columns)), under
        return tuple(title_line(chat, columns, datetime.now().astimezone())), under


def title_line(chat: Chat, columns: int, now: datetime) -> list[Span]:
    """The name, and when something last happened."""
    time = brief(chat.active_at, now).rjust(6)
    new = chat.unread > 0 and not chat.is_muted
    room = max(1, columns - width(time) - 4)
    mark = Span("▎", name_role(chat.record.peer.id if chat.record.peer else chat.id))
    title = Span(fit(chat.title, room), "title-new" if new else "title")
    return [Span(" "), mark, title, Span(f" {time} ", "time")]


def says_line(chat: Chat, book: Book, columns: int) -> list[Span]:
    """What was said last, or who types, or what the user began to write; how much is unread."""
    badge = ""
    if chat.unread:
        badge = f" {chat.unread if chat.unread <= BADGE else f'{BADGE}+'} "
        if chat.mentions:
            badge = f" @{badge}"
    room = max(1, columns - 3 - width(badge) - (1 if badge else 0))
    says = _says(chat, book)
    text, left = [], room
    for span in says:
        shown = cut(span.text, left)
        left -= width(shown)
        text.append(Span(shown, span.role))
        if left <= 0:
            break
    mark = Span("▎", name_role(chat.record.peer.id if chat.record.peer else chat.id))
    role = "badge-muted" if chat.is_muted else "badge"
    ending = [Span(" "), Span(badge, role)] if badge else []
    return [Span(" "), mark, *text, Span(" " * max(0, left)), *ending, Span(" ")]


def _says(chat: Chat, book: Book) -> list[Span]:
    if chat.typers:
        return [Span(typing([book.name(user) for user in sorted(chat.typers)]), "typing")]
    if chat.draft.strip():
        return [Span("Draft: ", "draft"), Span(line(chat.draft), "says")]
    waiting = next(reversed(chat.outgoing.values()), None)
    if waiting is not None:
        tick = (
            Span(f"{FAILED} ", "failed") if waiting.refusal else Span(f"{TICKS['queued']} ", "tick")
        )
        return [tick, Span(line(waiting.send.content), "says")]
    if chat.last is None:
        return [Span("Nothing was said yet", "says")]
    spans = []
    status = book.status(chat, chat.last)
    if status is not None:
        spans.append(Span(f"{TICKS[status]} ", "read" if status == "read" else "tick"))
    elif chat.is_group and chat.last.sender_id and chat.last.system is None:
        spans.append(Span(f"{book.name(chat.last.sender_id).split(' ')[0]}: ", "says"))
    return [*spans, Span(said(chat.last, book.called), "says-new" if chat.unread else "says")]
