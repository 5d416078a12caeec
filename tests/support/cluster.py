"""Several servers on one PostgreSQL and one Valkey, all real."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import asyncio as redis

from tests.support.engines import PostgresServer, several
from tests.support.link import Link
from tests.support.server import ServerProcess
from tests.support.valkeys import ValkeyServer


class Cluster:
    """Nodes and engines, all running. `standby`: a synchronous one, where it was asked for.

    `database`: its address, as nodes have it.
    """

    def __init__(
        self,
        postgres: PostgresServer,
        standby: PostgresServer | None,
        valkey: ValkeyServer,
        nodes: list[ServerProcess],
        database: str,
    ) -> None:
        self.database = database
        self.postgres = postgres
        self._standby = standby
        self.valkey = valkey
        self.nodes = nodes
        self.links: list[dict[str, Link]] = []
        """Of each node, to `postgres` and `valkey`, where they were asked for."""

    @property
    def standby(self) -> PostgresServer:
        """That of `postgres`."""
        assert self._standby is not None
        return self._standby

    def promoted(self) -> None:
        """They have changed places."""
        self.postgres, self._standby = self.standby, self.postgres

    @property
    def urls(self) -> list[str]:
        """Of all nodes."""
        return [node.url for node in self.nodes]

    @classmethod
    @contextmanager
    def running(
        cls,
        folder: Path,
        count: int,
        settings: Mapping[str, str] | None = None,
        *,
        standby: bool = False,
        links: bool = False,
    ) -> "Iterator[Cluster]":
        """So many nodes, and engines of their own, until the block ends."""
        with ExitStack() as stack:
            postgres, valkey = PostgresServer(durable=standby), ValkeyServer()
            for engine in (postgres, valkey):
                stack.callback(engine.close)
                engine.start()
            url, second = asyncio.run(postgres.fresh()), None
            if standby:
                second = PostgresServer(postgres, durable=True)
                stack.callback(second.close)
                second.start()
                asyncio.run(postgres.wait_for_standby())
                url = several(url, second)
            joined = {
                "HUBBUB_DATABASE_URL": url,
                "HUBBUB_VALKEY_URL": valkey.url,
                **(settings or {}),
            }
            cluster = cls(postgres, second, valkey, [], url)
            for number in range(count):
                home = folder / f"node{number}"
                home.mkdir()
                own = cluster._linked(stack) if links else {}
                node = ServerProcess(home, joined | own)
                stack.callback(node.kill)
                node.start()
                cluster.nodes.append(node)
            yield cluster

    def _linked(self, stack: ExitStack) -> dict[str, str]:
        """Links of its own for a node, and its settings with them."""
        links = {"postgres": Link(self.postgres.port), "valkey": Link(self.valkey.port)}
        for link in links.values():
            link.start()
            stack.callback(link.close)
        self.links.append(links)
        postgres, valkey = (f":{links[engine].port}" for engine in ("postgres", "valkey"))
        return {
            "HUBBUB_DATABASE_URL": self.database.replace(f":{self.postgres.port}", postgres),
            "HUBBUB_VALKEY_URL": self.valkey.url.replace(f":{self.valkey.port}", valkey),
        }

    async def flush(self) -> None:
        """Valkey forgets all it knows."""
        async with redis.Redis.from_url(self.valkey.url) as client:
            await client.flushall()
