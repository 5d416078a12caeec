"""One process for everything but what stores."""

import asyncio
import contextlib
import fcntl
import gc
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from hubbub import config as settings
from hubbub.adapters.local.clock import SystemClock
from hubbub.adapters.local.passwords import Argon2Passwords
from hubbub.adapters.local.providers import NoProviders
from hubbub.adapters.local.secret import load_secret
from hubbub.adapters.local.tokens import JwtTokens
from hubbub.adapters.sqlite.remote import StoreProcess
from hubbub.config import Config
from hubbub.domain.attempt import Seal
from hubbub.domain.limits import IngestLimits, MessageLimits
from hubbub.domain.reading import ReplayBounds
from hubbub.entry.rest.app import RestApp, Surroundings
from hubbub.entry.server import OnePortServer
from hubbub.entry.ws.accept import SessionAcceptor
from hubbub.entry.ws.framing import framed
from hubbub.entry.ws.limits import EdgeLimits
from hubbub.observe import (
    BusFigures,
    Gauges,
    MessagePath,
    Metrics,
    RecentFigures,
    RestFigures,
    RoleFigures,
    process_figures,
)
from hubbub.ports import Unavailable
from hubbub.wiring.core import Core
from hubbub.wiring.engine import engine, warnings
from hubbub.wiring.hosts import host_applications
from hubbub.wiring.listening import log, readers, tls
from hubbub.wiring.providers import identity_providers, not_signed_in
from hubbub.wiring.verbs import verbs
from hubbub.wiring.world import Settings, World

if TYPE_CHECKING:
    from hubbub.adapters.issuers.providers import IdentityProviders
    from hubbub.adapters.issuers.tokens import HostApplications

PAGE: Final = Path(__file__).parent.parent / "entry" / "page"
GC_THRESHOLDS: Final = (100_000, 20, 100)
"""The message path makes short-lived values and no cycles; a full collection stops the loop."""
DRAIN_BATCH: Final = 500
DRAIN_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 3.0
"""For what waits in the queue when the drain begins."""


