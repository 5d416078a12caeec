"""Receipts: a cursor moves forward, and the authors of what it passed hear of it."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct


class Cursor(Struct, frozen=True, array_like=True):
    """How far a member is: everything up to `delivered` has arrived, up to `read` was read."""

    delivered: int
    read: int

    def advance(self, delivered: int, read: int, head: int) -> "Cursor":
        """Forward only, never past the head; what was read has also arrived."""
        read = max(self.read, min(read, head))
        return Cursor(max(self.delivered, min(delivered, head), read), read)

    @property
    def unread(self) -> "Cursor":
        """As it is told where nobody is to know what was read."""
        return Cursor(self.delivered, 0)


DELIVERED: Final = 0
READ: Final = 1
"""The two kinds of marks: when a cursor passed a position."""


class Passed(Struct, frozen=True, array_like=True):
    """An author's newest message among those that a cursor passed."""

    author_id: int
    message_id: int
    seq: int


def passed(
    messages: Iterable[tuple[int, int, int]], before: int, after: int, reader_id: int
) -> list[Passed]:
    """Of (seq, message id, author) in (before, after]: the newest of each author but the reader."""
    newest: dict[int, Passed] = {}
    for seq, message_id, author_id in messages:
        if before < seq <= after and author_id != reader_id and author_id:
            found = newest.get(author_id)
            if found is None or found.seq < seq:
                newest[author_id] = Passed(author_id, message_id, seq)
    return list(newest.values())
