"""What the one writer remembers between commits: heads of logs and cursors of members.

Both are exact while nobody else writes. After a failed commit everything is forgotten.
"""

from msgspec import Struct

from hubbub.domain.chat import Head, Role

MOST = 200_000
"""Entries of either kind; when there are more, all are forgotten and read again."""


class Position(Struct, gc=False):
    """Where a member is, as his row says."""

    delivered: int
    read: int
    read_number: int
    received: int
    role: Role
    since: int
    muted_until: int


class Caches:
    """Heads and sizes by chat, which of them are direct, positions by (chat, user).

    And who tells nobody what he has read.
    """

    def __init__(self) -> None:
        self.heads: dict[int, Head] = {}
        self.sizes: dict[int, int] = {}
        self.direct: set[int] = set()
        self.positions: dict[tuple[int, int], Position] = {}
        self.silent: dict[int, bool] = {}

    def clear(self) -> None:
        """Forget all."""
        self.heads.clear()
        self.sizes.clear()
        self.direct.clear()
        self.positions.clear()
        self.silent.clear()

    def trim(self) -> None:
        """Keep the bound. Between commits only."""
        if max(len(self.heads), len(self.positions), len(self.silent)) > MOST:
            self.clear()
