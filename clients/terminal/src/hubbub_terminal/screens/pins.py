"""A chat's pinned messages."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from hubbub_client import StoredMessage
from hubbub_terminal.chat import Chat
from hubbub_terminal.desk import Desk
from hubbub_terminal.plain import cut
from hubbub_terminal.screens.card import Card
from hubbub_terminal.words import said


class Pins(Card[str | None]):
    """Its result is the message to go to."""

    TITLE_TEXT = "Pinned"

    def __init__(self, desk: Desk, chat: Chat) -> None:
        super().__init__()
        self._desk = desk
        self._chat = chat
        self._pins: Sequence[StoredMessage] = ()

    def body(self) -> ComposeResult:
        """The list."""
        yield OptionList(classes="list", markup=False)
        yield Static("…", id="none", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Ask the server."""
        self.query_one(OptionList).focus()
        self.attempt(self._load())

    async def _load(self) -> None:
        book = self._desk.book
        self._pins = await self._desk.client.api.pins(self._chat.id)
        senders = [each.sender_id for each in self._pins if each.sender_id]
        await self._desk.know(list(dict.fromkeys(senders)))
        listed = self.query_one(OptionList)
        for each in self._pins:
            name = book.name(each.sender_id) if each.sender_id else ""
            text = cut(said(each, book.called), 400)
            listed.add_option(Option(Content.assemble((f"{name}  ", "bold"), text)))
        listed.action_first()
        told = "Enter: go to it" if self._pins else "Nothing is pinned here."
        self.query_one("#none", Static).update(told)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """To this one."""
        self.dismiss(self._pins[event.option_index].id)
