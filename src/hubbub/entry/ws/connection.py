"""What the product sees of a WebSocket: a narrow interface, so that the library can be exchanged.

Everything here is called on the event loop's thread. Nothing blocks, nothing is awaited.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct


class Connection(Protocol):
    """One WebSocket. Every call is allowed at any time; after the end it does nothing."""

    def write(self, frames: bytes, /) -> None:
        """Send one or more whole server frames, joined (`framing.frame`). Not copied.

        Goes to the socket at once, one system call, unless something waits before it. Bounded by
        nobody: look at `buffered` first.
        """

    def write_soon(self, frames: bytes, /) -> None:
        """As `write`, joined with everything else written here until the loop's next turn.

        For the small answers of a batch (acks, receipts), of which one connection gets several.
        Later `write` calls stay behind it.
        """

    def buffered(self) -> int:
        """Bytes written and not yet taken by the kernel. What `write_soon` keeps is not counted."""

    def close(self, code: int, reason: str = "") -> None:
        """Send CLOSE, then end with the peer's answer, or without it after `close_timeout`.

        No message is delivered after this. `reason` is cut to 123 bytes.
        """

    def abort(self) -> None:
        """End at once, without CLOSE and without what is buffered; `closed(1006)` follows."""

    def ping(self) -> None:
        """Ask the peer to answer; `Handler.pong` follows when all written before has been read.

        A second call moves the mark, so keep one under way. A peer that leaves 64 unanswered is
        dropped.
        """


class Handler(Protocol):
    """What the product does with one WebSocket. Called synchronously; an exception closes 1011."""

    def message(self, payload: bytes, binary: bool) -> None:
        """One whole message: joined from fragments, valid UTF-8 unless binary, within the limit."""

    def pong(self) -> None:
        """The answer to the latest `Connection.ping`: all written before it was read.

        The answers to the server's own heartbeat are not reported.
        """

    def writable(self) -> None:
        """What was buffered fell below the low-water mark, after it had been above the high one."""

    def closed(self, code: int) -> None:
        """The end, exactly once for every accepted connection; nothing is called after it.

        `code`: the one sent, the one received (1005 for none), or 1006 when the connection was
        lost. The socket may still be open for a moment to finish closing.
        """


class Upgrade(Struct, frozen=True):
    """A valid request for a WebSocket. What may hold a secret is not in its repr, nor in logs."""

    path: str
    query: str
    """Without the question mark, as sent (percent-encoded)."""
    host: str
    origin: str | None
    authorization: str | None
    forwarded_for: str | None
    """As sent, from anyone: to be believed only when `peer` is a trusted proxy."""
    subprotocols: tuple[str, ...]
    """Offered by the peer, in his order."""
    peer: str
    """The address of the other end of the socket, "" when it is gone already."""
    secure: bool

    def __repr__(self) -> str:
        return f"Upgrade(path={self.path!r}, origin={self.origin!r}, peer={self.peer!r})"


class Accepted(Struct, frozen=True):
    """The product takes the connection. `subprotocol` must be one of those offered, or None."""

    handler: Handler
    subprotocol: str | None = None


class Refused(Struct, frozen=True):
    """The product refuses: an HTTP answer with `status` and a problem document (RFC 9457)."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    """More headers, for instance Retry-After or WWW-Authenticate."""
    reason: str = "refused"
    """Under what it is counted."""


Acceptor = Callable[[Upgrade, Connection], Accepted | Refused]
"""Decides about a handshake. What it writes to the connection goes out after the 101."""
