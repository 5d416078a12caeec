"""What a message said before it was edited."""

from datetime import datetime

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from hubbub_terminal.desk import Desk
from hubbub_terminal.plain import line
from hubbub_terminal.screens.card import Card
from hubbub_terminal.words import AnyMessage, brief


class Versions(Card[None]):
    """One message's, the newest first."""

    TITLE_TEXT = "Versions"

    def __init__(self, desk: Desk, message: AnyMessage) -> None:
        super().__init__()
        self._desk = desk
        self._message = message

    def body(self) -> ComposeResult:
        """The list."""
        yield OptionList(classes="list", markup=False)

    def on_mount(self) -> None:
        """What it says now; then ask the server."""
        self.query_one(OptionList).focus()
        self.attempt(self._load())

    async def _load(self) -> None:
        now = datetime.now().astimezone()
        versions = await self._desk.client.api.edits(self._message.id)
        listed = self.query_one(OptionList)
        listed.add_option(_option("now", self._message.content))
        for each in versions:
            listed.add_option(_option(brief(each.at, now), each.content))
        listed.action_first()


def _option(when: str, text: str) -> Option:
    return Option(Content.assemble((f"{when:6}  ", "dim"), line(text)))
