"""The chats, and the open one."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from hubbub_client import State
from hubbub_terminal.chat import Chat
from hubbub_terminal.desk import Desk
from hubbub_terminal.plain import line
from hubbub_terminal.screens.account import AccountCard
from hubbub_terminal.screens.details import Details
from hubbub_terminal.screens.finder import Finder
from hubbub_terminal.screens.help import Help
from hubbub_terminal.screens.new_chat import NewChat
from hubbub_terminal.screens.room import Room
from hubbub_terminal.trouble import attempt
from hubbub_terminal.widgets.chat_list import ChatList
from hubbub_terminal.widgets.words import Words
from hubbub_terminal.words import many

FRAME: Final = 1 / 30
"""Seconds between two drawings, however much happens."""
BEHIND: Final = 0.5
"""The same behind a dialog."""
WELCOME: Final = (
    "[b]Hubbub[/b]\n\nChoose a chat with [b]↑ ↓[/b] and [b]Enter[/b].\n\n"
    "[b]Ctrl+K[/b]  find a chat\n[b]Ctrl+N[/b]  begin one\n[b]F1[/b]      all keys"
)


class Main(Screen[None]):
    """What is open most of the time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", priority=True),
        Binding("question_mark", "help", "Help", show=False),
        Binding("ctrl+k", "find", "Find", priority=True),
        Binding("ctrl+n", "new", "New", priority=True),
        Binding("ctrl+o", "details", "Details", priority=True),
        Binding("alt+down,ctrl+down", "step(1)", "Next chat", show=False, priority=True),
        Binding("alt+up,ctrl+up", "step(-1)", "Previous chat", show=False, priority=True),
        Binding("alt+n", "unread", "Next unread", show=False, priority=True),
        Binding("escape", "back", "Back", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (64, "-normal"),
        (92, "-middle"),
        (130, "-wide"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(classes="-closed")
        self._desk = desk
        self._book = desk.book
        self._due = False

    def compose(self) -> ComposeResult:
        """The parts, from left to right."""
        with Horizontal():
            with Vertical(id="side"):
                yield Words(id="brand")
                yield Words(id="line", tall=True)
                yield ChatList(self._book)
            with Vertical(id="talk"):
                yield Static(WELCOME, id="welcome")
                yield Room(self._desk)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the list."""
        self.chats.focus()
        self.draw()

    @property
    def chats(self) -> ChatList:
        """The list."""
        return self.query_one(ChatList)

    @property
    def room(self) -> Room:
        """The open chat."""
        return self.query_one(Room)

    # ── drawing ──────────────────────────────────────────────────────────────────────────────

    def changed(self) -> None:
        """The book is another; draw soon."""
        if not self._due and self.is_attached:
            self._due = True
            self.set_timer(FRAME if self.is_current else BEHIND, self.draw)

    def draw(self) -> None:
        """Show the book as it is."""
        self._due = False
        chat = self.room.chat
        if chat is not None and chat.id not in self._book.chats:
            self.close()
        self.chats.empty = "No chats yet: Ctrl+N" if self._desk.arrived else ""
        self.chats.show(self._book.listed(), chat.id if chat else "")
        self._draw_line()
        self.room.draw()
        self._desk.look()

    def _draw_line(self) -> None:
        desk, book = self._desk, self._book
        live = desk.line.state is State.LIVE
        name = line(book.me.display_name) or line(book.me.username)
        unread = f"  {book.unread_chats} unread" if book.unread_chats else ""
        self.query_one("#brand", Words).say(
            Content.assemble(
                ("● " if live else "○ ", "$accent" if live else "$warning"),
                (name, "bold"),
                (unread, "dim"),
            )
        )
        shown = self.query_one("#line", Words)
        waiting = sum(len(chat.outgoing) for chat in book.chats.values())
        after = f"\n{many(waiting, 'message')} waiting" if waiting else ""
        shown.say(Content(line(desk.line.text) + after))
        shown.set_class(not live, "-shown")

    def on_room_changed(self) -> None:
        """Something in the open chat."""
        self.changed()

    def on_screen_resume(self) -> None:
        """No dialog is before it any more."""
        self.draw()

    def on_resize(self) -> None:
        """Lines are broken elsewhere."""
        self.changed()

    # ── chats ────────────────────────────────────────────────────────────────────────────────

    def open(self, chat: Chat) -> None:
        """Open a chat."""
        self.room.show(chat)
        self.set_class(True, "-open")
        self.set_class(False, "-closed")
        self.chats.point_at(chat.id)
        self.room.composer.focus()
        self.draw()
        self._load(chat)

    def keep_draft(self) -> None:
        """What is being written belongs to the chat."""
        self.room.keep_draft()

    def close(self) -> None:
        """No chat is open."""
        self.room.show(None)
        self.set_class(False, "-open")
        self.set_class(True, "-closed")
        self.chats.focus()
        self.changed()

    def connected(self) -> None:
        """There is a connection: read what could not be read before."""
        if self.room.chat is not None:
            self._load(self.room.chat)

    def _load(self, chat: Chat) -> None:
        attempt(self, self._desk.open(chat), quiet=True)

    def on_chat_list_opened(self, event: ChatList.Opened) -> None:
        """A chat was chosen in the list."""
        self.show(self._book.chats.get(event.chat_id))

    def show(self, chat: Chat | None) -> None:
        """Open a chat, if there is one."""
        if chat is not None:
            self.open(chat)

    def action_step(self, step: int) -> None:
        """The chat below or above in the list."""
        chats = self._book.listed()
        at = chats.index(self.room.chat) + step if self.room.chat in chats else 0
        if 0 <= at < len(chats):
            self.open(chats[at])

    def action_unread(self) -> None:
        """The next chat with something new."""
        fresh = (each for each in self._book.listed() if each.unread)
        self.show(next((chat for chat in fresh if chat is not self.room.chat), None))

    def on_room_left(self) -> None:
        """Back to the list; where there is no room for both, the chat is closed."""
        if self.has_class("-narrow"):
            self.close()
        else:
            self.chats.focus()

    def action_back(self) -> None:
        """In the list: close the chat."""
        self.close()

    # ── dialogs ──────────────────────────────────────────────────────────────────────────────

    def action_find(self) -> None:
        """Find a chat."""
        self.app.push_screen(Finder(self._desk), self.show)

    def action_new(self) -> None:
        """Begin a chat or a group, or find one to join."""
        self.app.push_screen(NewChat(self._desk), self.show)

    def action_details(self) -> None:
        """What the open chat is, and what can be done to it."""
        if self.room.chat is not None:
            self.app.push_screen(Details(self._desk, self.room.chat), self._go_to)

    def _go_to(self, place: Chat | str | None) -> None:
        if isinstance(place, str):
            self.room.jump(place)
        else:
            self.show(place)

    def action_account(self) -> None:
        """The user's name, what he shows of himself, and where he is signed in."""
        self.app.push_screen(AccountCard(self._desk))

    def action_help(self) -> None:
        """All keys."""
        self.app.push_screen(Help())
