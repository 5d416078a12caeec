"""How users stand to each other: what each shows, whom he has blocked, who sees whom.

What a user sets for himself is his privacy; with those whom he has blocked it is his stance. Both
switches work in both directions: who does not show it does not see it of others.
"""

from typing import Final, Literal

from msgspec import Struct

Inbox = Literal["everyone", "contacts"]
"""Who may begin to write to a user. His contacts are those to whom he has written himself."""

MOST_BLOCKED: Final = 1_000
"""Users whom one user may have blocked."""


class Privacy(Struct, frozen=True, array_like=True):
    """What a user shows: that he has read things, when he was last here; and his inbox."""

    read_receipts: bool = True
    last_seen: bool = True
    inbox: Inbox = "everyone"

    @property
    def silent(self) -> bool:
        """Whether he tells nobody what he has read; then he is told by nobody, either."""
        return not self.read_receipts


class Stance(Struct, frozen=True, array_like=True):
    """How a user stands to others, as of position `rev` of his own log."""

    rev: int
    privacy: Privacy
    blocked: frozenset[int]

    @property
    def is_plain(self) -> bool:
        """Whether he shows everything, and has blocked nobody."""
        return not self.blocked and self.privacy == PLAIN.privacy


PLAIN: Final = Stance(0, Privacy(), frozenset())
"""As most stand, from the beginning."""


class Pair(Struct, frozen=True, array_like=True):
    """A user and another, who is named by his id, or where that is 0 by their direct chat."""

    user_id: int
    other_id: int
    chat_id: int = 0


class Relation(Struct, frozen=True, array_like=True):
    """What is stored of a user and another.

    `chat_id`: their direct chat, 0: there is none; `wrote`: the other has written there.
    `last_seen_at`: when the other was last here, in Unix ms; 0: never, as far as is known.
    `blocked`: one of them has blocked the other. `inbox` is the other's, `last_seen` is both's.
    """

    user_id: int
    other_id: int
    chat_id: int = 0
    wrote: bool = False
    last_seen_at: int = 0
    blocked: bool = False
    inbox: Inbox = "everyone"
    last_seen: bool = True


def sees(relation: Relation) -> bool:
    """Whether the user sees when the other is here: who has a direct chat with him does."""
    return relation.chat_id != 0 and relation.last_seen and not relation.blocked
