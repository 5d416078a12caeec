"""The user's own account: his name, what he shows of himself, and where he is signed in."""

from datetime import datetime
from typing import Final

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Checkbox, Input, OptionList, Static
from textual.widgets.option_list import Option

from hubbub_client import ChangePrivacy, SessionRecord
from hubbub_terminal.desk import Desk
from hubbub_terminal.plain import fit, line
from hubbub_terminal.screens.card import Card
from hubbub_terminal.screens.question import Question
from hubbub_terminal.words import brief, device

SWITCHES: Final = {
    "last_seen": "Last seen: others see when you are here",
    "read_receipts": "Read receipts: others see what you have read",
    "contacts": "Closed inbox: strangers cannot write to you",
}


class AccountCard(Card[None]):
    """Enter saves the name; each switch counts at once; a session is ended with Enter."""

    TITLE_TEXT = "Your account"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._sessions: list[SessionRecord] = []

    def body(self) -> ComposeResult:
        """Name, switches, sessions."""
        yield Static("Your name; Enter: save it", classes="label", id="name-label")
        yield Input(line(self._desk.book.me.display_name), id="name", max_length=100)
        for name, label in SWITCHES.items():
            yield Checkbox(label, id=name, disabled=True)
        hint = "What others do not see of you, you do not see of them."
        yield Static(hint, classes="hint", markup=False)
        yield Static("Signed in; Enter: sign out there", classes="label apart")
        yield OptionList(id="sessions", classes="list", markup=False)
        yield Button("Close", id="close")

    def on_mount(self) -> None:
        """Ask the server."""
        self.attempt(self._load())

    async def _load(self) -> None:
        api = self._desk.client.api
        privacy = (await api.me()).privacy
        if privacy is not None:
            now = {
                "last_seen": privacy.last_seen,
                "read_receipts": privacy.read_receipts,
                "contacts": privacy.inbox == "contacts",
            }
            for name, value in now.items():
                switch = self.query_one(f"#{name}", Checkbox)
                with switch.prevent(Checkbox.Changed):
                    switch.value = value
                switch.disabled = False
        await self._list_sessions()

    async def _list_sessions(self) -> None:
        self._sessions = await self._desk.client.api.sessions()
        now = datetime.now().astimezone()
        listed = self.query_one("#sessions", OptionList)
        listed.clear_options()
        for each in self._sessions:
            when = "this one" if each.current else brief(each.last_used_at, now)
            where = fit(device(each.device), 38)
            listed.add_option(Option(Content.assemble(where, (f"  {when}", "dim"))))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Call the user something else."""
        if event.value.strip() and event.value != self._desk.book.me.display_name:
            self.attempt(self._rename(event.value))

    async def _rename(self, name: str) -> None:
        await self._desk.client.api.change_name(name)
        self.query_one("#name-label", Static).update("Your name; saved")

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """Tell the server."""
        match event.checkbox.id:
            case "last_seen":
                change = ChangePrivacy(last_seen=event.value)
            case "read_receipts":
                change = ChangePrivacy(read_receipts=event.value)
            case _:
                change = ChangePrivacy(inbox="contacts" if event.value else "everyone")
        self.attempt(self._desk.client.api.change_privacy(change))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Ask whether to end this session."""
        session = self._sessions[event.option_index]

        def answered(sure: bool | None) -> None:
            if sure:
                self.attempt(self._end(session))

        if session.current:
            self.tell("This is the session of this terminal: Ctrl+P, Sign out.")
        else:
            question = Question(f"Sign out {device(session.device)}?", "Sign out")
            self.app.push_screen(question, answered)

    async def _end(self, session: SessionRecord) -> None:
        await self._desk.client.api.revoke_session(session.id)
        await self._list_sessions()

    def on_button_pressed(self) -> None:
        """Close."""
        self.dismiss(None)
