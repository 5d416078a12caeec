"""What stores: SQLite in the data folder, or PostgreSQL where `database.url` names one.

A driver is loaded only where it is used: the laptop never loads PostgreSQL's.
"""

import asyncio
from pathlib import Path
from typing import Any, Protocol

from hubbub.adapters.sqlite.remote import StoreProcess
from hubbub.config import Config
from hubbub.observe import Log
from hubbub.ports import (
    Accounts,
    ChatReader,
    ChatStore,
    HostAccounts,
    Identities,
    Invites,
    Joining,
    MessageReader,
    Operating,
    OwnLog,
    Referring,
    Relations,
    ServerKeys,
    Unavailable,
)


class Store(
    ChatStore,
    ChatReader,
    MessageReader,
    OwnLog,
    Joining,
    Operating,
    Referring,
    Relations,
    Accounts,
    HostAccounts,
    ServerKeys,
    Identities,
    Invites,
    Protocol,
):
    """Every port that an engine serves."""


class Engine(Protocol):
    """What keeps a store going."""

    @property
    def store(self) -> Store:
        """To be used between `start` and `stop`."""

    @property
    def unready(self) -> str | None:
        """Why it does not answer now, as a sentence; None: it does."""

    @property
    def pid(self) -> int:
        """Of its own process, if it is one of ours; else 0."""

    @property
    def restarts(self) -> int:
        """How often it had to be started again."""

    async def start(self) -> None:
        """Open it. Raises Unavailable or OSError, whose text says what to do."""

    async def run(self) -> None:
        """Keep it going until cancelled, or until `stop`."""

    async def stop(self) -> None:
        """Close it. May be called in any state."""


def engine(config: Config, log: Log) -> Engine:
    """The one that the settings name. Raises Unavailable where its driver is missing."""
    if config.database.url:
        return PostgresEngine(config, log)
    return SqliteEngine(Path(config.server.data) / "hubbub.db", log)


class SqliteEngine:
    """SQLite, in a process of its own that is started again when it ends."""

    def __init__(self, path: Path, log: Log) -> None:
        self.store = StoreProcess(str(path))
        self._log = log
        self._stopping = False

    @property
    def unready(self) -> str | None:
        """See Engine."""
        return None if self.store.is_ready else "The store is being restarted."

    @property
    def pid(self) -> int:
        """See Engine."""
        return self.store.pid

    @property
    def restarts(self) -> int:
        """See Engine."""
        return self.store.restarts

    async def start(self) -> None:
        """See Engine."""
        await self.store.start()

    async def run(self) -> None:
        """See Engine."""
        while not self._stopping:
            await self.store.watch(self._restarted)

    def _restarted(self) -> None:
        self._log.warning("store restarted", restarts=self.store.restarts)

    async def stop(self) -> None:
        """See Engine."""
        self._stopping = True
        await self.store.stop()


class PostgresEngine:
    """PostgreSQL, which others keep going."""

    pid = 0
    restarts = 0

    def __init__(self, config: Config, log: Log | None = None) -> None:
        try:
            from hubbub.adapters.postgres.database import Bounds, Database
            from hubbub.adapters.postgres.store import PostgresStore
        except ImportError as error:
            raise Unavailable(
                "database.url needs the driver of PostgreSQL. Install it: tools/setup cluster, or"
                " pip install 'hubbub[cluster]'."
            ) from error
        bounds = Bounds(connections=config.database.connections)
        self._database = Database(config.database.url, bounds, self._changed)
        self._log = log
        self.store: Any = PostgresStore(self._database)

    @property
    def unready(self) -> str | None:
        """See Engine."""
        return None if self._database.is_ready else "The database cannot be reached."

    async def start(self) -> None:
        """See Engine."""
        await self.open()
        await self._database.claim()

    async def open(self) -> None:
        """Open it beside a server that may be using it, too."""
        await self._database.start()

    async def run(self) -> None:
        """See Engine."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._database.run())
            group.create_task(self._database.watch())

    def _changed(self, is_ready: bool) -> None:
        if self._log is None:
            return
        if is_ready:
            self._log.info("database reached")
        else:
            self._log.warning("database not reached")

    async def stop(self) -> None:
        """See Engine."""
        await self._database.close()
