"""A cluster under test: nodes, PostgreSQL and Valkey, all on the server's core."""

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis

from bench import machine, net, seed, server
from bench.plan import Plan, World
from bench.server import Server
from hubbub.adapters.local.secret import load_secret
from tests.support.engines import PostgresServer
from tests.support.valkeys import ValkeyServer


@dataclass(slots=True)
class Cluster(Server):
    """Several servers, whose processes count together; `parts`: what else runs, by name."""

    urls: list[str] = field(default_factory=list)
    parts: dict[str, list[int]] = field(default_factory=dict)
    valkey: Any = None
    spent: dict[str, float] = field(default_factory=dict)
    """CPU seconds of each part between `begin` and `cpu`."""
    bus: int = 0
    """Bytes that the nodes sent to Valkey meanwhile."""

    def processes(self) -> list[int]:
        """Of all parts."""
        return [one for pids in self.parts.values() for pid in pids for one in machine.family(pid)]

    def begin(self) -> None:
        """See Server."""
        Server.begin(self)
        self.bus = self._bus()

    def cpu(self) -> str:
        """Shares of a core since `begin`, of each part."""
        before, wall = self._used, time.perf_counter() - self._began
        self.bus = self._bus() - self.bus
        self.spent = {
            name: sum(
                now - before.get(one, 0.0)
                for pid in pids
                for one, now in machine.used(machine.family(pid)).items()
            )
            for name, pids in self.parts.items()
        }
        Server.cpu(self)  # ends the profile, too
        return "CPU " + ", ".join(f"{name} {used / wall:.0%}" for name, used in self.spent.items())

    def _bus(self) -> int:
        return int(self.valkey.info("stats")["total_net_input_bytes"])


@contextmanager
def running(
    plan: Plan, nodes: int, base: Path, settings: Mapping[str, str]
) -> Iterator[tuple[Cluster, World]]:
    """So many nodes and engines of their own, with what is planned in them, until the block ends.

    PostgreSQL keeps its files below `base` and syncs; Valkey keeps nothing.
    """
    with ExitStack() as stack:
        with machine.pinned(machine.SERVER_CORE):
            postgres, valkey = PostgresServer(durable=True, base=base), ValkeyServer()
            for engine in (postgres, valkey):
                stack.callback(engine.close)
                engine.start()
        secret = base / seed.SECRET
        world = seed.carry_out_in_postgres(plan, postgres.url(), load_secret(secret))
        joined = {
            "HUBBUB_DATABASE_URL": postgres.url(),
            "HUBBUB_VALKEY_URL": valkey.url,
            **settings,
        }
        urls, pids = [], []
        for number in range(nodes):
            data = base / f"node{number}"
            data.mkdir(mode=0o700)
            shutil.copy(secret, data)
            port = net.free_port()
            process = server.spawn(port, data, base / f"node{number}.log", joined)
            stack.callback(server.stop, process)
            net.wait_for_port(port, process, 60)
            urls.append(f"http://127.0.0.1:{port}")
            pids.append(process.pid)
        parts = {"nodes": pids, "PostgreSQL": [postgres.pid], "Valkey": [valkey.pid]}
        with Redis.from_url(valkey.url) as redis:
            yield Cluster(urls[0], pids[0], urls=urls, parts=parts, valkey=redis), world
