"""The store process without a process: SQLite on the simulated disk, behind asynchronous ports.

Two channels, one for writes and one for reads, each answering one call after the other, as in
the product; arguments and results go through the same encoding. Between a call and its answer
time passes, and the process may die.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import apsw
import msgspec

from hubbub.adapters.sqlite.database import open_database
from hubbub.adapters.sqlite.process import READS, WRITES, bind, settle
from hubbub.adapters.sqlite.remote import StoreProcess
from hubbub.adapters.sqlite.rpc import Signature
from hubbub.domain.recent import Excerpt
from hubbub.ports import OutcomeUnknown, Unavailable
from tests.simulation.recents import excerpts
from tests.simulation.vfs import PowerLossVFS

READY_SECONDS = 10.0
CHECKPOINT_SHARE = 0.1
SIGNATURES = {name: Signature(getattr(cls, name)) for name, cls in (WRITES | READS).items()}

Watch = Callable[[list[Any], list[Any], apsw.Connection], None]
"""Changes, their outcomes, and a connection that sees them committed."""


class SimulatedStore(StoreProcess):
    """Every port that SQLite serves. `watch` is called after each commit."""

    def __init__(self, disk: PowerLossVFS, rng: Random, watch: Watch) -> None:
        # Not the base's: what it prepares is a process. Only the ports' methods are wanted of it.
        self._disk = disk
        self._path = str(disk.root / "hubbub.db")
        self._rng = rng
        self._watch = watch
        self._life = 0
        self._ready = asyncio.Event()
        self._locks = {True: asyncio.Lock(), False: asyncio.Lock()}
        self._connections: list[apsw.Connection] = []
        self._methods: dict[str, Callable[..., Any]] = {}
        self.died = asyncio.Event()
        self.pragma: str | None = None

    def open(self) -> None:
        """Open the file as the product's process does. Raises apsw.Error."""
        writer = open_database(self._path, vfs=self._disk.name)
        self._connections = [writer]
        if self.pragma is not None:
            writer.execute(f"PRAGMA {self.pragma}")
        settle(writer)
        reader = open_database(self._path, vfs=self._disk.name, readonly=True)
        self._connections.append(reader)
        self._methods = bind(writer, WRITES) | bind(reader, READS)
        self._locks = {True: asyncio.Lock(), False: asyncio.Lock()}
        self.died.clear()
        self._ready.set()

    @property
    def reader(self) -> apsw.Connection:
        """A connection that sees what is committed."""
        return self._connections[1]

    def die(self) -> None:
        """The process is gone: calls under way hear that their outcome is unknown."""
        self._life += 1
        self._ready.clear()
        self.died.set()

    def close(self) -> None:
        """Let dead connections go; the disk must be off, or the store at rest."""
        self.die()
        self._methods = {}
        connections, self._connections = self._connections, []
        for connection in connections:
            try:
                connection.close(force=True)
            except apsw.Error:
                continue  # what the dead say at their end is of no interest

    async def _call(self, write: bool, name: str, *arguments: Any) -> Any:
        if not self._ready.is_set():
            try:
                async with asyncio.timeout(READY_SECONDS):
                    await self._ready.wait()
            except TimeoutError:
                raise Unavailable("The store does not start; see its log.") from None
        life = self._life
        async with self._locks[write]:
            await asyncio.sleep(self._delay())
            self._alive(life)
            try:
                result = self._run(name, arguments)
            except apsw.FullError:
                raise Unavailable("The disk is full.") from None
            except apsw.IOError:
                self.die()
        await asyncio.sleep(self._delay())
        self._alive(life)
        return result

    async def excerpts(self, chat_ids: Sequence[int]) -> list[Excerpt]:
        """Excerpts, which the product reads from PostgreSQL only."""
        if not self._ready.is_set():
            raise Unavailable("The store is away.")
        life = self._life
        await asyncio.sleep(self._delay())
        self._alive(life)
        try:
            found = excerpts(self._connections[1], chat_ids)
        except apsw.IOError:
            self.die()
        await asyncio.sleep(self._delay())
        self._alive(life)
        return found

    def _delay(self) -> float:
        return self._rng.choice((0.0001, 0.0005, 0.002, 0.01)) * self._rng.random()

    def _alive(self, life: int) -> None:
        if life != self._life:
            raise OutcomeUnknown("The store stopped; it is being restarted.")

    def _run(self, name: str, arguments: tuple[Any, ...]) -> Any:
        signature = SIGNATURES[name]
        given = signature.arguments.decode(msgspec.msgpack.encode(arguments))
        result = self._methods[name](*given)
        if name == "commit":
            self._watch(given[0], result, self._connections[1])
            if self._rng.random() < CHECKPOINT_SHARE:
                with suppress(apsw.FullError):  # apart from the commit, as in the product
                    self._connections[0].wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        return signature.result.decode(msgspec.msgpack.encode(result))
