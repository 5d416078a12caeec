"""What a chat is, who is in it, and what can be done to it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import HorizontalGroup
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from hubbub_client import Member
from hubbub_terminal.chat import Chat
from hubbub_terminal.desk import Desk
from hubbub_terminal.plain import fit, line
from hubbub_terminal.screens.card import Card
from hubbub_terminal.screens.invites import Invites
from hubbub_terminal.screens.member import MemberCard
from hubbub_terminal.screens.mute import Mute
from hubbub_terminal.screens.new_chat import people
from hubbub_terminal.screens.pins import Pins
from hubbub_terminal.screens.question import Question
from hubbub_terminal.screens.settings import GroupSettings
from hubbub_terminal.words import many

PAGE = 100


class Details(Card[Chat | str | None]):
    """One chat's. Its result is where to go: another chat, or one of its messages."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f5", "reload", "Read again", show=False)]

    def __init__(self, desk: Desk, chat: Chat) -> None:
        super().__init__()
        self._desk = desk
        self._chat = chat
        self._members: list[Member] = []
        self._cursor: str | None = None
        self._more = False

    @property
    def title_text(self) -> str:
        """The chat's name."""
        return self._chat.title

    def body(self) -> ComposeResult:
        """About, buttons, members."""
        chat = self._chat
        yield Static(Content(about(chat)), classes="hint", id="about-chat")
        with HorizontalGroup(classes="buttons"):
            if chat.leads:
                yield Button("Settings", id="settings")
                yield Button("Invites", id="invites")
            yield Button("Pinned", id="pins")
            yield Button("Mute", id="mute-chat")
            if chat.record.peer is not None:
                blocked = chat.record.peer.id in self._desk.book.blocked
                yield Button("Unblock" if blocked else "Block", id="block")
            if chat.is_group:
                yield Button("Leave", id="leave", variant="error")
        if chat.leads:
            yield Static("Add people, by user name", classes="label")
            yield Input(id="add", placeholder="bob carol")
        yield OptionList(id="members", classes="list", markup=False)

    def on_mount(self) -> None:
        """Read the members."""
        self.query_one("#members", OptionList).focus()
        self.action_reload()

    def action_reload(self) -> None:
        """Read the members again."""
        self._members, self._cursor, self._more = [], None, False
        self.query_one("#members", OptionList).clear_options()
        self.attempt(self._load())

    async def _load(self) -> None:
        page = await self._desk.client.members(self._chat.id, PAGE, self._cursor)
        self._desk.book.meet(member.user for member in page.members)
        self._members += page.members
        self._cursor, self._more = page.cursor, page.has_more
        self._draw()

    def _draw(self) -> None:
        listed = self.query_one("#members", OptionList)
        at = listed.highlighted
        listed.clear_options()
        for member in self._members:
            role = "" if member.role == "member" else member.role
            you = " (you)" if member.user.id == self._desk.book.me.id else ""
            name = fit(line(member.user.display_name) + you, 28)
            told = f"@{line(member.user.username)}"
            listed.add_option(
                Option(Content.assemble(name, (f" {fit(told, 18)}", "dim"), f" {role}"))
            )
        if self._more:
            listed.add_option(Option("more …", id="more"))
        listed.highlighted = at if at is not None else 0
        self.query_one("#about-chat", Static).update(Content(about(self._chat)))
        self.query_one(".title", Static).update(Content(self.title_text))

    # ── doing ────────────────────────────────────────────────────────────────────────────────

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A member: what can be done with one; or more of them."""
        if event.option_id == "more":
            self.attempt(self._load())
        elif self._members[event.option_index].user.id != self._desk.book.me.id:
            card = MemberCard(self._desk, self._chat, self._members[event.option_index])
            self.app.push_screen(card, self._done)

    def _done(self, result: Chat | bool | None) -> None:
        if isinstance(result, Chat):
            self.dismiss(result)
        elif result:
            self.action_reload()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Add people."""
        self.attempt(self._add(event.input))

    async def _add(self, field: Input) -> None:
        found = await people(self._desk, field.value)
        if isinstance(found, str):
            self.tell(found)
        elif found:
            users = [user.id for user in found]
            call = self._desk.client.api.add_members(self._chat.id, users)
            await self._desk.change(self._chat, call)
            field.value = ""
            self.action_reload()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Another card."""
        match event.button.id:
            case "settings":
                self.app.push_screen(GroupSettings(self._desk, self._chat), self._done)
            case "mute-chat":
                self.app.push_screen(Mute(self._desk, self._chat), self._done)
            case "pins":
                self.app.push_screen(Pins(self._desk, self._chat), self._go_to)
            case "block":
                self.attempt(self._block())
            case "invites":
                self.app.push_screen(Invites(self._desk, self._chat))
            case _:
                question = Question(f"Leave {self._chat.title}?", "Leave")
                self.app.push_screen(question, self._leave)

    def _go_to(self, message_id: str | None) -> None:
        if message_id is not None:
            self.dismiss(message_id)

    async def _block(self) -> None:
        peer, book = self._chat.record.peer, self._desk.book
        assert peer is not None
        await self._desk.block(peer.id, peer.id not in book.blocked)
        self.dismiss(None)

    def _leave(self, sure: bool | None) -> None:
        if sure:
            self.attempt(self._go())

    async def _go(self) -> None:
        await self._desk.client.api.leave(self._chat.id)
        self.dismiss(None)


def about(chat: Chat) -> str:
    """What there is to say of a chat, in lines."""
    record = chat.record
    if record.peer is not None:
        return f"@{line(record.peer.username)}"
    told = [many(record.member_count, "member"), f"you are {record.role}", record.visibility]
    if record.posting == "admins":
        told.append("only admins write")
    lines = [line(record.description), " · ".join(told)]
    return "\n".join(filter(None, lines))
