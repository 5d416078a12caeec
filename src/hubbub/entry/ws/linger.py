"""Ending a socket so that what was written last arrives.

Closing a socket while the peer still sends makes the kernel answer with a reset, which may destroy
what was written just before (RFC 9112 section 9.6). So: half-close, and throw away what comes until
the peer closes too; the sweeper ends it after `close_timeout`.
"""

import asyncio
from collections.abc import Callable


class Linger(asyncio.Protocol):
    """Throws away what comes."""

    __slots__ = ("_lost",)

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost = lost

    def data_received(self, data: bytes) -> None:
        """Thrown away."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._lost()


def linger(transport: asyncio.Transport, lost: Callable[[], None]) -> None:
    """End `transport` after what is written; `lost` is called when it is gone."""
    transport.set_protocol(Linger(lost))
    if transport.can_write_eof():
        transport.write_eof()
    else:
        transport.close()