class EmbeddedServer:
    """The whole server. `start`, then `drain`, then `stop`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._data = Path(config.server.data)
        self._port = config.server.port
        self._lock: IO[str] | None = None
        self._log = log(config)
        self._engine = engine(config, self._log)
        self._hosts: HostApplications | None = None
        self._providers: IdentityProviders | None = None
        self._running: asyncio.Task[None] | None = None
        self._passwords: Argon2Passwords | None = None
        self._core: Core | None = None
        self._server: OnePortServer | None = None
        self._draining = False
        self.admin_link: str | None = None

    async def start(self) -> int:
        """Open the data, listen; the port.

        Raises Unavailable or OSError, whose text says what to do.
        """
        config = self._config
        self._log.take_over()
        self._lock = _lock(self._data)
        self._hosts = host_applications(config, self._log)
        self._providers = identity_providers(config, self._log)
        await self._engine.start()
        core = self._core = Core(self._world(), self._settings())
        await core.load()
        rest_figures = RestFigures(self._log)
        role = RoleFigures(config.server.role, self._engine.chores)
        path = MessagePath(core.ingest, core.hub, core.relay, core.fanout, core.replays)
        bus = () if core.bus is None else (BusFigures(core.bus),)
        recent = () if core.recent is None else (RecentFigures(core.recent),)
        processes = process_figures(lambda: self._engine.pid)
        app = RestApp(
            verbs(core),
            Surroundings(
                page=PAGE,
                watch=rest_figures,
                metrics=Metrics(
                    path, Gauges(self._gauges), *bus, *recent, role, rest_figures, *processes
                ),
                unready=self._unready,
                about=lambda: role.about() | warnings(self._engine),
                body_limit=config.limits.frame_bytes,
                origins=config.server.origins,
                trusted_proxies=config.server.trusted_proxies,
                readers=readers(config.server),
            ),
        )
        acceptor = SessionAcceptor(core.session_parts(), config.server.origins)
        self._server = OnePortServer(
            app,
            acceptor,
            config.server.host,
            config.server.port,
            limits=EdgeLimits(
                connections=config.server.max_connections,
                message=config.limits.frame_bytes,
                heartbeat=config.server.heartbeat,
            ),
            tls=tls(config),
        )
        self._running = asyncio.ensure_future(self._run(core))
        self._port = await self._server.start()
        invite = await core.invite.first()
        self.admin_link = None if invite is None else invite.url
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        self._log.info("started", port=self._port, data=str(self._data.resolve()))
        return self._port

    async def _run(self, core: Core) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(core.run())
            group.create_task(self._engine.run())
            if self._hosts is not None:
                group.create_task(self._hosts.run())
            if self._providers is not None:
                group.create_task(self._providers.run())

    def _world(self) -> World:
        config, store = self._config, self._engine.store
        self._passwords = Argon2Passwords(config.auth.argon2_memory_kib, config.auth.argon2_passes)
        return World(
            chats=store,
            reader=store,
            messages=store,
            own_log=store,
            joining=store,
            referring=store,
            operating=store,
            relations=store,
            accounts=store,
            host_accounts=store,
            identities=store,
            server_keys=store,
            invites=store,
            passwords=self._passwords,
            tokens=JwtTokens(self._engine.secret(), config.auth.access_token_minutes),
            host_tokens=self._hosts,
            providers=self._providers or NoProviders(),
            clock=SystemClock(),
            maker=self._engine.ids,
            nodes=self._engine.nodes,
            buckets=self._engine.buckets,
            excerpts=self._engine.excerpts,
            framing=framed,
        )

    def _settings(self) -> Settings:
        config = self._config
        limits = config.limits
        return Settings(
            limits=MessageLimits(
                content_bytes=limits.content_bytes,
                media=limits.media,
                recipients=limits.recipients,
                mentions=limits.mentions,
                group_members=limits.group_members,
                messages_per_second=limits.messages_per_second,
                message_burst=limits.message_burst,
                edit_hours=limits.edit_hours,
            ),
            ingest=IngestLimits(config.ingest.queue, config.ingest.batch),
            bounds=ReplayBounds(
                int(config.replay.hours * 3_600_000),
                config.replay.per_chat,
                config.replay.per_resume,
            ),
            registration=settings.registration(config),
            base_url=lambda: settings.base_url(config, self._port),
            refresh_days=config.auth.refresh_days,
            token_ms=int(config.auth.access_token_minutes * 60_000),
            heartbeat=config.server.heartbeat,
            offline_after=config.server.offline_after,
            frame_bytes=limits.frame_bytes,
            recent_bytes=config.database.recent_megabytes * 1_000_000,
            logins_per_minute=limits.logins_per_minute,
            registrations_per_minute=limits.registrations_per_minute,
            seal=Seal(self._engine.secret()),
            not_signed_in=not_signed_in(self._log),
        )

    def _unready(self) -> str | None:
        if self._draining:
            return "The server is shutting down."
        return self._engine.unready

    def _gauges(self) -> Mapping[str, float]:
        assert self._server is not None
        statistics = self._server.statistics
        return {
            "connections": statistics.open,
            "connections_limit": statistics.limit,
            "connections_pending": statistics.pending,
            "users_online": 0 if self._core is None else len(self._core.presence),
            **self._engine.gauges,
        }

    async def broken(self) -> None:
        """Return only when the server cannot go on, by raising what broke it."""
        assert self._running is not None
        await asyncio.shield(self._running)

    async def drain(self, reason: str) -> None:
        """Stop accepting, let clients go in batches with a hint of jitter, store what waits.

        Before, for `drain_delay`, only `/readyz` says so.
        """
        self._draining = True
        if self._server is None or self._core is None:
            return
        await asyncio.sleep(self._config.server.drain_delay)
        self._server.stop_accepting()
        await self._answered(self._core)
        tabs = list(self._core.registry)
        batches = max(1, len(tabs) // DRAIN_BATCH)
        for start in range(0, len(tabs), DRAIN_BATCH):
            for tab in tabs[start : start + DRAIN_BATCH]:
                tab.going_away(f"{reason}; jitter={min(30, batches)}")
            await asyncio.sleep(min(0.1, DRAIN_SECONDS / batches))
        await self._core.presence.leave()
        await self._core.ingest.drain()

    async def _answered(self, core: Core) -> None:
        """What was sent until now, while there is still somebody to hear the answer."""
        with contextlib.suppress(TimeoutError):  # then clients repeat it elsewhere
            async with asyncio.timeout(ANSWER_SECONDS):
                await core.ingest.drain()

    async def stop(self) -> None:
        """End everything. May be called in any state."""
        self._draining = True
        if self._server is not None:
            await self._server.stop()
        await self._engine.stop()
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            if not self._running.cancelled():
                self._running.exception()  # told by `broken`, if anybody asked
        if self._passwords is not None:
            self._passwords.close()
        if self._lock is not None:
            self._lock.close()


def embedded(config: Config) -> EmbeddedServer:
    """The server of one machine, as these settings say."""
    return EmbeddedServer(config)


def operator_token(data: Path) -> str:
    """A token for the operator's calls, for who may read a data folder's key.

    Raises OSError, whose text says what to do.
    """
    key = data / "secret.key"
    if not key.exists():
        raise OSError(f"{key} is not there. Give the --data that the server has.")
    return JwtTokens(load_secret(key), 1).issue_operator(SystemClock().now_ms())


async def hash_password(config: Config, password: str) -> str:
    """A password as it is stored."""
    passwords = Argon2Passwords(config.auth.argon2_memory_kib, config.auth.argon2_passes)
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()


@contextlib.asynccontextmanager
async def open_store(data: Path) -> AsyncIterator[StoreProcess]:
    """The store of a folder, made if it is not there, while no server runs on it.

    Raises Unavailable or OSError, whose text says what to do.
    """
    store = StoreProcess(str(data / "hubbub.db"))
    with _lock(data):
        try:
            await store.start()
            yield store
        finally:
            await store.stop()


def _lock(data: Path) -> IO[str]:
    """Two servers on one folder would each believe to be the only writer; it is made if need be."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (data / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Unavailable(
            f"Another server uses {data.resolve()}. Stop it, or choose another --data."
        ) from None
    return lock
