"""The links into a group."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import HorizontalGroup
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from hubbub_client import ChatInvite
from hubbub_terminal.chat import Chat
from hubbub_terminal.desk import Desk
from hubbub_terminal.plain import line
from hubbub_terminal.screens.card import Card
from hubbub_terminal.screens.question import Question
from hubbub_terminal.words import many, moment

DAY: Final = 86_400


class Invites(Card[None]):
    """Make one, end one."""

    TITLE_TEXT = "Links into the group"

    def __init__(self, desk: Desk, chat: Chat) -> None:
        super().__init__()
        self._desk = desk
        self._chat = chat
        self._invites: Sequence[ChatInvite] = ()

    def body(self) -> ComposeResult:
        """A form, and what there is."""
        yield Static("Days that it is good for (empty: for ever)", classes="label")
        yield Input("7", id="days", type="integer", max_length=3)
        yield Static("People that it is good for (empty: any number)", classes="label")
        yield Input(id="uses", type="integer", max_length=6)
        with HorizontalGroup(classes="buttons"):
            yield Button("Make a link", id="make", variant="primary")
        yield Static(id="link", markup=False)
        yield OptionList(classes="list", markup=False)

    def on_mount(self) -> None:
        """Read what there is."""
        self.query_one("#make", Button).focus()
        self.attempt(self._load())

    async def _load(self) -> None:
        self._invites = await self._desk.client.api.invites(self._chat.id)
        await self._desk.know([invite.created_by for invite in self._invites])
        listed = self.query_one(OptionList)
        listed.clear_options()
        for invite in self._invites:
            listed.add_option(Option(Content(self._told(invite))))

    def _told(self, invite: ChatInvite) -> str:
        most = f" of {invite.max_uses:,}" if invite.max_uses else ""
        end = f"until {moment(invite.expires_at):%d %b %H:%M}" if invite.expires_at else "for ever"
        name = self._desk.book.called(invite.created_by)
        return f"{end}, used {many(invite.uses, 'time')}{most}, by {name}"

    def on_button_pressed(self) -> None:
        """Make one."""
        self.attempt(self._make())

    def on_input_submitted(self) -> None:
        """Make one."""
        self.attempt(self._make())

    async def _make(self) -> None:
        days, uses = (self.query_one(f"#{name}", Input).value for name in ("days", "uses"))
        made = await self._desk.client.api.create_invite(
            self._chat.id, int(days) * DAY if days else None, int(uses) if uses else None
        )
        self.app.copy_to_clipboard(made.url)
        self.query_one("#link", Static).update(
            Content(f"{line(made.url)}\nCopied. It is shown once.")
        )
        await self._load()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End one."""
        invite = self._invites[event.option_index]

        def answered(sure: bool | None) -> None:
            if sure:
                self.attempt(self._end(invite))

        self.app.push_screen(Question("End this link?", "End it"), answered)

    async def _end(self, invite: ChatInvite) -> None:
        await self._desk.client.api.end_invite(self._chat.id, invite.id)
        await self._load()
