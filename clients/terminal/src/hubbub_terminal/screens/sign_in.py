"""Sign in, or make an account."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import HorizontalGroup, VerticalGroup
from textual.content import Content
from textual.message import Message as Said
from textual.screen import Screen
from textual.widgets import Button, Footer, Input, Static

from hubbub_client import Code, Login, Refused, Register
from hubbub_terminal.links import Link, parse
from hubbub_terminal.plain import line

NEEDS_INVITE = (Code.REGISTRATION_CLOSED, Code.INVITE_INVALID)


class SignIn(Screen[None]):
    """The first thing that is seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "other", "Sign in / make an account", priority=True)
    ]

    class Wanted(Said):
        """Somebody wants in."""

        def __init__(self, url: str, how: Login | Register) -> None:
            self.url = url
            self.how = how
            super().__init__()

    def __init__(self, link: Link, note: str = "", username: str = "") -> None:
        super().__init__()
        self._link = link
        self._note = note
        self._username = username
        self._is_new = bool(link.invite)

    def compose(self) -> ComposeResult:
        """The card."""
        with VerticalGroup(classes="card", id="enter"):
            yield Static("Hubbub", classes="title")
            yield Static(id="hint", classes="hint", markup=False)
            yield Static("Server", classes="label")
            yield Input(self._link.url, id="url")
            yield Static("User name", classes="label")
            yield Input(self._username, id="username", max_length=64)
            yield Static("Name that others see", classes="label new")
            yield Input(id="display", max_length=100, classes="new")
            yield Static("Password", classes="label")
            yield Input(id="password", password=True, max_length=256)
            yield Static("Invite, if you have one", classes="label new")
            yield Input(self._link.invite, id="invite", max_length=2000, classes="new")
            with HorizontalGroup(classes="buttons"):
                yield Button(id="go", variant="primary")
                yield Button(id="other")
            yield Static(classes="error", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """To the first empty field."""
        self._draw()
        self.tell(self._note)
        self.query_one("#password" if self._username else "#username", Input).focus()

    def _draw(self) -> None:
        for part in self.query(".new"):
            part.display = self._is_new
        self.query_one("#go", Button).label = Content(
            "Make an account" if self._is_new else "Sign in"
        )
        self.query_one("#other", Button).label = Content(
            "I have an account" if self._is_new else "I am new here"
        )
        hint = "Choose a user name and a password." if self._is_new else "Sign in to chat."
        self.query_one("#hint", Static).update(hint)

    def action_other(self) -> None:
        """The other form."""
        self._is_new = not self._is_new
        self._draw()

    @on(Button.Pressed, "#other")
    def _other(self) -> None:
        self.action_other()

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self._enter()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "password" or event.value == "" or event.input.id == "invite":
            self._enter()
        else:
            self.focus_next()

    def _enter(self) -> None:
        username = self._value("username").lower().removeprefix("@")
        password = self.query_one("#password", Input).value
        try:
            url = parse(self._value("url")).url
        except ValueError as error:
            self.tell(str(error))
            return
        if not username or not password:
            self.tell("A user name and a password are needed.")
            return
        how: Login | Register = Login(username, password)
        if self._is_new:
            how = Register(username, password, self._value("display") or None, self._code())
        self.tell("")
        self.post_message(self.Wanted(url, how))

    def _code(self) -> str | None:
        """The invite: a code, or the link that it came in."""
        given = self._value("invite")
        if "#" in given:
            given = parse(given).invite
        return given or None

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def refused(self, error: Exception, text: str) -> None:
        """It did not work."""
        if isinstance(error, Refused) and error.code in NEEDS_INVITE:
            self.query_one("#invite", Input).focus()
        self.tell(text)

    def tell(self, text: str) -> None:
        """A sentence; "" takes it back."""
        said = self.query_one(".error", Static)
        said.update(Content(line(text)))
        said.set_class(bool(text), "-shown")
