"""What went wrong, in a sentence for the user."""

from collections.abc import Coroutine
from typing import Any

from textual.widget import Widget

from hubbub_client import HubbubError, OutboxFull, Refused, SignedOut, TooLarge, Unreachable
from hubbub_terminal.plain import line

TROUBLES = (Refused, HubbubError)
"""What the server or the client may say no with."""


def sentence(error: Exception) -> str:
    """A plain line."""
    match error:
        case Refused(message=message):
            return line(message)
        case Unreachable():
            return "Network error; try again when the server answers."
        case SignedOut():
            return "You are signed out."
        case OutboxFull():
            return "Too many messages wait for the server already."
        case TooLarge():
            return "The message is longer than the server takes."
        case _:
            return line(str(error)) or type(error).__name__


def attempt(widget: Widget, work: Coroutine[Any, Any, object], *, quiet: bool = False) -> None:
    """Do something that may take a while; what goes wrong is told, unless `quiet`.

    It ends with the widget.
    """
    widget.run_worker(_attempt(widget, work, quiet))


async def _attempt(widget: Widget, work: Coroutine[Any, Any, object], quiet: bool) -> None:
    try:
        await work
    except TROUBLES as error:
        if not quiet:
            widget.notify(sentence(error), severity="error", markup=False)
