"""The application: who is signed in, and which screen is shown."""

import asyncio
import platform
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

from msgspec import Struct
from textual import work
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from hubbub_client import (
    AiohttpTransport,
    Client,
    Login,
    Options,
    Refresh,
    Register,
    SignedIn,
    SignedOut,
    StorageBusy,
    TokenProvider,
    provided,
    sign_in,
)
from hubbub_terminal import shelf
from hubbub_terminal.book import Book
from hubbub_terminal.desk import Desk
from hubbub_terminal.links import Link
from hubbub_terminal.places import Account, Places
from hubbub_terminal.plain import line
from hubbub_terminal.screens.main import Main
from hubbub_terminal.screens.new_chat import NewChat
from hubbub_terminal.screens.question import Question
from hubbub_terminal.screens.sign_in import SignIn
from hubbub_terminal.theme import DARK, LIGHT
from hubbub_terminal.trouble import TROUBLES, sentence

WINDOW: Final = 200
"""Messages of each chat that the client holds; what is scrolled through is held by the window."""
SHELVE_EVERY: Final = 60.0
"""Seconds between two savings of what is shown."""
DEVICE: Final = f"hubbub chat on {platform.node() or 'a terminal'}"
"""How the user's sessions name this one."""


class Start(Struct, frozen=True):
    """What was typed: where, as whom, with what."""

    link: Link
    username: str = ""
    token: str = ""


