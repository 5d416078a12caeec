"""Are you sure?"""

from textual.app import ComposeResult
from textual.containers import HorizontalGroup
from textual.widgets import Button

from hubbub_terminal.plain import line
from hubbub_terminal.screens.card import Card


class Question(Card[bool | None]):
    """Its result: whether to do it."""

    def __init__(self, question: str, verb: str) -> None:
        super().__init__()
        self._question = question
        self._verb = verb

    @property
    def title_text(self) -> str:
        """The question."""
        return self._question

    def body(self) -> ComposeResult:
        """Two answers; the harmless one has the focus."""
        with HorizontalGroup(classes="buttons"):
            yield Button("Cancel", id="cancel")
            yield Button(line(self._verb), id="sure", variant="error")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answered."""
        self.dismiss(event.button.id == "sure")
