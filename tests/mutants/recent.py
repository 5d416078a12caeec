"""What is kept for the time when the store is away, with one rule of it taken out."""

from typing import Any
from unittest.mock import patch

from hubbub.delivery.recent import Recent
from hubbub.domain.chat import Head
from hubbub.domain.message import Row
from hubbub.domain.recent import RecentChat


def moves_ignored() -> Any:
    """Whoever came or went, those who were in the chat see it."""
    take = RecentChat._take

    def trusting(self: Any, row: Row) -> bool:
        if row.type == "system" and row.rev == row.seq:
            self.head = Head(row.seq, self.head.number, row.at, self.head.mentioned)
            self.rows.append(row)
            return True
        return take(self, row)

    return patch.multiple(RecentChat, _take=trusting, told=lambda self, mine: True)


def loss_ignored() -> Any:
    """What was not heard did not happen."""
    return patch.object(Recent, "clear", lambda self: None)
