"""The parts of a cluster on this machine, and what one key does to each.

Whoever kills the primary has its standby promoted at once, as an operator's Patroni would; who was
killed comes back as a standby, cloned anew.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Final

from tests.support.cluster import Cluster
from tests.support.engines import PostgresServer
from tests.support.proxies import Haproxy
from tests.support.server import NotStarted, ServerProcess
from tests.support.valkeys import ValkeyServer

MOST_EVENTS: Final = 200
FAILURES: Final = (NotStarted, AssertionError, OSError, TimeoutError)
"""What starting a process may end with: told, since the rest goes on."""


@dataclass
class Event:
    """Something that happened, at a Unix time."""

    at: float
    text: str
    bad: bool


class Events:
    """The newest of them. `hear` is told each."""

    def __init__(self, hear: Callable[[Event], None] = lambda event: None) -> None:
        self.newest: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._hear = hear

    def tell(self, text: str, bad: bool = False) -> None:
        """It happens now."""
        self.newest.append(Event(time.time(), text, bad))
        self._hear(self.newest[-1])


@dataclass
class Part:
    """One process, killed or healed by its key; or something else that a key `does`."""

    key: str
    name: str
    press: Callable[[], Awaitable[None]]
    pid: Callable[[], int | None] | None = None
    does: str = ""
    busy: bool = False
    _seen: tuple[int | None, float] = (None, 0.0)

    @property
    def up(self) -> float:
        """Seconds since its process was seen first."""
        pid = self.pid() if self.pid else None
        if pid != self._seen[0]:
            self._seen = pid, time.monotonic()
        return time.monotonic() - self._seen[1]


class Parts:
    """All of them, by key. `fault` hears when something is broken on purpose."""

    def __init__(
        self, cluster: Cluster, proxy: Haproxy | None, events: Events, fault: Callable[[], None]
    ) -> None:
        self.cluster = cluster
        self.proxy = proxy
        self.events = events
        self._fault = fault
        self.frozen = False
        nodes = [
            Part(str(number), f"node {number}", partial(self._node, node), partial(pid, node))
            for number, node in enumerate(cluster.nodes, 1)
        ]
        found = [
            *nodes,
            Part("p", "primary", self._primary, lambda: pid(cluster.postgres)),
            Part("s", "standby", self._standby, lambda: pid(cluster.standby)),
            Part("v", "valkey", self._valkey, lambda: pid(cluster.valkey)),
            Part("f", "flush", self._flush, does="flush Valkey"),
            Part("z", "freeze", self._freeze, does="stop Valkey, or let it go on"),
        ]
        if proxy is not None:
            found.append(Part("h", "haproxy", self._haproxy, lambda: pid(proxy)))
        self.by_key = {part.key: part for part in found}

    def named(self, name: str) -> Part:
        """By its name without spaces: node1, primary …"""
        return next(p for p in self.by_key.values() if p.name.replace(" ", "") == name)

    async def press(self, key: str) -> None:
        """Kill it, or heal it where it is dead. A part at which something is done waits for it."""
        part = self.by_key.get(key)
        if part is None or part.busy:
            return
        part.busy = True
        try:
            await part.press()
        except FAILURES as error:
            self.events.tell(f"{part.name}: {str(error).strip() or type(error).__name__}", True)
        finally:
            part.busy = False

    async def mend(self) -> None:
        """Heal all that is dead: nodes last, since they need the others to start."""
        for key in ("z" * self.frozen, *"psvh123"):
            part = self.by_key.get(key)
            if part is not None and (part.pid is None or part.pid() is None):
                await self.press(key)

    # ── nodes, Valkey, HAProxy ──

    async def _node(self, node: ServerProcess) -> None:
        name = f"node {self.cluster.nodes.index(node) + 1}"
        if node.runs:
            self._broken(f"{name} is killed")
            await asyncio.to_thread(node.crash)
            return
        await asyncio.to_thread(node.kill)
        await self._healed(f"{name} is back", node.start)

    async def _valkey(self) -> None:
        valkey = self.cluster.valkey
        if valkey.runs:
            self._broken("Valkey is killed")
            self.frozen = False
            await asyncio.to_thread(valkey.end)
            return
        await asyncio.to_thread(valkey.end)
        await self._healed("Valkey is back, and empty", valkey.start)

    async def _flush(self) -> None:
        self._broken("Valkey is flushed")
        with suppress(OSError):
            await self.cluster.flush()

    async def _freeze(self) -> None:
        if not self.cluster.valkey.runs:
            return
        self.frozen = not self.frozen
        self.cluster.valkey.send(SIGSTOP if self.frozen else SIGCONT)
        if self.frozen:
            self._broken("Valkey is stopped")
        else:
            self.events.tell("Valkey goes on")

    async def _haproxy(self) -> None:
        assert self.proxy is not None
        if self.proxy.runs:
            self._broken("HAProxy is killed")
            await asyncio.to_thread(self.proxy.close)
            return
        await asyncio.to_thread(self.proxy.close)
        await self._healed("HAProxy is back", self.proxy.start)

    # ── PostgreSQL ──

    async def _primary(self) -> None:
        primary, standby = self.cluster.postgres, self.cluster.standby
        if not primary.runs:
            await asyncio.to_thread(primary.end)
            await self._healed(f"the primary {named(primary)} is back", primary.start)
            return
        self._broken(f"the primary {named(primary)} is killed")
        await asyncio.to_thread(primary.end, SIGKILL)
        if not standby.runs:
            self.events.tell("no standby is there to be promoted", True)
            return
        began = time.monotonic()
        await standby.promote()
        self.cluster.promoted()
        took = time.monotonic() - began
        self.events.tell(f"{named(standby)} is promoted in {took:.2f} s: it is the primary")

    async def _standby(self) -> None:
        primary, standby = self.cluster.postgres, self.cluster.standby
        if standby.runs:
            self._broken(f"the standby {named(standby)} is killed: commits wait for one")
            await asyncio.to_thread(standby.end, SIGKILL)
            return
        if not primary.runs:
            self.events.tell("a standby needs a primary to be cloned from", True)
            return
        await asyncio.to_thread(standby.end)
        await asyncio.to_thread(standby.clone, primary)
        await self._healed(f"{named(standby)} is cloned anew, and a standby", standby.start)
        await primary.wait_for_standby()
        self.events.tell(f"commits wait for {named(standby)} from now on")

    # ── telling ──

    def _broken(self, text: str) -> None:
        self._fault()
        self.events.tell(text, True)

    async def _healed(self, text: str, start: Callable[[], None]) -> None:
        began = time.monotonic()
        await asyncio.to_thread(start)
        self.events.tell(f"{text}, after {time.monotonic() - began:.1f} s")


def pid(process: ServerProcess | PostgresServer | ValkeyServer | Haproxy) -> int | None:
    """Its id, while it runs."""
    return process.pid if process.runs else None


def named(server: PostgresServer) -> str:
    """By its port, as its address says."""
    return f":{server.port}"
