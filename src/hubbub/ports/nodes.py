"""What several nodes need of each other: who holds whom, and a way to tell them."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

Topic = str
"""What a node may hold: `u` and a user's id, `c` and a large chat's, `w` and the id of a user at
whom somebody looks. A node is a number that no other process has or had.
"""


def user(user_id: int) -> Topic:
    """A user who is connected to the node."""
    return f"u{user_id}"


def large(chat_id: int) -> Topic:
    """A large chat of somebody who is connected to the node."""
    return f"c{chat_id}"


def watched(user_id: int) -> Topic:
    """A user whose presence is on the screen of somebody who is connected to the node."""
    return f"w{user_id}"


class Nodes(Protocol):
    """All nodes that live, seen from one of them. Everything here may be lost at any time.

    What a dead node held is held no more within seconds. All raise Unavailable; cancelling is safe.
    """

    @property
    def me(self) -> int:
        """This node."""

    def listen(self, on_letter: Callable[[bytes], None], on_lost: Callable[[], None]) -> None:
        """Call these with each letter, and when letters or places may have been lost.

        On the latter all that is held has to be placed again.
        """
        ...

    async def run(self) -> None:
        """Live, until cancelled; then hold nothing."""
        ...

    async def place(self, come: Collection[Topic], gone: Collection[Topic]) -> None:
        """Hold these from now on, and those no more. Whoever asks later finds it so."""
        ...

    async def find(self, topics: Sequence[Topic]) -> list[tuple[int, ...]]:
        """The nodes that hold each of them, this one too."""
        ...

    async def others(self) -> tuple[int, ...]:
        """The other nodes that live."""
        ...

    async def send(self, letters: Sequence[tuple[int, bytes]]) -> None:
        """Letters to nodes, in order. Raises Unavailable when some may not have been sent."""
        ...
