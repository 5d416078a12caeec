"""All keys, on one page."""

from typing import Final

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from hubbub_terminal.screens.card import Card

KEYS: Final = (
    ("Everywhere", (
        ("Ctrl+K", "find a chat as you type"),
        ("Ctrl+N", "new chat or group, public groups, links"),
        ("Ctrl+O", "members, pins, settings, mute, block"),
        ("Alt+↑ Alt+↓", "chat above, below"),
        ("Alt+N", "next unread chat"),
        ("Tab", "from part to part"),
        ("Ctrl+P", "all commands: account, theme, sign out …"),
        ("Ctrl+Q", "quit; what waits is sent next time"),
    )),
    ("Writing", (
        ("Enter", "send"),
        ("Ctrl+J", "new line (also Shift+Enter, Alt+Enter)"),
        ("@", "name somebody: ↑ ↓, Tab or Enter, Esc"),
        ("↑", "in an empty field: choose a message"),
        ("PgUp PgDn", "scroll"),
        ("Esc", "back"),
    )),
    ("On a message", (
        ("↑ ↓", "another one"),
        ("r  t  f", "reply, open its thread, forward"),
        ("+", "react with an emoji, see who has"),
        ("e  d  p", "edit, delete, pin: where you may"),
        ("x", "delete for you alone"),
        ("v", "what it said before"),
        ("y", "copy"),
        ("o", "open its link"),
        ("Enter", "who got and read it; try again"),
        ("Del", "discard what could not be sent"),
        ("End", "to the newest"),
    )),
    ("Ticks", (
        ("◷", "waits on this device"),
        ("✓", "stored by the server"),
        ("✓✓", "on everybody's device; in colour: read"),
        ("✗", "refused"),
    )),
)  # fmt: skip


class Help(Card[None]):
    """The page."""

    TITLE_TEXT = "Keys"

    def body(self) -> ComposeResult:
        """One section after another."""
        for name, keys in KEYS:
            parts: list[tuple[str, str] | str] = [(f"{name}\n", "bold $primary")]
            for key, what in keys:
                parts += [(f"  {key:12}", "bold"), f"  {what}\n"]
            yield Static(Content.assemble(*parts), markup=False)
