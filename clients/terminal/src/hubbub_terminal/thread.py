"""A thread that is open in its chat: the message that began it, and its replies. Pure."""

from typing import Final

from hubbub_client import Send, ThreadPage
from hubbub_terminal.window import Window
from hubbub_terminal.words import AnyMessage
from hubbub_terminal.writing import Writing

MOST: Final = 2_000
"""Replies that are held."""


class Thread(Writing):
    """One thread. `cursor`: where the replies before those that are held are."""

    def __init__(self, root_id: str) -> None:
        super().__init__()
        self.root_id = root_id
        self.window = Window(MOST)
        self.cursor: str | None = None

    def show(self, page: ThreadPage) -> None:
        """The newest replies."""
        root = [] if page.root is None else [page.root]
        self.window.show([*root, *page.messages], page.has_more, newer=False)
        self.cursor = page.cursor

    def older(self, page: ThreadPage) -> None:
        """The replies before those that are held."""
        self.window.prepend(page.messages, page.has_more)
        self.cursor = page.cursor

    def heard(self, message: AnyMessage) -> None:
        """A message of the chat as it is now."""
        if self.root_id in (message.id, message.thread_id):
            self.window.arrived(message)

    def has(self, send: Send) -> bool:
        """Whether what waits is a reply in this thread."""
        return send.reply_to is not None and self.window.get(send.reply_to) is not None
