"""The part of a chat's messages that is held: one stretch without holes, of bounded size. Pure.

History is read at either end of it; what happens live is added while it reaches the chat's end.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Final

from hubbub_terminal.words import AnyMessage

MOST: Final = 500
"""Messages; at the end away from what was read last, the rest is let go, and read again later."""


def _seq(message: AnyMessage) -> int:
    return message.seq


class Window:
    """Messages in order. `older`, `newer`: whether the chat goes on there, beyond what is held.

    `known` is False until a page was read: then nothing is known, not even that there is nothing.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._messages: list[AnyMessage] = []
        self._by_id: dict[str, AnyMessage] = {}
        self.known = False
        self.older = True
        self.newer = True

    @property
    def messages(self) -> Sequence[AnyMessage]:
        """What is held, oldest first. Not to be changed."""
        return self._messages

    def get(self, message_id: str) -> AnyMessage | None:
        """A held message."""
        return self._by_id.get(message_id)

    def show(self, page: Sequence[AnyMessage], older: bool, newer: bool) -> None:
        """Hold this page instead of what was held."""
        self._messages, self._by_id = [], {}
        self._put(page)
        self.known, self.older, self.newer = True, older, newer

    def prepend(self, page: Sequence[AnyMessage], more: bool) -> None:
        """The page before the first message. `more`: others lie before it."""
        self._put(page)
        self.older = more
        if (excess := len(self._messages) - self._most) > 0:
            self._drop(len(self._messages) - excess, None)
            self.newer = True

    def append(self, page: Sequence[AnyMessage], more: bool) -> None:
        """The page after the last message. `more`: others lie after it."""
        self._put(page)
        self.newer = more
        if (excess := len(self._messages) - self._most) > 0:
            self._drop(0, excess)
            self.older = True

    def arrived(self, message: AnyMessage) -> bool:
        """A message as it is now, new or changed. True: what is held is another now."""
        known = self._by_id.get(message.id)
        if known is not None:
            if known.rev >= message.rev:
                return False
            self._by_id[message.id] = message
            self._messages[bisect_left(self._messages, message.seq, key=_seq)] = message
            return True
        if not self.known or self.newer:
            return False
        if self.older and (not self._messages or message.seq < self._messages[0].seq):
            return False
        self.append([message], more=False)
        return True

    def remove(self, message_id: str) -> None:
        """A message is not there any more, for this user."""
        message = self._by_id.pop(message_id, None)
        if message is not None:
            del self._messages[bisect_left(self._messages, message.seq, key=_seq)]

    def _put(self, page: Sequence[AnyMessage]) -> None:
        for message in page:
            held = self._by_id.get(message.id)
            if held is None:
                insort(self._messages, message, key=_seq)
                self._by_id[message.id] = message
            elif held.rev < message.rev:
                self._by_id[message.id] = message
                self._messages[bisect_left(self._messages, message.seq, key=_seq)] = message

    def _drop(self, start: int, stop: int | None) -> None:
        for message in self._messages[start:stop]:
            del self._by_id[message.id]
        del self._messages[start:stop]
