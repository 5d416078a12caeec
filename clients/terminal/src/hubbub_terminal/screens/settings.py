"""A group's settings."""

from textual.app import ComposeResult
from textual.widgets import Button, Checkbox, Input, Static

from hubbub_client import ChangeChat
from hubbub_terminal.chat import Chat
from hubbub_terminal.desk import Desk
from hubbub_terminal.plain import harmless
from hubbub_terminal.screens.card import Card


class GroupSettings(Card[bool | None]):
    """Its result: whether something was changed."""

    TITLE_TEXT = "Settings of the group"

    def __init__(self, desk: Desk, chat: Chat) -> None:
        super().__init__()
        self._desk = desk
        self._chat = chat

    def body(self) -> ComposeResult:
        """One field for each; what says who sees what, owners alone change."""
        now = self._chat.record
        owner = now.role == "owner"
        yield Static("Title", classes="label")
        yield Input(_one_line(now.title or ""), id="title", max_length=200)
        yield Static("Description", classes="label")
        yield Input(_one_line(now.description), id="description", max_length=1000)
        yield Static("Slow mode: seconds between two messages, 0 for none", classes="label")
        yield Input(str(now.slow_seconds), id="slow", type="integer", max_length=5)
        yield Checkbox("Only admins write", now.posting == "admins", id="posting")
        yield Checkbox(
            "Members see what was said before they came",
            now.history == "all",
            id="history",
            disabled=not owner,
        )
        yield Checkbox(
            "Public: everybody can find it and join",
            now.visibility == "public",
            id="public",
            disabled=not owner,
        )
        yield Button("Save", variant="primary")

    def on_mount(self) -> None:
        """To the title."""
        self.query_one("#title", Input).focus()

    def on_input_submitted(self) -> None:
        """Save."""
        self.attempt(self._save())

    def on_button_pressed(self) -> None:
        """Save."""
        self.attempt(self._save())

    async def _save(self) -> None:
        change = self._changes()
        if change == ChangeChat():
            self.dismiss(False)
            return
        call = self._desk.client.api.change_chat(self._chat.id, change)
        await self._desk.change(self._chat, call)
        self.dismiss(True)

    def _changes(self) -> ChangeChat:
        """What differs from what is."""
        now, change = self._chat.record, ChangeChat()
        title, description = self._value("title"), self._value("description")
        if title != _one_line(now.title or ""):
            change.title = title or None
        if description != _one_line(now.description):
            change.description = description
        slow = int(self._value("slow") or 0)
        if slow != now.slow_seconds:
            change.slow_seconds = slow
        if self._on("posting") != (now.posting == "admins"):
            change.posting = "admins" if self._on("posting") else "all"
        if self._on("history") != (now.history == "all"):
            change.history = "all" if self._on("history") else "joined"
        if self._on("public") != (now.visibility == "public"):
            change.visibility = "public" if self._on("public") else "private"
        return change

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _on(self, name: str) -> bool:
        return self.query_one(f"#{name}", Checkbox).value


def _one_line(text: str) -> str:
    return " ".join(harmless(text).split())
