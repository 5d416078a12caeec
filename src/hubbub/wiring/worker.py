"""A process that serves nobody: it does the chores of the database while it leads."""

import asyncio
from typing import Final

from hubbub.config import Config
from hubbub.entry.rest.app import RestApp, Surroundings
from hubbub.entry.server import OnePortServer
from hubbub.entry.ws import handshake
from hubbub.entry.ws.connection import Connection, Refused, Upgrade
from hubbub.observe import Gauges, Metrics, RestFigures, RoleFigures, process_figures
from hubbub.wiring.engine import PostgresEngine, warnings
from hubbub.wiring.listening import log, readers, tls
from hubbub_protocol.codes import Code

NOBODY: Final = "This server is a worker: connect to one that serves people."


class WorkerServer:
    """The same to whoever starts and ends it as `EmbeddedServer`, with health and figures alone."""

    admin_link = None

    def __init__(self, config: Config) -> None:
        self._config = config
        self._log = log(config)
        self._engine = PostgresEngine(config, self._log)
        self._draining = False
        self._running: asyncio.Task[None] | None = None
        rest = RestFigures(self._log)
        role = RoleFigures(config.server.role, self._engine.chores)
        gauges = Gauges(lambda: self._engine.gauges)
        around = Surroundings(
            watch=rest,
            metrics=Metrics(gauges, role, rest, *process_figures(lambda: 0)),
            unready=self._unready,
            about=lambda: role.about() | warnings(self._engine),
            trusted_proxies=config.server.trusted_proxies,
            readers=readers(config.server),
        )
        self._server = OnePortServer(
            RestApp(None, around), _refuse, config.server.host, config.server.port, tls=tls(config)
        )

    async def start(self) -> int:
        """Open the database, listen; the port. Raises Unavailable or OSError."""
        self._log.take_over()
        await self._engine.open()
        self._running = asyncio.ensure_future(self._engine.run_chores())
        port = await self._server.start()
        self._log.info("started", port=port, role=self._config.server.role)
        return port

    def _unready(self) -> str | None:
        return "The server is shutting down." if self._draining else self._engine.unready

    async def broken(self) -> None:
        """Return only when it cannot go on, by raising what broke it."""
        assert self._running is not None
        await asyncio.shield(self._running)

    async def drain(self, reason: str) -> None:
        """Nobody is connected."""
        self._draining = True

    async def stop(self) -> None:
        """End everything. May be called in any state."""
        self._draining = True
        await self._server.stop()
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            if not self._running.cancelled():
                self._running.exception()  # told by `broken`, if anybody asked
        await self._engine.stop()


def _refuse(upgrade: Upgrade, connection: Connection) -> Refused:
    return Refused(404, handshake.problem(404, Code.NOT_FOUND, NOBODY), reason="role")
