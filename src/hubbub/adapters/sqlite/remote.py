"""The store seen from the server: starts its process, watches it, starts it again."""

import asyncio
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, cast

import msgspec

from hubbub.adapters.sqlite.accounts import SqliteAccounts
from hubbub.adapters.sqlite.chats import SqliteChatStore
from hubbub.adapters.sqlite.database import UnusableDatabase
from hubbub.adapters.sqlite.identities import SqliteIdentities
from hubbub.adapters.sqlite.joining import SqliteJoining
from hubbub.adapters.sqlite.keys import SqliteKeys
from hubbub.adapters.sqlite.operating import SqliteOperating
from hubbub.adapters.sqlite.reader import SqliteReader
from hubbub.adapters.sqlite.referring import SqliteReferring
from hubbub.adapters.sqlite.relations import SqliteRelations
from hubbub.adapters.sqlite.remote_accounts import RemoteAccounts
from hubbub.adapters.sqlite.remote_joining import RemoteJoining
from hubbub.adapters.sqlite.remote_operating import RemoteOperating
from hubbub.adapters.sqlite.remote_reader import RemoteReader
from hubbub.adapters.sqlite.remote_referring import RemoteReferring
from hubbub.adapters.sqlite.remote_relations import RemoteRelations
from hubbub.adapters.sqlite.rpc import ANSWER, FULL, LENGTH, OK, Signature, pack
from hubbub.domain.change import Change, Outcome
from hubbub.domain.chat import Found
from hubbub.domain.reading import Log
from hubbub.domain.receipt import Passed
from hubbub.domain.view import (
    Places,
)
from hubbub.ports import (
    LogRead,
    Lookup,
    OutcomeUnknown,
    PassedRead,
    ReceiptCount,
    ResumeFrom,
    Unavailable,
)

MAX_WAITING: Final = 20_000
"""Calls on their way to the process; more are refused."""
READY_SECONDS: Final = 10.0
RESTART_SECONDS: Final = 0.05
"""Before a process is started again that ended at its start; doubled each time."""
MAX_RESTART_SECONDS: Final = 1.0
READ_ATTEMPTS: Final = 5
"""How often a read is asked when the process ends over it."""


class StoreFailed(Exception):
    """A call was refused by the store: a defect, not a condition of the world."""


class Channel(asyncio.Protocol):
    """One socket to the process: calls go out, answers come back in the same order."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._waiting: deque[tuple[asyncio.Future[Any], Signature]] = deque()
        self._buffer = bytearray()
        self._encoder = msgspec.msgpack.Encoder()
        self._transport: asyncio.WriteTransport | None = None
        self._on_lost = on_lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's callback."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio's callback: whoever waits hears that the outcome is unknown."""
        self._transport = None
        for future, _ in self._waiting:
            if not future.done():
                future.set_exception(OutcomeUnknown("The store stopped; it is being restarted."))
        self._waiting.clear()
        self._on_lost()

    def data_received(self, data: bytes) -> None:
        """asyncio's callback."""
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= LENGTH.size:
            (length,) = LENGTH.unpack_from(buffer, start)
            end = start + LENGTH.size + length
            if len(buffer) < end:
                break
            self._answer(bytes(buffer[start + LENGTH.size : end]))
            start = end
        del buffer[:start]

    def _answer(self, payload: bytes) -> None:
        future, signature = self._waiting.popleft()
        if future.done():  # its caller was cancelled
            return
        status, body = ANSWER.decode(payload)
        if status == OK:
            future.set_result(signature.result.decode(body))
        elif status == FULL:
            future.set_exception(
                Unavailable("The disk is full: nothing can be stored until there is room.")
            )
        else:
            future.set_exception(StoreFailed(msgspec.msgpack.decode(body, type=str)))

    def call(self, name: str, signature: Signature, arguments: tuple[Any, ...]) -> Awaitable[Any]:
        """Send a call. Raises Unavailable when the process is away or too many wait."""
        if self._transport is None or len(self._waiting) >= MAX_WAITING:
            raise Unavailable("The store is not there just now.")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, signature))
        self._transport.write(pack(name, arguments, self._encoder))
        return future

    def close(self) -> None:
        """Close our end; the process then ends."""
        if self._transport is not None:
            self._transport.close()


SERVED: Final = (
    SqliteChatStore, SqliteReader, SqliteAccounts, SqliteIdentities, SqliteJoining, SqliteKeys,
    SqliteOperating, SqliteRelations, SqliteReferring,
)  # fmt: skip


