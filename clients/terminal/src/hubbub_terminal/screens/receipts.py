"""Who got and read a message, when."""

from datetime import datetime

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static

from hubbub_terminal.desk import Desk
from hubbub_terminal.plain import cut, fit, line
from hubbub_terminal.screens.card import Card
from hubbub_terminal.words import AnyMessage, brief, many


class Receipts(Card[None]):
    """One message's."""

    TITLE_TEXT = "Receipts"

    def __init__(self, desk: Desk, message: AnyMessage) -> None:
        super().__init__()
        self._desk = desk
        self._message = message

    def body(self) -> ComposeResult:
        """What was said, counts, people."""
        yield Static(Content(cut(line(self._message.content), 200)), classes="hint")
        yield Static("…", id="counts", markup=False)
        yield OptionList(classes="list", markup=False)

    def on_mount(self) -> None:
        """Ask the server."""
        self.attempt(self._load())

    async def _load(self) -> None:
        page = await self._desk.client.api.receipts(self._message.id, limit=200)
        everybody = many(page.recipients, "recipient")
        told = f"{everybody}: {page.delivered:,} got it, {page.read:,} read it"
        self.query_one("#counts", Static).update(Content(told))
        await self._desk.know([each.user_id for each in page.receipts])
        now = datetime.now().astimezone()
        people = self.query_one(OptionList)
        for each in page.receipts:
            if each.read_at:
                status, role = f"✓✓ read {brief(each.read_at, now)}", "$primary"
            elif each.delivered_at:
                status, role = f"✓✓ got {brief(each.delivered_at, now)}", ""
            else:
                status, role = "✓ sent", "dim"
            name = fit(self._desk.book.name(each.user_id), 30)
            people.add_option(Content.assemble(name, "  ", (status, role)))
        if page.has_more:
            people.add_option(Content("and more"))
