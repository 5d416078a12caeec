"""For how long a chat shall not disturb."""

from datetime import UTC, datetime, timedelta
from typing import Final

from textual.app import ComposeResult
from textual.containers import HorizontalGroup
from textual.widgets import Button

from hubbub_terminal.chat import Chat
from hubbub_terminal.desk import Desk
from hubbub_terminal.screens.card import Card
from hubbub_terminal.words import stamp

HOURS: Final = {"hour": 1, "night": 8, "week": 7 * 24, "ever": 100 * 365 * 24}


class Mute(Card[bool | None]):
    """Its result: whether something was changed."""

    TITLE_TEXT = "Do not disturb me with this chat"

    def __init__(self, desk: Desk, chat: Chat) -> None:
        super().__init__()
        self._desk = desk
        self._chat = chat

    def body(self) -> ComposeResult:
        """A button for each time."""
        with HorizontalGroup(classes="buttons"):
            yield Button("1 hour", id="hour")
            yield Button("8 hours", id="night")
            yield Button("a week", id="week")
            yield Button("ever", id="ever")
        if self._chat.is_muted:
            with HorizontalGroup(classes="buttons"):
                yield Button("Disturb me again", id="off", variant="primary")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Chosen."""
        hours = HOURS.get(event.button.id or "")
        end = None if hours is None else datetime.now(UTC) + timedelta(hours=hours)
        self.attempt(self._mute(None if end is None else stamp(end.timestamp())))

    async def _mute(self, until: str | None) -> None:
        await self._desk.client.api.mute(self._chat.id, until)
        self._chat.mute(until)
        self.dismiss(True)
