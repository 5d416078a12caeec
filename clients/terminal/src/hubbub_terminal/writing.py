"""What the user is about to say somewhere: in a chat, or in one of its threads. Pure."""

from hubbub_terminal.words import AnyMessage


class Writing:
    """A draft, and which message it answers or changes."""

    def __init__(self) -> None:
        self.draft = ""
        self.editing: AnyMessage | None = None
        self.reply_to: AnyMessage | None = None
