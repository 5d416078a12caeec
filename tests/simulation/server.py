"""Servers on one disk, one or several: started, killed, unplugged, drained, started again."""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import apsw

from hubbub.adapters.local.providers import NoProviders
from hubbub.adapters.local.tokens import JwtTokens
from hubbub.domain.attempt import Seal
from hubbub.domain.limits import IngestLimits, MessageLimits
from hubbub.domain.reading import ReplayBounds
from hubbub.entry.rest.app import RestApp, Surroundings
from hubbub.entry.ws.accept import SessionAcceptor
from hubbub.entry.ws.connection import Accepted, Upgrade
from hubbub.entry.ws.framing import framed
from hubbub.wiring.core import Core
from hubbub.wiring.verbs import verbs
from hubbub.wiring.world import Settings, World
from hubbub_client import Unreachable
from hubbub_client.transport import Response
from hubbub_protocol.ids import IdMaker
from tests.simulation.bus import LEASE, SimulatedNodes, Switch
from tests.simulation.loop import SimulatedLoop
from tests.simulation.network import Link
from tests.simulation.plan import Plan
from tests.simulation.store import SimulatedStore, Watch
from tests.simulation.vfs import PowerLossVFS
from tests.support.accounts import PlainPasswords
from tests.support.rest import Client as RestClient

START_MS = 1_790_000_000_000
TOKEN_MINUTES = 15.0
EMPTY = Path(__file__).parent / "nothing"


class TurnedClock:
    """The loop's time for durations; the wall's, which is turned at will, for what is shown."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self.offset_ms = START_MS

    def now_ms(self) -> int:
        return self.offset_ms + int(self._loop.time() * 1000)

    def monotonic(self) -> float:
        return self._loop.time()


class Watched:
    """Faults of the product's own behind a REST call."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def answered(self, operation: str, status: int, seconds: float, request_id: str) -> None:
        """Nothing to note."""

    def failed(self, operation: str, request_id: str, error: BaseException) -> None:
        where = "".join(traceback.format_exception(error)[-3:])
        self.failures.append(f"REST {operation} failed: {where}")


@dataclass
class Life:
    """A server process between its start and its end."""

    core: Core
    app: RestApp
    accept: SessionAcceptor
    task: "asyncio.Task[None] | None" = None
    open: bool = True
    draining: bool = False
    nodes: SimulatedNodes | None = None
    links: list[Link] = field(default_factory=list)
    calls: "set[asyncio.Task[Response]]" = field(default_factory=set)

    def unplug(self) -> None:
        """From this instant nothing leaves it any more."""
        if self.open:
            self.open = False
            if self.nodes is not None:
                self.nodes.die()
            for link in self.links:
                link.vanish()
            for call in self.calls:
                call.cancel()


