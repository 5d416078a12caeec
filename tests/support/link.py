"""A link to a server that fails when told to: a TCP proxy on loopback, in a thread of its own.

A fault concerns the connections that are open and those that are made, until `heal`.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum

from tests.support.server import PATIENCE, free_port

PIECE = 65_536
HELD = 100
"""Pieces of so many bytes at most that are under way in one direction of a connection."""
RESET = struct.pack("ii", 1, 0)
"""A socket that lingers for no time says RST when it is closed."""


class Way(Enum):
    """A direction."""

    THERE = "to the server"
    BACK = "from the server"


class Link:
    """A way to the server on the port `target` of loopback; its clients use `port` instead."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._is_cut = False
        self.delays = dict.fromkeys(Way, 0.0)
        self.passes = {way: asyncio.Event() for way in Way}
        self.ends = {way: asyncio.Event() for way in Way}

    # ── what a test says, in its own thread ──

    def start(self) -> None:
        """Listen, and let everything through."""
        self._thread.start()
        self.heal()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(PATIENCE)

    def close(self) -> None:
        """End all connections, and the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def heal(self) -> None:
        """What was held back goes on, as if its packets had been repeated."""

        def heal() -> None:
            self._is_cut = False
            for way in Way:
                self.delays[way] = 0.0
                self.passes[way].set()
                self.ends[way].clear()

        self._do(heal)

    def delay(self, seconds: float, *ways: Way) -> None:
        """What goes these ways arrives so much later."""
        self._do(lambda: self.delays.update(dict.fromkeys(ways, seconds)))

    def silence(self, *ways: Way) -> None:
        """Connections are made and stay open, and nothing goes these ways, nor that they end."""

        def silence() -> None:
            for way in ways:
                self.passes[way].clear()

        self._do(silence)

    def half_close(self, way: Way) -> None:
        """Who is at the end of this way hears that nothing more comes. The other way stays open."""
        self._do(self.ends[way].set)

    def cut(self) -> None:
        """Connections are reset, also those that are made."""

        def cut() -> None:
            self._is_cut = True
            for connection in self._connections:
                connection.cancel()

        self._do(cut)

    def _do(self, what: Callable[[], object]) -> None:
        """In the loop's thread; return when it is done."""

        async def do() -> None:
            what()

        asyncio.run_coroutine_threadsafe(do(), self._loop).result(PATIENCE)

    # ── in the loop's thread ──

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection. It ends in order where both sides say so, and else with a reset."""
        if self._is_cut:
            _reset(writer)
            return
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        sides = [writer]
        try:
            source, target = await asyncio.open_connection("127.0.0.1", self._target)
            sides.append(target)
            async with asyncio.TaskGroup() as group:
                group.create_task(_Lane(self, Way.THERE, reader, target).run())
                group.create_task(_Lane(self, Way.BACK, source, writer).run())
        except (asyncio.CancelledError, OSError, BaseExceptionGroup):
            for side in sides:
                _reset(side)
        finally:
            self._connections.discard(task)
            for side in sides:
                side.close()


class _Lane:
    """One direction of one connection."""

    def __init__(
        self, link: Link, way: Way, source: asyncio.StreamReader, target: asyncio.StreamWriter
    ) -> None:
        self._link = link
        self._way = way
        self._source = source
        self._target = target
        self._is_over = False
        self._pieces: asyncio.Queue[tuple[float, bytes | OSError]] = asyncio.Queue(HELD)

    async def run(self) -> None:
        """Carry what comes, until it ends. Raises OSError when it ends with a reset."""
        reading = asyncio.create_task(self._read())
        ending = asyncio.create_task(self._half_close())
        try:
            await self._write()
        finally:
            reading.cancel()
            ending.cancel()

    async def _read(self) -> None:
        piece: bytes | OSError = b"more"
        while piece and not isinstance(piece, OSError):
            try:
                piece = await self._source.read(PIECE)
            except OSError as error:
                piece = error
            due = asyncio.get_running_loop().time() + self._link.delays[self._way]
            await self._pieces.put((due, piece))

    async def _write(self) -> None:
        while True:
            due, piece = await self._pieces.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            await self._link.passes[self._way].wait()
            if isinstance(piece, OSError):
                raise piece
            if not piece:
                break
            if not self._is_over:
                self._target.write(piece)
                await self._target.drain()
        self._target.write_eof()

    async def _half_close(self) -> None:
        await self._link.ends[self._way].wait()
        self._is_over = True
        self._target.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):  # it was reset by the other one
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
