"""Who may hear of receipts, and in which chats: his messages came by, or he asked.

Kept where events may be lost: a receipt has no position, so nobody would notice that one is.
"""

from typing import Final

MOST: Final = 200_000
"""Pairs of a user and a chat; the one that was noted longest ago goes first."""


class Authors:
    """See the module."""

    def __init__(self) -> None:
        self._noted: dict[tuple[int, int], None] = {}

    def note(self, user_id: int, chat_id: int) -> None:
        """Receipts of his messages there may come."""
        key = (user_id, chat_id)
        self._noted.pop(key, None)
        self._noted[key] = None
        if len(self._noted) > MOST:
            del self._noted[next(iter(self._noted))]

    def chats(self) -> dict[int, list[int]]:
        """The chats of each user, those noted last first."""
        found: dict[int, list[int]] = {}
        for user_id, chat_id in reversed(self._noted):
            found.setdefault(user_id, []).append(chat_id)
        return found