class Machine:
    """The disk, the clock, the switch and, most of the time, all servers running."""

    def __init__(self, loop: SimulatedLoop, plan: Plan, disk: PowerLossVFS, watch: Watch) -> None:
        self.loop, self.plan, self.disk = loop, plan, disk
        self.clock = TurnedClock(loop)
        self.switch = Switch(loop, loop.rng("switch"))
        self.store: SimulatedStore | None = None
        self.lives: list[Life] = []
        self.begun = 0
        self.settled_at = 0.0
        self.failures: list[str] = []
        self.watched = Watched()
        self.pragma: str | None = None
        self.on_written: Callable[[bytes, bool, str], None] = lambda payload, binary, reader: None
        self.on_start: Callable[[apsw.Connection], None] = lambda _: None
        self._doom: asyncio.Future[Life] | None = None
        self._watch = watch
        self._rng = loop.rng("machine")

    # ── starting and ending ──

    async def start(self) -> None:
        """Open the data and serve, with as many servers as there shall be."""
        if self.store is None:
            store = SimulatedStore(self.disk, self._rng, self._committed)
            store.pragma = self.pragma
            store.open()
            self.store = store
            self.on_start(store.reader)
        while len(self.lives) < self.plan.nodes:
            await self._begin(self.store)

    async def _begin(self, store: SimulatedStore) -> None:
        nodes = self.switch.join() if self.plan.nodes > 1 else None
        core = Core(self._world(store, nodes), self._settings())
        core.roster._most = self.plan.known_chats
        await core.load()
        around = Surroundings(page=EMPTY, watch=self.watched, metrics=bytes, unready=lambda: None)
        life = Life(core, RestApp(verbs(core), around), SessionAcceptor(core.session_parts(), ()))
        life.nodes = nodes
        life.task = self.loop.create_task(core.run(), name=f"server {self.begun}")
        life.task.add_done_callback(lambda task: self._ended(life, task))
        self.begun += 1
        self.settled_at = self.loop.time() + 2 * LEASE
        self.lives.append(life)

    def _ended(self, life: Life, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and life.open:
            self.failures.append(f"the server fell: {task.exception()!r}")

    def _world(self, store: Any, nodes: SimulatedNodes | None) -> World:
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
            host_tokens=None,
            providers=NoProviders(),
            invites=store,
            passwords=PlainPasswords(),
            tokens=JwtTokens(b"k" * 32, TOKEN_MINUTES),
            clock=self.clock,
            # Leased anew, so that ids of two lives never meet.
            maker=IdMaker(500 - self.begun, self.clock.now_ms),
            framing=framed,
            nodes=nodes,
            excerpts=store,
        )

    def _settings(self) -> Settings:
        plan = self.plan
        return Settings(
            limits=MessageLimits(messages_per_second=plan.rate, message_burst=10),
            ingest=IngestLimits(plan.queue, plan.batch),
            bounds=ReplayBounds(24 * 3_600_000, plan.per_chat, plan.per_resume),
            registration="open",
            base_url=lambda: "http://simulated",
            refresh_days=30,
            token_ms=int(TOKEN_MINUTES * 60_000),
            heartbeat=30,
            offline_after=5,
            frame_bytes=65_536,
            recent_bytes=plan.recent_bytes,
            logins_per_minute=0,
            registrations_per_minute=0,
            seal=Seal(b"k" * 32),
            not_signed_in=lambda name, why: None,
        )

    @property
    def idle(self) -> bool:
        """Whether all run, and nothing is being committed."""
        if self.store is None or not self.store.is_ready or not self.disk.is_sound:
            return False
        if len(self.lives) < self.plan.nodes:
            return False
        return not any(life.core.flight.committing for life in self.lives)

    def unplug(self) -> None:
        """From this instant nothing leaves any server any more."""
        for life in self.lives:
            life.unplug()

    async def end(self, power_lost: Random | None) -> None:
        """kill -9 of all, or with `power_lost` the loss of power; the disk is on again then."""
        store, self.store = self.store, None
        if store is None:
            return
        self.unplug()
        self.disk.power_off()
        store.die()
        for life in list(self.lives):
            await self.kill(life)
        store.close()
        if power_lost is None:
            self.disk.crash()
        else:
            self.disk.power_loss(power_lost)

    async def kill(self, life: Life) -> None:
        """kill -9 of one of several."""
        life.unplug()
        if life in self.lives:
            self.lives.remove(life)
        if life.task is not None:
            life.task.cancel()
            await asyncio.wait([life.task])

    async def doomed(self) -> Life:
        """Who commits next, and is gone at that instant: nobody has been told of it."""
        self._doom = self.loop.create_future()
        return await self._doom

    def _committed(self, changes: list[Any], outcomes: list[Any], db: apsw.Connection) -> None:
        self._watch(changes, outcomes, db)
        committing = [life for life in self.lives if life.core.flight.committing]
        if committing and self._doom is not None and not self._doom.done():
            committing[0].unplug()
            self._doom.set_result(committing[0])

    async def restart_store(self) -> None:
        """The store's process has died (or dies now): it is started again."""
        store = self.store
        if store is None:
            return
        self.disk.power_off()
        store.close()
        self.disk.crash()
        await asyncio.sleep(self._rng.uniform(0.01, 0.8))
        if self.store is store:
            store.open()
            self.on_start(store.reader)

    async def drain(self, life: Life) -> None:
        """SIGTERM: go away gracefully."""
        life.draining = True
        for tab in list(life.core.registry):
            tab.going_away("restart; jitter=1")
        await asyncio.sleep(self._rng.uniform(0.05, 0.15))
        await life.core.presence.leave()
        await life.core.ingest.drain()
        if self.plan.nodes > 1:
            await self.kill(life)
        else:
            await self.end(None)

    # ── serving ──

    async def connect(self, link: Link, upgrade: Upgrade) -> None:
        """A handshake. Raises Unreachable."""
        life = self._serving()
        verdict = life.accept(upgrade, link)
        if not isinstance(verdict, Accepted):
            raise Unreachable(f"refused: {verdict.reason}")
        link.handler = verdict.handler
        link.binary = verdict.subprotocol is not None and verdict.subprotocol.endswith("msgpack")
        life.links = [each for each in life.links if each.server_open]
        life.links.append(link)

    def _serving(self) -> Life:
        """Any of them."""
        serving = [life for life in self.lives if life.open and not life.draining]
        if not serving:
            raise Unreachable("nobody listens")
        return serving[0] if len(serving) == 1 else self._rng.choice(serving)

    async def request(
        self, method: str, path: str, token: str | None, body: bytes | None
    ) -> Response:
        """A REST call. Raises Unreachable when the server dies under it."""
        life = self._serving()
        call = self.loop.create_task(_answer(life.app, method, path, token, body))
        life.calls.add(call)
        call.add_done_callback(life.calls.discard)
        await asyncio.wait([call])
        if call.cancelled() or not life.open:
            raise Unreachable("the server died")
        return call.result()


async def _answer(
    app: RestApp, method: str, path: str, token: str | None, body: bytes | None
) -> Response:
    headers = {"x-request-id": "simulated"} | ({"content-type": "application/json"} if body else {})
    client = RestClient(app, token)
    answer = await client(method, path, headers=headers, parts=[body or b""])
    return Response(answer.status, answer.body)
