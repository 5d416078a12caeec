"""What there is between two users, and what follows from it: who sees whom."""

from msgspec import Struct


class Pair(Struct, frozen=True, array_like=True):
    """A user and another, who is named by his id, or where that is 0 by their direct chat."""

    user_id: int
    other_id: int
    chat_id: int = 0


class Relation(Struct, frozen=True, array_like=True):
    """What is stored of a user and another.

    `chat_id`: their direct chat, 0: there is none. `last_seen_at`: when the other was last here,
    in Unix ms; 0: never, as far as is known.
    """

    user_id: int
    other_id: int
    chat_id: int
    last_seen_at: int


def sees(relation: Relation) -> bool:
    """Whether the user sees when the other is here: who has a direct chat with him does."""
    return relation.chat_id != 0
