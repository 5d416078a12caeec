"""Several servers on one PostgreSQL and one Valkey, all real."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import asyncio as redis

from tests.support.engines import PostgresServer, ValkeyServer
from tests.support.server import ServerProcess


class Cluster:
    """Nodes and engines, all running."""

    def __init__(
        self, postgres: PostgresServer, valkey: ValkeyServer, nodes: list[ServerProcess]
    ) -> None:
        self.postgres = postgres
        self.valkey = valkey
        self.nodes = nodes

    @property
    def urls(self) -> list[str]:
        """Of all nodes."""
        return [node.url for node in self.nodes]

    @classmethod
    @contextmanager
    def running(
        cls, folder: Path, count: int, settings: Mapping[str, str] | None = None
    ) -> "Iterator[Cluster]":
        """So many nodes, and engines of their own, until the block ends."""
        with ExitStack() as stack:
            postgres, valkey = PostgresServer(), ValkeyServer()
            for engine in (postgres, valkey):
                stack.callback(engine.close)
                engine.start()
            joined = {
                "HUBBUB_DATABASE_URL": asyncio.run(postgres.fresh()),
                "HUBBUB_VALKEY_URL": valkey.url,
                **(settings or {}),
            }
            cluster = cls(postgres, valkey, [])
            for number in range(count):
                home = folder / f"node{number}"
                home.mkdir()
                node = ServerProcess(home, joined)
                stack.callback(node.kill)
                node.start()
                cluster.nodes.append(node)
            yield cluster

    async def flush(self) -> None:
        """Valkey forgets all it knows."""
        async with redis.Redis.from_url(self.valkey.url) as client:
            await client.flushall()
