"""A dialog: a card over the screen, with a title, perhaps a sentence about what went wrong."""

from collections.abc import Awaitable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from hubbub_terminal.plain import line
from hubbub_terminal.trouble import TROUBLES, sentence

R = TypeVar("R")


class Card(ModalScreen[R]):
    """Escape closes it without a result. Subclasses compose in `body`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Close")]
    TITLE_TEXT: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self._working = False

    def compose(self) -> ComposeResult:
        """The card."""
        with VerticalScroll(classes="card", can_focus=False):
            yield Static(Content(line(self.title_text)), classes="title")
            yield from self.body()
            yield Static(classes="error", markup=False)

    @property
    def title_text(self) -> str:
        """What it is called."""
        return self.TITLE_TEXT

    def body(self) -> ComposeResult:
        """What it is made of."""
        raise NotImplementedError

    def action_cancel(self) -> None:
        """Close it."""
        self.dismiss(None)

    def tell(self, text: str) -> None:
        """Say what went wrong; "" takes it back."""
        said = self.query_one(".error", Static)
        said.update(Content(line(text)))
        said.set_class(bool(text), "-shown")

    def attempt(self, work: Awaitable[object]) -> None:
        """Do something, once at a time; what goes wrong stands in the card."""
        self.run_worker(self._attempt(work), group="card", exclusive=False)

    async def _attempt(self, work: Awaitable[object]) -> None:
        self.tell("")
        try:
            await work
        except TROUBLES as error:
            if self.is_attached:
                self.tell(sentence(error))
