"""How many unread messages of a chat mention the user. Pure."""

from bisect import bisect_left, bisect_right
from typing import Final

from hubbub_protocol.frames import Message

EVERYBODY: Final = ("everybody",)
"""Instead of ids: all members."""
COUNTED: Final = 1_000
"""As far as the server counts."""


def mentions(message: Message, user_id: str) -> bool:
    """Whether a message of somebody else names the user, or everybody."""
    named = message.mention_all or user_id in message.mentions
    return named and message.sender_id != user_id


class Mentions:
    """Those that came as messages are known one by one, the others by the server's count alone.

    `estimated`: how many the others are is not sure.
    """

    def __init__(self) -> None:
        self.estimated = False
        self._seqs: list[int] = []
        self._others = 0
        self._upto = 0  # the server counted up to there

    @property
    def count(self) -> int:
        """How many, up to COUNTED."""
        return min(COUNTED, len(self._seqs) + self._others)

    def take(self, message: Message, user_id: str) -> None:
        """An unread message as it is now."""
        seq, named = message.seq, mentions(message, user_id)
        index = bisect_left(self._seqs, seq)
        known = index < len(self._seqs) and self._seqs[index] == seq
        if not known and self._others and seq <= self._upto:
            self._others -= named
            self.estimated = self.estimated or message.rev != seq  # as it was, it may have counted
        if known and not named:
            del self._seqs[index]
        elif named and not known:
            self._seqs.insert(index, seq)
            del self._seqs[:-COUNTED]

    def hide(self, seq: int) -> None:
        """The user has deleted the message there for himself."""
        index = bisect_left(self._seqs, seq)
        if index < len(self._seqs) and self._seqs[index] == seq:
            del self._seqs[index]
        elif self._others and seq <= self._upto:
            self.estimated = True

    def told(self, count: int, upto: int, sure: bool) -> None:
        """The server counts so many up to a position, which is not `sure` where it may be later."""
        self._others = max(0, count - bisect_right(self._seqs, upto))
        self._upto = upto
        self.estimated = self._others > 0 and not sure

    def read(self, seq: int) -> None:
        """The user has read up to there."""
        del self._seqs[: bisect_right(self._seqs, seq)]
        if seq >= self._upto:
            self.complete()
        elif self._others:
            self.estimated = True

    def complete(self) -> None:
        """All that are unread came as messages."""
        self._others, self.estimated = 0, False

    def skipped(self, seq: int) -> None:
        """Messages up to there were not pushed, or may have changed."""
        gone = bisect_right(self._seqs, seq)
        del self._seqs[:gone]
        self._others, self._upto, self.estimated = self._others + gone, seq, True
