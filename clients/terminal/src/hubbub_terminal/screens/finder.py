"""Find a chat as one types."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from hubbub_terminal.chat import Chat
from hubbub_terminal.desk import Desk
from hubbub_terminal.rank import find
from hubbub_terminal.screens.card import Card
from hubbub_terminal.widgets.chat_list import ChatList


class Finder(Card[Chat | None]):
    """A field, and below it what fits. Its result is the chosen chat."""

    TITLE_TEXT = "Find a chat"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "page(1)", "Page down", show=False, priority=True),
        Binding("pageup", "page(-1)", "Page up", show=False, priority=True),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def body(self) -> ComposeResult:
        """The field and the list."""
        yield Input(placeholder="Name of a person or group", id="query")
        yield ChatList(self._desk.book)
        yield Static("Enter: open    @name Enter: somebody new", classes="hint", markup=False)

    def on_mount(self) -> None:
        """All chats at first."""
        self.found.can_focus = False
        self.found.empty = "Nothing found"
        self._search("")
        self.query_one(Input).focus()

    @property
    def found(self) -> ChatList:
        """The list."""
        return self.query_one(ChatList)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Other letters."""
        self._search(event.value)

    def _search(self, query: str) -> None:
        self.found.show(find(query, self._desk.book.listed()), first=True)
        self.found.scroll_home(animate=False)

    def action_move(self, step: int) -> None:
        """The cursor moves."""
        self.found.action_move(step)

    def action_page(self, step: int) -> None:
        """The cursor moves by what is in view."""
        self.found.action_page(step)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open what is under the cursor, or ask the server for a name that begins with @."""
        if self.found.current is not None:
            self.dismiss(self.found.current)
        elif event.value.strip().startswith("@"):
            self.attempt(self._ask(event.value.strip()[1:]))

    async def _ask(self, name: str) -> None:
        user = await self._desk.find_user(name)
        if user is None:
            self.tell(f"Nobody is called @{name} here.")
        else:
            self.dismiss(await self._desk.direct(user))

    def on_chat_list_opened(self, event: ChatList.Opened) -> None:
        """A chat was pressed."""
        event.stop()
        self.dismiss(self._desk.book.chats.get(event.chat_id))
