"""The event loop of asynchronous tests."""

import asyncio
from typing import ClassVar


class Loop(asyncio.SelectorEventLoop):
    """What is still open at its end it ends itself, and says so.

    Else the garbage collector finds it some day, and the test that runs then fails.
    """

    _left: ClassVar[list[str]] = []

    @classmethod
    def take_left(cls) -> list[str]:
        """What was open at the end of a loop since this was last asked."""
        left, cls._left = cls._left, []
        return left

    def close(self) -> None:
        """Close connections, and the loop."""
        if not self.is_closed():
            for transport in self._transports.values():  # type: ignore[attr-defined]
                end = transport.get_extra_info("socket")
                if end.fileno() >= 0:
                    self._left.append(f"{end} of {transport.get_protocol()}")
                    transport.abort()
            self.run_until_complete(asyncio.sleep(0))  # a turn, in which they are closed
        super().close()
