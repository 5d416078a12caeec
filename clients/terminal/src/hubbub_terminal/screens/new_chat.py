"""Begin a chat with a person, make a group, or come into one."""

import re
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Checkbox, Input, OptionList, Static, TabbedContent, TabPane
from textual.widgets.option_list import Option

from hubbub_client import PublicChat, User
from hubbub_terminal.chat import Chat
from hubbub_terminal.desk import Desk
from hubbub_terminal.links import parse
from hubbub_terminal.plain import cut, line
from hubbub_terminal.screens.card import Card
from hubbub_terminal.words import many


class NewChat(Card[Chat | None]):
    """Its result is the chat. `join`: the code of a link into a group, to begin with."""

    TITLE_TEXT = "New"

    def __init__(self, desk: Desk, join: str = "") -> None:
        super().__init__()
        self._desk = desk
        self._code = join
        self._found: Sequence[PublicChat] = ()

    def body(self) -> ComposeResult:
        """A part for each."""
        with TabbedContent(initial="join" if self._code else "person"):
            with TabPane("Person", id="person"):
                yield Static("User name", classes="label")
                yield Input(id="user", placeholder="bob")
                yield Button("Write", id="do-person", variant="primary")
            with TabPane("Group", id="group"):
                yield Static("Title", classes="label")
                yield Input(id="title", max_length=200)
                yield Static("People, by user name", classes="label")
                yield Input(id="people", placeholder="bob carol dave")
                yield Checkbox("Who joins sees what was said before", id="history")
                yield Checkbox("Public: everybody can find it and join", id="public")
                yield Button("Make the group", id="do-group", variant="primary")
            with TabPane("Join", id="join"):
                yield Static(
                    "A link that you were given, or words to find a group", classes="label"
                )
                yield Input(id="where", value=self._code)
                yield Static(id="invited", classes="hint", markup=False)
                yield OptionList(id="groups", classes="list", markup=False)
                yield Button("Join", id="do-join", variant="primary")

    def on_mount(self) -> None:
        """To the first field."""
        self.query_one("#where" if self._code else "#user", Input).focus()
        if self._code:
            self.attempt(self._look(self._code))
        else:
            self.attempt(self._search(""))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field: the next one, or done."""
        match event.input.id:
            case "title":
                self.query_one("#people", Input).focus()
            case "where":
                self.attempt(self._where(event.value.strip()))
            case _:
                self._do()

    def on_button_pressed(self) -> None:
        """Done."""
        self._do()

    def _do(self) -> None:
        match self.query_one(TabbedContent).active:
            case "person":
                self.attempt(self._person())
            case "group":
                self.attempt(self._group())
            case _ if self._code:
                self.attempt(self._follow())
            case _:
                self.attempt(self._where(self.query_one("#where", Input).value.strip()))

    # ── a person, a group ────────────────────────────────────────────────────────────────────

    async def _person(self) -> None:
        found = await people(self._desk, self.query_one("#user", Input).value)
        if isinstance(found, str):
            self.tell(found)
        elif len(found) == 1:
            self.dismiss(await self._desk.direct(found[0]))
        else:
            self.tell("One user name, please. For several people make a group.")

    async def _group(self) -> None:
        title = self.query_one("#title", Input).value.strip()
        found = await people(self._desk, self.query_one("#people", Input).value)
        if not title:
            self.tell("A group needs a title.")
        elif isinstance(found, str):
            self.tell(found)
        else:
            history = self.query_one("#history", Checkbox).value
            public = self.query_one("#public", Checkbox).value
            self.dismiss(await self._desk.group(title, found, history=history, public=public))

    # ── coming in ────────────────────────────────────────────────────────────────────────────

    async def _where(self, text: str) -> None:
        self._code = ""
        self.query_one("#invited", Static).update("")
        if "#join=" in text:
            try:
                await self._look(parse(text).join)
            except ValueError as error:
                self.tell(str(error))
        else:
            await self._search(text)

    async def _look(self, code: str) -> None:
        found = await self._desk.client.api.look_at_invite(code)
        self._code = code
        title = line(found.title or "") or "a group without a title"
        by, size = line(found.invited_by.display_name), many(found.member_count, "member")
        told = f"{by} invites you to {title}, {size}."
        self.query_one("#invited", Static).update(Content(told))
        self.query_one("#do-join", Button).focus()

    async def _follow(self) -> None:
        self.dismiss(self._desk.came(await self._desk.client.api.follow_invite(self._code)))

    async def _search(self, text: str) -> None:
        self._found = (await self._desk.client.api.public_chats(text, limit=50)).chats
        groups = self.query_one("#groups", OptionList)
        groups.clear_options()
        for chat in self._found:
            about = f"  {many(chat.member_count, 'member')}  {line(chat.description)}"
            groups.add_option(
                Option(Content.assemble((line(chat.title), "bold"), (cut(about, 60), "dim")))
            )
        if not self._found and text:
            groups.add_option(Option(Content("No public group is called so."), disabled=True))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Join a public group."""
        self.attempt(self._join(self._found[event.option_index]))

    async def _join(self, chat: PublicChat) -> None:
        self.dismiss(self._desk.came(await self._desk.client.api.join(chat.id)))


async def people(desk: Desk, text: str) -> list[User] | str:
    """The users of these names, or a sentence about one that is not there. Raises."""
    found: list[User] = []
    for name in re.split(r"[\s,;]+", text.strip()):
        if name:
            user = await desk.find_user(name)
            if user is None:
                return f"Nobody is called @{name.removeprefix('@')} here."
            found.append(user)
    return found
