"""A cluster with everything that belongs to it, alive while a block runs."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import click

from tests.support.cluster import Cluster
from tests.support.proxies import Haproxy
from tests.support.server import MEMORY
from tools.cluster.books import Books
from tools.cluster.looks import Looks
from tools.cluster.parts import Event, Events, Parts

NODES: Final = 3
SETTINGS: Final = {
    "HUBBUB_SERVER_TRUSTED_PROXIES": "127.0.0.1",
    "HUBBUB_DATABASE_DURABILITY": "standby",
    "HUBBUB_AUTH_ACCESS_TOKEN_MINUTES": "1440",
}

Processes = tuple[Cluster, Haproxy | None]


@contextmanager
def processes() -> Iterator[Processes]:
    """All of them, in a folder of their own. HAProxy only where it is installed."""
    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="hubbub-cluster-", dir=MEMORY)
        home = Path(stack.enter_context(folder))
        click.echo("  Starting PostgreSQL, its standby, Valkey and three nodes …")
        made = stack.enter_context(Cluster.running(home, NODES, SETTINGS, standby=True))
        proxy = _proxy(home, made)
        if proxy is not None:
            stack.callback(proxy.close)
        yield made, proxy


def _proxy(home: Path, made: Cluster) -> Haproxy | None:
    if shutil.which("haproxy") is None and not Path("/usr/sbin/haproxy").exists():
        click.echo("  HAProxy is missing, so bots connect to the nodes. Type: tools/debian haproxy")
        return None
    folder = home / "haproxy"
    folder.mkdir()
    proxy = Haproxy(folder, [f"127.0.0.1:{node.port}" for node in made.nodes], {})
    proxy.start()
    return proxy


@asynccontextmanager
async def living(
    running: Processes, rate: float, hear: Callable[[Event], None] = lambda event: None
) -> AsyncIterator[tuple[Parts, Looks, Books]]:
    """Bots talk, so many messages a second; every part is looked at, and the books are kept.

    Raises Unavailable, Refused, Unreachable.
    """
    made, proxy = running
    click.echo("  Moving in …")
    urls = made.urls if proxy is None else [proxy.url]
    async with Books.open(made.database, urls, rate) as books:
        parts = Parts(made, proxy, Events(hear), books.fault)
        looks = Looks(parts)
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(books.run()), group.create_task(looks.run())]
            parts.events.tell("the bots talk")
            yield parts, looks, books
            for task in beside:
                task.cancel()
