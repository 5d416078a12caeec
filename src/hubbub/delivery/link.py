"""What delivery needs of a connection: to write, to see what is not yet taken, to end it."""

from typing import Protocol


class Link(Protocol):
    """One live connection, WebSocket or not. Called on the loop, never blocks."""

    def write(self, frames: bytes, /) -> None:
        """Send whole frames, joined."""

    def buffered(self) -> int:
        """Bytes written and not yet taken."""

    def close(self, code: int, reason: str = "") -> None:
        """End it, with the protocol's goodbye."""
