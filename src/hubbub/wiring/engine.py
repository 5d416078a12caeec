"""What stores: SQLite in the data folder, or PostgreSQL where `database.url` names one.

A driver is loaded only where it is used: the laptop never loads PostgreSQL's.
"""

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from hubbub.adapters.local.clock import SystemClock
from hubbub.adapters.local.secret import KEY_BYTES, load_secret
from hubbub.adapters.sqlite.remote import StoreProcess
from hubbub.config import Config
from hubbub.observe import Leader, Log
from hubbub.ports import (
    Accounts,
    ChatReader,
    ChatStore,
    Excerpts,
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
from hubbub.ports.buckets import SharedBuckets
from hubbub.ports.nodes import Nodes
from hubbub_protocol.ids import IdMaker

if TYPE_CHECKING:
    from hubbub.adapters.valkey.nodes import ValkeyNodes

NODE: Final = 1
SECRET: Final = "secret.key"


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
    def warnings(self) -> list[str]:
        """What is to be known of it though it answers, as sentences."""

    @property
    def ids(self) -> IdMaker:
        """Makes ids that no other server makes on this store."""

    @property
    def nodes(self) -> Nodes | None:
        """The other servers on this store; None where there are none."""

    @property
    def buckets(self) -> SharedBuckets | None:
        """Those that all of them share."""

    @property
    def excerpts(self) -> Excerpts | None:
        """What is read for the time when it is away; None where it never is for long."""

    @property
    def chores(self) -> Leader | None:
        """None where this process does none."""

    def secret(self) -> bytes:
        """What tokens are signed with, on all servers of this store. Raises OSError."""

    @property
    def pid(self) -> int:
        """Of its own process, if it is one of ours; else 0."""

    @property
    def gauges(self) -> Mapping[str, float]:
        """How it is, for whoever watches, by name."""

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
    if config.valkey.url:
        raise Unavailable("valkey.url joins servers on one database: set database.url, too.")
    return SqliteEngine(Path(config.server.data), log)


class SqliteEngine:
    """SQLite, in a process of its own that is started again when it ends."""

    nodes = buckets = excerpts = None
    chores = None

    def __init__(self, data: Path, log: Log) -> None:
        self.store = StoreProcess(str(data / "hubbub.db"))
        self.ids = IdMaker(NODE, SystemClock().now_ms)
        self._data = data
        self._log = log
        self._stopping = False

    def secret(self) -> bytes:
        """See Engine."""
        return load_secret(self._data / SECRET)

    @property
    def unready(self) -> str | None:
        """See Engine."""
        return None if self.store.is_ready else "The store is being restarted."

    @property
    def warnings(self) -> list[str]:
        """See Engine."""
        return []

    @property
    def pid(self) -> int:
        """See Engine."""
        return self.store.pid

    @property
    def gauges(self) -> Mapping[str, float]:
        """See Engine."""
        return {"store_restarts": self.store.restarts}

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

    def __init__(self, config: Config, log: Log | None = None) -> None:
        try:
            from hubbub.adapters.postgres.chores import Chores
            from hubbub.adapters.postgres.database import Bounds, Database
            from hubbub.adapters.postgres.leases import Lease, shared_secret
            from hubbub.adapters.postgres.replica import Replica
            from hubbub.adapters.postgres.store import PostgresStore
        except ImportError as error:
            raise Unavailable(
                "database.url needs the driver of PostgreSQL. Install it: tools/setup cluster, or"
                " pip install 'hubbub[cluster]'."
            ) from error
        bounds = Bounds(connections=config.database.connections)
        self._needs_standby = config.database.durability == "standby"
        self._replica: Replica | None = None
        if config.database.replica_url and config.server.role != "worker":
            at = config.database.replica_url
            self._replica = Replica(at, bounds.connections, self._replica_changed)
        heard = (self._changed, self._promoted)
        self._database = Database(config.database.url, bounds, *heard, self._replica)
        self.chores: Any = None
        if config.server.role != "gateway":
            self.chores = Chores(config.database.url, config.retention.days, self._tell)
        self._lease = Lease(self._database)
        self._shared_secret = shared_secret
        self.ids: IdMaker = self._lease.ids
        self.nodes: ValkeyNodes | None = None
        self.buckets: SharedBuckets | None = None
        if config.valkey.url:
            self.nodes, self.buckets = _joined(config, log)
        self._secret = Path(config.server.data) / SECRET
        self._log = log
        self.store: Any = PostgresStore(self._database)
        self.excerpts: Excerpts | None = self.store if config.database.recent_megabytes else None

    @property
    def unready(self) -> str | None:
        """See Engine."""
        if not self._database.is_ready:
            return "The database cannot be reached."
        durable = self._database.durability
        weak = None if durable is None else durable.unready(self._needs_standby)
        return weak or self._lease.unready

    @property
    def warnings(self) -> list[str]:
        """See Engine."""
        durable = self._database.durability
        said = [] if durable is None else durable.warnings()
        if self.nodes is not None and self.nodes.trouble:
            said.append("Valkey is not reached: news of other servers waits. The log says why.")
        return said

    @property
    def gauges(self) -> Mapping[str, float]:
        """See Engine."""
        found = {"database_up": float(self._database.is_ready)}
        if self.nodes is not None:
            found["valkey_up"] = float(self.nodes.is_ready)
        if self._replica is not None:
            found |= self._replica.gauges
        return found | self._lease.gauges

    def secret(self) -> bytes:
        """See Engine."""
        return load_secret(self._secret)

    async def start(self) -> None:
        """See Engine."""
        await self.open()
        await self._database.claim(shared=self.nodes is not None)
        await self._lease.take()
        await self._share_secret()

    async def _share_secret(self) -> None:
        """Whoever is first on the database makes the secret, and others keep a copy of it."""
        mine = (
            load_secret(self._secret) if self._secret.exists() else secrets.token_bytes(KEY_BYTES)
        )
        shared = await self._shared_secret(self._database, mine)
        if load_secret(self._secret, shared) != shared:
            raise Unavailable(
                f"{self._secret} is not the secret of the servers on this database. Delete it to"
                " take theirs; who signed in with it must sign in again."
            )

    async def open(self) -> None:
        """Open it beside a server that may be using it, too."""
        await self._database.start()

    async def run(self) -> None:
        """See Engine."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.run_chores())
            group.create_task(self._lease.run())
            if self._replica is not None:
                group.create_task(self._replica.run())

    async def run_chores(self) -> None:
        """What a worker has of `run`, for which `open` is enough."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._database.watch())
            if self.chores is not None:
                group.create_task(self.chores.run())

    def _tell(self, event: str, **fields: object) -> None:
        if self._log is not None:
            self._log.info(event, **fields)

    def _changed(self, is_ready: bool) -> None:
        if self._log is None:
            return
        if is_ready:
            self._log.info("database reached")
        else:
            self._log.warning("database not reached")

    def _replica_changed(self, is_ready: bool) -> None:
        self._tell("replica follows" if is_ready else "replica away or behind")

    def _promoted(self) -> None:
        if self._log is not None:
            self._log.warning("database failed over")

    async def stop(self) -> None:
        """See Engine."""
        with suppress(Unavailable):  # then it ends by itself
            await self._lease.give_back()
        await self._database.close()


def warnings(engine: Engine) -> dict[str, object]:
    """What /readyz says of an engine that can be used."""
    return {"warnings": engine.warnings} if engine.warnings else {}


def _joined(config: Config, log: Log | None) -> "tuple[ValkeyNodes, SharedBuckets]":
    from hubbub.adapters.valkey.buckets import ValkeyBuckets
    from hubbub.adapters.valkey.nodes import ValkeyNodes

    def changed(is_ready: bool) -> None:
        if log is not None and is_ready:
            log.info("valkey reached")
        elif log is not None:
            log.warning("valkey not reached", reason=nodes.trouble)

    try:
        nodes = ValkeyNodes(config.valkey.url, changed)
    except ValueError as error:
        raise Unavailable(f"valkey.url: {error}.") from None
    return nodes, ValkeyBuckets(nodes)
