"""Where the user writes."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message as Said
from textual.widgets import TextArea

from hubbub_terminal.completion import begun
from hubbub_terminal.plain import harmless
from hubbub_terminal.widgets.names import Names


class Composer(TextArea):
    """Grows with what is written. Enter sends; Shift+Enter, Alt+Enter or Ctrl+J is a new line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", show=False, priority=True),
        Binding("tab", "complete", "Complete", show=False, priority=True),
        Binding("escape", "refuse", "No name", show=False),
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

    def __init__(self, names: Names) -> None:
        super().__init__(
            compact=True, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False
        )
        self._names = names

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Names are completed while there are some."""
        return self._names.is_open if action in ("complete", "refuse") else True

    # ── names ────────────────────────────────────────────────────────────────────────────────

    @property
    def _before(self) -> str:
        """What stands before the cursor in its line."""
        row, column = self.cursor_location
        return self.document.get_line(row)[:column]

    def on_text_area_selection_changed(self) -> None:
        """The cursor is elsewhere, perhaps behind the beginning of a name."""
        self._names.look(self._before)

    def on_text_area_changed(self) -> None:
        """The same when something was written."""
        self._names.look(self._before)

    def on_blur(self) -> None:
        """Nothing is completed while the keys go elsewhere."""
        self._names.look("")

    def action_refuse(self) -> None:
        """Leave the name as it is."""
        self._names.refuse(self._before)

    def action_complete(self) -> None:
        """Write the whole name."""
        row, column = self.cursor_location
        typed = begun(self._before) or ""
        self.replace(f"{self._names.chosen()} ", (row, column - len(typed)), (row, column))

    # ── what is written ──────────────────────────────────────────────────────────────────────

    def action_send(self) -> None:
        """Send what is written; or complete the name that is begun."""
        if self._names.is_open:
            self.action_complete()
        else:
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
        if self._names.is_open:
            self._names.move(-1)
        elif not self.text and not select:
            self.post_message(self.Up())
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Down, in the names if there are some."""
        if self._names.is_open:
            self._names.move(1)
        else:
            super().action_cursor_down(select)

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
