"""React to a message, and see who has."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import HorizontalGroup
from textual.content import Content
from textual.widgets import Button, Input, Static

from hubbub_client import Reactor
from hubbub_terminal.desk import Desk
from hubbub_terminal.plain import cut, line
from hubbub_terminal.screens.card import Card
from hubbub_terminal.words import AnyMessage

QUICK: Final = ("👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👀")


class React(Card[None]):
    """A number puts an emoji there, or takes one's own away; any other can be written."""

    TITLE_TEXT = "React"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(str(number), f"choose({number - 1})", show=False)
        for number in range(1, len(QUICK) + 1)
    ]

    def __init__(self, desk: Desk, message: AnyMessage) -> None:
        super().__init__()
        self._desk = desk
        self._message = message
        self._own: list[str] | None = None

    def body(self) -> ComposeResult:
        """Emoji, a field, who has reacted."""
        yield Static(Content(cut(line(self._message.content), 200)), classes="hint")
        with HorizontalGroup(classes="buttons"):
            for number, emoji in enumerate(QUICK, 1):
                yield Button(f"{number} {emoji}", classes="quick", id=f"quick-{number}")
        yield Static("Another emoji", classes="label apart")
        yield Input(id="emoji", max_length=64)
        yield Static(id="reactors", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Ask who has reacted."""
        self.query_one("#quick-1").focus()
        if self._message.reactions:
            self.attempt(self._load())

    async def _load(self) -> None:
        page = await self._desk.client.api.reactions(self._message.id, limit=50)
        self._own = page.own
        await self._desk.know([each.user_id for each in page.reactors])
        lines = [self._line(each) for each in page.reactors]
        self.query_one("#reactors", Static).update("\n".join(lines + ["…"] * page.has_more))

    def _line(self, reactor: Reactor) -> str:
        emoji = " ".join(line(each.emoji) for each in reactor.reactions)
        return f"{self._desk.book.name(reactor.user_id)}  {emoji}"

    def action_choose(self, index: int) -> None:
        """One of those that are shown."""
        self.attempt(self._react(QUICK[index]))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The same."""
        self.action_choose(int((event.button.id or "").removeprefix("quick-")) - 1)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Another one."""
        if event.value.strip():
            self.attempt(self._react(event.value.strip()))

    async def _react(self, emoji: str) -> None:
        api = self._desk.client.api
        if self._own is None and self._message.reactions:
            self._own = (await api.reactions(self._message.id, limit=1)).own
        await api.react(self._message.id, emoji, emoji not in (self._own or ()))
        self.dismiss(None)
