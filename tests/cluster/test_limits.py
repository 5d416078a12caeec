"""What somebody may do in a time is counted over all servers of a cluster."""

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from tests.faults.people import Answer, Api, calling
from tests.support.cluster import Cluster

RATE, BURST, LOGINS = 2, 20, 6
SETTINGS = {
    "HUBBUB_LIMITS_MESSAGES_PER_SECOND": str(RATE),
    "HUBBUB_LIMITS_MESSAGE_BURST": str(BURST),
    "HUBBUB_LIMITS_LOGINS_PER_MINUTE": str(LOGINS),
    "HUBBUB_SERVER_TRUSTED_PROXIES": "127.0.0.1",
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster.running(tmp_path_factory.mktemp("limits"), 2, SETTINGS) as made:
        yield made


@pytest.fixture
async def nodes(cluster: Cluster) -> AsyncIterator[list[Api]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(calling(url)) for url in cluster.urls]


class Sender:
    """Somebody who sends through any server."""

    def __init__(self, nodes: list[Api]) -> None:
        self.nodes = nodes

    async def begin(self) -> None:
        self.person = await self.nodes[0].register(f"ann-{uuid.uuid4().hex[:12]}")
        self.chat = await self.nodes[0].group(self.person, [])

    async def send(self, node: int) -> Answer:
        message = {"chat_id": self.chat, "content": "hello"}
        return await self.nodes[node]("POST", "/messages", message, of=self.person)

    async def flood(self, node: int) -> int:
        """How many are taken, until one is too much."""
        taken = 0
        while (await self.send(node)).status < 300:
            taken += 1
        return taken


async def test_what_was_sent_through_another_server_counts(nodes: list[Api]) -> None:
    ann = Sender(nodes)
    await ann.begin()
    taken = await asyncio.gather(ann.flood(0), ann.flood(1))
    assert sum(taken) >= BURST
    # What was too much is owed: a server alone would take the next one after half a second.
    async with asyncio.timeout(30):
        for node in (0, 1):
            while (answer := await ann.send(node)).body.get("retry_after", 0) < 2 / RATE:
                pass
            assert answer.status == 429


async def _tries(api: Api, name: str, address: str) -> int:
    body = {"username": name, "password": "wrong, and long"}
    return (await api("POST", "/auth/login", body, headers={"X-Forwarded-For": address})).status


@pytest.mark.parametrize("by", ["address", "name"])
async def test_attempts_on_another_server_count(nodes: list[Api], by: str) -> None:
    tag = uuid.uuid4().hex[:4]
    names = [f"bob-{tag}"] * 20 if by == "name" else [f"bob-{tag}-{n}" for n in range(20)]
    network = ".".join(map(str, uuid.uuid4().bytes[:3]))
    addresses = [f"{network}.{n if by == 'name' else 1}" for n in range(20)]
    statuses = [
        await _tries(nodes[n % 2], name, address)
        for n, (name, address) in enumerate(zip(names, addresses, strict=True))
    ]
    assert statuses[:LOGINS] == [401] * LOGINS
    assert statuses[-1] == statuses[-2] == 429
    # One comes back in ten seconds.
    assert statuses.count(401) < 2 * LOGINS


async def test_nothing_is_refused_while_valkey_hangs(cluster: Cluster, nodes: list[Api]) -> None:
    ann = Sender(nodes)
    await ann.begin()
    tag = uuid.uuid4().hex[:4]
    cluster.valkey.send(signal.SIGSTOP)
    try:
        for node in (0, 1):
            began = time.monotonic()
            assert await ann.flood(node) >= BURST
            for number in range(LOGINS):
                name, address = f"cat-{tag}-{node}", f"2001:db8:{tag}:{node + 1}::1"
                assert await _tries(nodes[node], name, address) == 401, number
            assert await _tries(nodes[node], name, address) == 429, "each counts for itself"
            assert time.monotonic() - began < 10, "hardly anybody waits for Valkey"
    finally:
        cluster.valkey.send(signal.SIGCONT)
