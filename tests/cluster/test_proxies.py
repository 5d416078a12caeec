"""Debian's HAProxy and Caddy in front of three servers, with the files of deploy/."""

import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, closing

import aiohttp
import pytest

from tests.faults.people import Api, Person, calling
from tests.support.cluster import Cluster
from tests.support.proxies import Caddy, Haproxy, Proxy
from tests.support.server import PATIENCE, ServerProcess

SUBPROTOCOL = "hubbub.v1"
EACH = 10
"""Connections that one session may have."""
HINTS = [f"user_{number}" for number in range(30)]
"""By which the two proxies choose the same servers in every run."""
SETTINGS = {
    "HUBBUB_SERVER_TRUSTED_PROXIES": "127.0.0.1",
    "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0",
    "HUBBUB_LIMITS_LOGINS_PER_MINUTE": "3",
}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster.running(tmp_path_factory.mktemp("nodes"), 3, SETTINGS) as made:
        yield made


def addresses(nodes: Sequence[ServerProcess]) -> list[str]:
    return [f"127.0.0.1:{node.port}" for node in nodes]


@pytest.fixture(scope="module", params=[Haproxy, Caddy], ids=["haproxy", "caddy"])
def proxy(
    request: pytest.FixtureRequest, nodes: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    made: Proxy = request.param(tmp_path_factory.mktemp("proxy"), addresses(nodes.nodes), {})
    with closing(made):
        made.start()
        yield made


@pytest.fixture
async def api(proxy: Proxy) -> AsyncIterator[Api]:
    async with calling(proxy.url, trust=proxy.trust()) as api:
        yield api


class Watch:
    """Where connections come out: open ones are counted by each node."""

    def __init__(self, nodes: Cluster, api: Api) -> None:
        self._nodes = [Api(api.http, url) for url in nodes.urls]
        self.api = api
        self.open: list[int] = [0] * len(self._nodes)

    async def counts(self) -> list[int]:
        """Open WebSockets of each node; 0 of one that is away."""
        return [await self._count(node) for node in self._nodes]

    async def _count(self, node: Api) -> int:
        try:
            return int((await node.metrics())["hubbub_connections"])
        except aiohttp.ClientError:
            return 0

    async def until(self, counts: Sequence[int] | int) -> list[int]:
        """Wait for these counts, or for their sum."""
        end = time.monotonic() + PATIENCE
        while True:
            found = await self.counts()
            if found == counts or sum(found) == counts:
                return found
            assert time.monotonic() < end, (found, counts)

    async def opened(
        self, stack: AsyncExitStack, query: dict[str, str], headers: dict[str, str]
    ) -> int:
        """Open one more, which stays until the stack ends; the node at which it came out."""
        before = await self.counts()
        opening = self.api.http.ws_connect(
            f"{self.api.url}/ws", params=query, headers=headers, protocols=[SUBPROTOCOL]
        )
        socket = await stack.enter_async_context(opening)
        assert (await socket.receive_json())["type"] == "welcome"
        after = await self.until(sum(before) + 1)
        (node,) = (n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b)
        return node


@pytest.fixture
async def watch(nodes: Cluster, api: Api) -> Watch:
    """Nothing is open yet."""
    watch = Watch(nodes, api)
    await watch.until([0] * len(nodes.nodes))
    return watch


def bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}"}


def named(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:12]}"


async def placed(stack: AsyncExitStack, watch: Watch, people: Sequence[Person]) -> dict[str, int]:
    """A connection with each of the hints, and the node of each."""
    return {
        hint: await watch.opened(stack, {"user": hint}, bearer(people[number // EACH]))
        for number, hint in enumerate(HINTS)
    }


async def crowd(api: Api) -> list[Person]:
    """Enough people to open a connection with each hint."""
    return await api.people(*(named("crowd") for _ in range(len(HINTS) // EACH)))


async def test_a_user_comes_to_one_server_and_users_spread(api: Api, watch: Watch) -> None:
    people, again = await crowd(api), await crowd(api)
    async with AsyncExitStack() as stack:
        first = await placed(stack, watch, people)
        assert await placed(stack, watch, again) == first
    spread = Counter(first.values())
    assert len(spread) == 3, spread
    assert max(spread.values()) <= len(HINTS) // 2, spread


async def test_hint_and_token_lead_to_the_same_server(proxy: Proxy, api: Api, watch: Watch) -> None:
    if isinstance(proxy, Caddy):
        pytest.skip("Caddy cannot read tokens")
    for person in await api.people(*(named("ann") for _ in range(4))):
        async with AsyncExitStack() as stack:
            found = [
                await watch.opened(stack, {"user": person.id}, bearer(person)),
                await watch.opened(stack, {}, bearer(person)),
                await watch.opened(stack, {"token": person.token}, {}),
            ]
        assert len(set(found)) == 1, found
        await watch.until(0)


async def test_who_was_elsewhere_stays_when_a_server_dies(
    nodes: Cluster, api: Api, watch: Watch
) -> None:
    people = await crowd(api)
    async with AsyncExitStack() as stack:
        before = await placed(stack, watch, people)
    await watch.until(0)
    nodes.nodes[1].crash()
    try:
        async with AsyncExitStack() as stack:
            after = await placed(stack, watch, people)
        await watch.until(0)
    finally:
        nodes.nodes[1].start()
    moved = {hint for hint in HINTS if before[hint] != after[hint]}
    assert moved == {hint for hint in HINTS if before[hint] == 1}
    assert {after[hint] for hint in moved} == {0, 2}
    # Once the proxy has seen that it is there again, its users come back to it.
    end, hint = time.monotonic() + PATIENCE, moved.pop()
    while True:
        async with AsyncExitStack() as stack:
            if await watch.opened(stack, {"user": hint}, bearer(people[0])) == 1:
                break
        await watch.until(0)
        assert time.monotonic() < end, "nobody comes back"