class StoreProcess(
    RemoteJoining, RemoteAccounts, RemoteReader, RemoteReferring, RemoteOperating, RemoteRelations
):
    """Every port that SQLite serves, over the process. `start` first, `stop` last."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._write: Channel | None = None
        self._read: Channel | None = None
        self._ready = asyncio.Event()
        self._lost = asyncio.Event()
        self._stopping = False
        self.restarts = 0
        self._signatures = {
            name: Signature(getattr(cls, name))
            for cls in SERVED
            for name in dir(cls)
            if not name.startswith("_")
        }

    @property
    def pid(self) -> int:
        """Of the process, 0 while there is none."""
        return self._process.pid if self._process else 0

    @property
    def is_ready(self) -> bool:
        """Whether calls are answered now."""
        return self._ready.is_set()

    async def start(self) -> None:
        """Start the process and wait until it has opened the database.

        Raises UnusableDatabase with what to do; Unavailable when it may work another time.
        """
        write, write_end = socket.socketpair()
        read, read_end = socket.socketpair()
        command = [sys.executable, "-m", "hubbub.adapters.sqlite.process", self._path]
        fds = (write_end.fileno(), read_end.fileno())
        # Not asyncio's: its watcher would reap the process that `_end` waits for.
        self._process = subprocess.Popen([*command, *map(str, fds)], pass_fds=fds)  # noqa: ASYNC220
        write_end.close()
        read_end.close()
        loop = asyncio.get_running_loop()
        for end in (write, read):
            end.setblocking(False)
        try:
            await self._opened(write)
        except BaseException:
            write.close()
            read.close()
            raise
        self._lost.clear()
        _, self._write = await loop.create_connection(lambda: Channel(self._on_lost), sock=write)
        _, self._read = await loop.create_connection(lambda: Channel(self._on_lost), sock=read)
        self._ready.set()

    async def _opened(self, end: socket.socket) -> None:
        """The process' first word."""
        answer = await asyncio.get_running_loop().sock_recv(end, 4096)
        if answer[:1] == b"+":
            return
        assert self._process is not None
        self._process.wait()
        if answer[:1] == b"!":
            raise UnusableDatabase(answer[1:].decode())
        raise Unavailable(answer[1:].decode() or "The store's process ended at its start.")

    def _on_lost(self) -> None:
        self._ready.clear()
        self._lost.set()

    async def watch(self, restarted: Callable[[], None] = lambda: None) -> None:
        """Restart the process whenever it ends, until cancelled or stopped.

        `restarted` is called after each. Raises UnusableDatabase when the file cannot be used.
        """
        while True:
            await self._lost.wait()
            await self._restart()
            if self._stopping:
                return
            restarted()

    async def _restart(self) -> None:
        """Until it runs: what ended it may end the next one too, and pass."""
        pause = RESTART_SECONDS
        while not self._stopping:
            self._end()
            self.restarts += 1
            try:
                await self.start()
            except UnusableDatabase:
                raise
            except Unavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_RESTART_SECONDS)
            else:
                return

    def _end(self) -> None:
        for channel in (self._write, self._read):
            if channel is not None:
                channel.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def stop(self) -> None:
        """Close the sockets, wait for the process to end."""
        self._stopping = True
        self._ready.clear()
        self._end()
        self._lost.set()

    async def _call(self, write: bool, name: str, *arguments: Any) -> Any:
        """Raises OutcomeUnknown for a write, which the caller may repeat; a read is repeated."""
        attempts = 1 if write else READ_ATTEMPTS
        for attempt in range(attempts):
            try:
                return await self._ask(write, name, arguments)
            except OutcomeUnknown:
                if attempt == attempts - 1:
                    raise
        raise AssertionError("the loop returns or raises")

    async def _ask(self, write: bool, name: str, arguments: tuple[Any, ...]) -> Any:
        if not self._ready.is_set():
            try:
                async with asyncio.timeout(READY_SECONDS):
                    await self._ready.wait()
            except TimeoutError:
                raise Unavailable("The store does not start; see its log.") from None
        channel = self._write if write else self._read
        assert channel is not None
        return await channel.call(name, self._signatures[name], arguments)

    # ChatStore
    async def commit(self, changes: Sequence[Change]) -> list[Outcome]:
        """See the port."""
        result: list[Outcome] = await self._call(True, "commit", changes)
        return result

    async def find(self, lookups: Sequence[Lookup]) -> list[Found | None]:
        """See the port."""
        result: list[Found | None] = await self._call(False, "find", lookups)
        return result

    async def places(self, readers: Sequence[ResumeFrom]) -> list[Places]:
        """See the port."""
        result: list[Places] = await self._call(False, "places", readers)
        return result

    async def logs(self, reads: Sequence[LogRead]) -> list[Log | None]:
        """See the port."""
        result: list[Log | None] = await self._call(False, "logs", reads)
        return result

    async def passed(self, reads: Sequence[PassedRead]) -> list[list[Passed]]:
        """See the port."""
        result: list[list[Passed]] = await self._call(False, "passed", reads)
        return result

    async def counts(self, chat_ids: Sequence[int]) -> list[ReceiptCount]:
        """See the port."""
        result: list[ReceiptCount] = await self._call(False, "counts", chat_ids)
        return result

    async def waiting(self, limit: int) -> list[tuple[int, int]]:
        """See the port."""
        result: list[tuple[int, int]] = await self._call(False, "waiting", limit)
        return result
