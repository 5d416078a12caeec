"""What a scenario is given: a server with what it needs in it, and how long it may take."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench import cluster, remote, seed, server
from bench.load.reactor import Address, Reactor
from bench.plan import Plan, World
from bench.profiler import Profiler
from bench.server import Server


class Skipped(Exception):
    """This scenario cannot be run so; the message says why."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A running server, what is in it, and a reactor for its clients; `data`: where it keeps it.

    `others`: where the other nodes of a cluster are; clients connect to all in turns.
    """

    server: Server
    address: Address
    world: World
    reactor: Reactor
    data: Path | None = None
    others: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """`quick`: a tenth of the work, for a look. `url`: a server elsewhere instead of our own."""

    quick: bool = False
    url: str | None = None
    profiler: Profiler | None = None

    def pick(self, whole: int, quick: int) -> int:
        """How many, how long: the one of these that applies."""
        return quick if self.quick else whole

    def say(self, text: str) -> None:
        """Progress, on stderr."""
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def local_only(self, why: str) -> None:
        """Raises Skipped when the server is not ours."""
        if self.url:
            raise Skipped(f"needs a server of its own: {why}")

    @contextmanager
    def data(self, plan: Plan) -> Iterator[tuple[Path, World]]:
        """A data directory in which the plan is carried out, without a server."""
        with server.folder() as base:
            self.say(f"making {plan.summary}")
            data = base / "data"
            yield data, seed.carry_out(plan, data)

    @contextmanager
    def cluster(
        self, plan: Plan, nodes: int, settings: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[Ground]:
        """So many nodes on PostgreSQL and Valkey, in which the plan is carried out."""
        self.local_only("a cluster")
        reactor = Reactor()
        self.say(f"making {plan.summary} for {nodes} nodes")
        try:
            with server.folder() as base, cluster.running(plan, nodes, base, settings) as made:
                running, world = made
                first, *others = (Address.of(url) for url in running.urls)
                yield Ground(running, first, world, reactor, others=tuple(others))
        finally:
            reactor.close()

    @contextmanager
    def ground(self, plan: Plan, read_size: int = 32768) -> Iterator[Ground]:
        """A server in which the plan is carried out."""
        reactor = Reactor(read_size=read_size)
        try:
            if self.url:
                address = Address.of(self.url)
                world = remote.carry_out(plan, address, self.say)
                yield Ground(Server(self.url), address, world, reactor)
                return
            with self.data(plan) as (data, world), server.running(data, self.profiler) as running:
                yield Ground(running, Address.of(running.url), world, reactor, data)
        finally:
            reactor.close()
