"""Where the user writes."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message as Said
from textual.widgets import TextArea

from hubbub_terminal.plain import harmless


class Composer(TextArea):
    """Grows with what is written. Enter sends; Shift+Enter, Alt+Enter or Ctrl+J is a new line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", show=False, priority=True),
        Binding("shift+enter,alt+enter,ctrl+j", "newline", "New line", show=False, priority=True),
    ]

    class Sent(Said):
        """What is written shall be sent."""

    class Up(Said):
        """The key ↑ where there is nothing above: to the messages."""

    class Scroll(Said):
        """A page up (-1) or down (1) in the messages."""

        def __init__(self, step: int) -> None:
            self.step = step
            super().__init__()

    def __init__(self) -> None:
        super().__init__(
            compact=True, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False
        )

    def action_send(self) -> None:
        """Send what is written."""
        self.post_message(self.Sent())

    def action_newline(self) -> None:
        """Begin another line."""
        self.insert("\n")

    def write(self, text: str) -> None:
        """Put a text there, instead of what was."""
        if text != self.text:
            self.load_text(harmless(text))
            self.move_cursor(self.document.end)

    def action_cursor_up(self, select: bool = False) -> None:
        """Up, and out at the top of an empty field."""
        if not self.text and not select:
            self.post_message(self.Up())
        else:
            super().action_cursor_up(select)

    def action_cursor_page_up(self) -> None:
        """Scroll the messages."""
        self.post_message(self.Scroll(-1))

    def action_cursor_page_down(self) -> None:
        """Scroll the messages."""
        self.post_message(self.Scroll(1))

    async def _on_paste(self, event: events.Paste) -> None:
        """What is pasted is shown at once: nothing in it may speak to the terminal."""
        event.text = harmless(event.text)
        await super()._on_paste(event)