class ChatApp(App[None]):
    """Hubbub in a terminal. `places`: what is kept on this machine."""

    TITLE = "Hubbub"
    CSS_PATH = Path(__file__).with_name("style.tcss")
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, start: Start, places: Places) -> None:
        super().__init__()
        self._start = start
        self._places = places
        self._leave = asyncio.Event()
        self._sign_out = False
        self.desk: Desk | None = None

    def on_mount(self) -> None:
        """Begin as whoever was here last, or ask."""
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        kept = self._places.kept.theme
        self.theme = kept if kept in self.available_themes else DARK.name
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))
        link = self._start.link
        account = self._places.find(link.url, self._start.username)
        if self._start.token:
            self._by_token(link.url, self._start.token)
        elif link.signin:
            self._enter(link.url, Refresh(link.signin))
        elif account is not None and not link.invite:
            self._live(account, None)
        else:
            self._ask()

    def _keep_theme(self, name: str) -> None:
        try:
            self._places.choose_theme(name)
        except OSError as error:
            self.notify(f"The theme is not kept: {error}", severity="warning", markup=False)

    # ── coming in ────────────────────────────────────────────────────────────────────────────

    def _ask(self, note: str = "", username: str = "") -> None:
        screen = SignIn(self._start.link, note, username or self._start.username)
        if len(self.screen_stack) > 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def on_sign_in_wanted(self, event: SignIn.Wanted) -> None:
        """Somebody filled in the card."""
        self._enter(event.url, event.how)

    @work(group="enter", exclusive=True)
    async def _enter(self, url: str, how: Login | Register | Refresh) -> None:
        transport = AiohttpTransport(url, {"User-Agent": DEVICE})
        call = {Login: "login", Register: "register", Refresh: "refresh"}[type(how)]
        try:
            signed_in = await sign_in(transport, call, how)
        except TROUBLES as error:
            if isinstance(how, Refresh):
                self._ask("This link was used already, or is too old. Sign in.")
            elif isinstance(self.screen, SignIn):
                self.screen.refused(error, sentence(error))
            return
        finally:
            await transport.close()
        self._live(Account(url, signed_in.user), signed_in)

    @work(group="enter", exclusive=True)
    async def _by_token(self, url: str, token: str) -> None:
        transport = AiohttpTransport(url, {"User-Agent": DEVICE})
        try:
            signed_in = await provided(_once(token), transport)
        except TROUBLES as error:
            self._ask(sentence(error))
            return
        finally:
            await transport.close()
        self._live(Account(url, signed_in.user), None, token)

    # ── being here ───────────────────────────────────────────────────────────────────────────

    @work(group="live")
    async def _live(self, account: Account, signed_in: SignedIn | None, token: str = "") -> None:
        """One user's stay, from the start of the client to its end."""
        note = ""
        try:
            storage = self._places.storage(account)
            provider = _once(token) if token else None
            options = Options(window=WINDOW)
            client = Client(account.url, storage=storage, options=options, token=provider)
            if signed_in is not None:
                await client.use_tokens(signed_in)
            async with client:
                if not token:
                    self._places.use(account)
                await self._stay(account, client)
                if self._sign_out:
                    await _log_out(client)
        except SignedOut:
            note = "Sign in again."
        except StorageBusy:
            note = "Another hubbub chat of this user runs on this machine."
        except OSError as error:
            note = f"{self._places.folder}: {error.strerror or error}"
        self.desk = None
        if self._sign_out:
            self._places.forget(account)
            self._sign_out = False
            self._leave.clear()
            self._ask()
        elif self._leave.is_set():
            self.exit()
        else:
            self._ask(note or "You were signed out. Sign in again.", account.user.username)

    async def _stay(self, account: Account, client: Client) -> None:
        book = Book(client.user)
        path = self._places.shelf(account)
        shelf.load(path, book)
        desk = self.desk = Desk(client, book, self._changed, self._complain)
        main = Main(desk)
        if len(self.screen_stack) > 1:
            await self.switch_screen(main)
        else:
            await self.push_screen(main)
        if self._start.link.join:
            self.push_screen(NewChat(desk, self._start.link.join), main.show)
        async with asyncio.TaskGroup() as group:
            saving = group.create_task(self._save(path, book))
            running = group.create_task(desk.run())
            leaving = group.create_task(self._leave.wait())
            await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
            for task in (saving, running, leaving):
                task.cancel()
        main.keep_draft()
        if not self._sign_out:
            self._shelve(path, book)

    async def _save(self, path: Path, book: Book) -> None:
        while True:
            await asyncio.sleep(SHELVE_EVERY)
            self._shelve(path, book)

    def _shelve(self, path: Path, book: Book) -> None:
        try:
            shelf.save(path, shelf.encode(book))
        except OSError as error:
            self.notify(f"{path}: {error.strerror}", severity="warning", markup=False)

    def _changed(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, Main):
                screen.changed()

    def _complain(self, text: str) -> None:
        self.notify(line(text), severity="warning", markup=False)

    # ── leaving ──────────────────────────────────────────────────────────────────────────────

    async def action_quit(self) -> None:
        """Store what is to be stored, and end."""
        if self.desk is None:
            self.exit()
        self._leave.set()

    def action_sign_out(self) -> None:
        """Ask, since what waits is lost then."""

        def answered(sure: bool | None) -> None:
            if sure:
                self._sign_out = True
                self._leave.set()

        text = "Sign out? Nothing of the account stays on this machine, nor what still waits."
        self.push_screen(Question(text, "Sign out"), answered)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers."""
        yield from super().get_system_commands(screen)
        if isinstance(screen, Main):
            yield SystemCommand("Find a chat", "By a few letters of its name", screen.action_find)
            yield SystemCommand("New chat or group", "Or come into one", screen.action_new)
            yield SystemCommand("Details", "Members, settings, invites", screen.action_details)
            yield SystemCommand(
                "Your account",
                "Name, privacy, where you are signed in",
                screen.action_account,
            )
            yield SystemCommand("Next unread chat", "", screen.action_unread)
            yield SystemCommand("Help", "All keys", screen.action_help)
            yield SystemCommand("Sign out", "And forget the account here", self.action_sign_out)


def _once(token: str) -> TokenProvider:
    """Gives a token that was typed; when it has ended there is no other."""
    given = [token]

    async def provide() -> str:
        if not given:
            raise SignedOut("the token has ended")
        return given.pop()

    return provide


async def _log_out(client: Client) -> None:
    with suppress(*TROUBLES):  # the tokens are forgotten here all the same
        await client.api.logout()
