"""Passwords: Argon2id (RFC 9106), in a few threads, with a bound on who waits for one."""

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from hubbub_protocol.codes import Code, Refused

T = TypeVar("T")

THREADS: Final = 2
WAITING: Final = 32
"""With 25 ms each and two threads, who is let in waits for less than half a second."""


class Argon2Passwords:
    """`Passwords`. The least that OWASP advises: 19 MiB, two passes, one lane.

    The work leaves the interpreter's lock, so that the event loop goes on beside it. Cancelling
    a call is safe; the work that has begun runs to its end. `close` when done.
    """

    def __init__(self, memory_kib: int = 19 * 1024, passes: int = 2) -> None:
        self._memory, self._passes = memory_kib, passes
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="hubbub-argon2")
        self._busy = 0
        # What an unknown user's password is compared with: nobody knows this one.
        self._nobody = self._derive(os.urandom(16).hex())

    async def hash(self, password: str) -> str:
        """A PHC string. Raises Refused `overloaded` when too many wait."""
        return await self._run(lambda: self._derive(password))

    async def verify(self, password: str, phc: str) -> bool:
        """Whether it is the password; takes as long when `phc` is empty. Raises as `hash`."""
        right = await self._run(lambda: _matches(password, phc or self._nobody))
        return right and bool(phc)

    def close(self) -> None:
        """End the threads once they are done."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._busy >= THREADS + WAITING:
            raise Refused(
                Code.OVERLOADED, "Too many people are signing in; try again in a second.", 1.0
            )
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, work)
        self._busy += 1
        future.add_done_callback(self._done)
        # Whoever stops waiting must not make room before the thread is free.
        return await asyncio.shield(future)

    def _done(self, _: object) -> None:
        self._busy -= 1

    def _derive(self, password: str) -> str:
        argon2 = Argon2id(
            salt=os.urandom(16),
            length=32,
            iterations=self._passes,
            lanes=1,
            memory_cost=self._memory,
        )
        return argon2.derive_phc_encoded(_bytes(password))


def _matches(password: str, phc: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(_bytes(password), phc)
    except InvalidKey:
        return False
    return True


def _bytes(password: str) -> bytes:
    # The same accents and letters may arrive composed or not, by keyboard and system.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
