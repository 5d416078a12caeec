"""What can be done with a member."""

from collections.abc import Awaitable

from textual.app import ComposeResult
from textual.containers import HorizontalGroup
from textual.content import Content
from textual.widgets import Button, Static

from hubbub_client import Member
from hubbub_terminal.chat import Chat
from hubbub_terminal.desk import Desk
from hubbub_terminal.plain import line
from hubbub_terminal.screens.card import Card


class MemberCard(Card[Chat | bool | None]):
    """Its result: a direct chat, or whether the member is another now."""

    def __init__(self, desk: Desk, chat: Chat, member: Member) -> None:
        super().__init__()
        self._desk = desk
        self._chat = chat
        self._member = member

    @property
    def title_text(self) -> str:
        """Who it is."""
        return self._member.user.display_name

    def body(self) -> ComposeResult:
        """What the user may do; the server has the last word."""
        member, role = self._member, self._chat.record.role
        yield Static(Content(f"@{line(member.user.username)} · {member.role}"), classes="hint")
        with HorizontalGroup(classes="buttons"):
            yield Button("Write", id="write", variant="primary")
            if self._chat.is_group and role == "owner":
                for other in ("owner", "admin", "member"):
                    if other != member.role:
                        yield Button(f"Make {other}", id=other)
            if self._chat.is_group and (
                role == "owner" or (role == "admin" and member.role == "member")
            ):
                yield Button("Remove", id="remove", variant="error")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do it."""
        api, chat, user = self._desk.client.api, self._chat, self._member.user
        match event.button.id:
            case "write":
                self.attempt(self._write())
            case "remove":
                self.attempt(self._change(api.remove_member(chat.id, user.id)))
            case "owner" | "admin" | "member" as role:
                self.attempt(self._change(api.change_role(chat.id, user.id, role)))
            case _:
                pass

    async def _write(self) -> None:
        self.dismiss(await self._desk.direct(self._member.user))

    async def _change(self, call: Awaitable[object]) -> None:
        await self._desk.change(self._chat, call)
        self.dismiss(True)
