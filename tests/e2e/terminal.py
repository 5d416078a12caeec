"""A terminal with `hubbub chat` in it, and somebody who types and looks."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from hubbub_terminal import ChatApp, Places, Start, parse
from hubbub_terminal.chat import Chat
from hubbub_terminal.desk import Desk
from hubbub_terminal.screens.main import Main
from tests.support.wait import eventually

PATIENCE = 30.0


class Terminal:
    """One person's. Everything is done with keys, and seen on the screen."""

    def __init__(self, app: ChatApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def main(self) -> Main:
        """The screen with the chats."""
        (screen,) = [each for each in self.app.screen_stack if isinstance(each, Main)]
        return screen

    @property
    def desk(self) -> Desk:
        """What is behind the screen."""
        assert self.app.desk is not None
        return self.app.desk

    @property
    def chat(self) -> Chat:
        """The open chat."""
        assert self.main.room.chat is not None
        return self.main.room.chat

    def lines(self) -> list[str]:
        """What is on the screen."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    def talk(self) -> list[str]:
        """What is in the open chat, all that is held of it."""
        blocks = self.main.room.messages._blocks
        rows = [
            "".join(span.text for span in row).strip() for block in blocks for row in block.rows
        ]
        return [row for row in rows if row]

    async def sees(self, *words: str) -> None:
        """Return once all of it is on the screen."""
        await self.until(lambda: all(word in "\n".join(self.lines()) for word in words), str(words))

    async def sees_no(self, word: str) -> None:
        """Return once it is not on the screen."""
        await self.until(lambda: word not in "\n".join(self.lines()), f"no {word}")

    async def more_than(self, rows: int) -> None:
        """Return once more of the chat is held."""
        await self.until(lambda: len(self.talk()) > rows, "more of the chat")

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Return once it is so."""
        try:
            await eventually(condition, what, PATIENCE)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *self.lines()])) from None

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str, *keys: str) -> None:
        """Write a text, then press keys."""
        await self.pilot.press(*["space" if each == " " else each for each in text], *keys)
        await self.pilot.pause()

    async def sign_in(self, username: str, password: str) -> None:
        """Fill in the card."""
        await self.sees("User name")
        await self.type(username, "enter")
        await self.type(password, "enter")
        await self.online()

    async def online(self) -> None:
        """Return once everything is there."""
        await self.sees("●")
        await self.until(lambda: self.app.desk is not None and self.app.desk.arrived, "all chats")

    async def open(self, name: str) -> None:
        """Find a chat and open it."""
        await self.press("ctrl+k")
        await self.sees("Find a chat")
        await self.type(name)
        await self.press("enter")
        await self.sees("Message " + name)


@asynccontextmanager
async def terminal(
    url: str, state: Path, size: tuple[int, int] = (100, 30), token: str = ""
) -> AsyncIterator[Terminal]:
    """A terminal until the block ends; it is left as with Ctrl+Q."""
    app = ChatApp(Start(parse(url), token=token), Places(state))
    async with app.run_test(size=size) as pilot:
        try:
            yield Terminal(app, pilot)
        finally:
            await app.action_quit()
            await eventually(lambda: app.desk is None, "the client has ended", PATIENCE)
