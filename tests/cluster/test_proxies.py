"""Debian's HAProxy and Caddy in front of three servers, with the files of deploy/."""

import asyncio
import re
import signal
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.faults.people import Answer, Api, Person, calling
from tests.faults.proof import check_forward, check_nothing_lost
from tests.faults.town import Town
from tests.support.cluster import Cluster
from tests.support.proxies import Caddy, Haproxy, Proxy
from tests.support.server import PATIENCE, ServerProcess, running
from tests.support.wait import eventually

SUBPROTOCOL = "hubbub.v1"
EACH = 10
"""Connections that one session may have."""
HINTS = [f"user_{number}" for number in range(30)]
"""HAProxy chooses the same servers for them in every run; Caddy's choice follows from ports."""
SETTINGS = {
    "HUBBUB_SERVER_TRUSTED_PROXIES": "127.0.0.1",
    "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0",
    "HUBBUB_LIMITS_LOGINS_PER_MINUTE": "3",
    "HUBBUB_SERVER_DRAIN_DELAY": "2",
}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster.running(tmp_path_factory.mktemp("nodes"), 3, SETTINGS) as made:
        yield made


def addresses(nodes: Sequence[ServerProcess]) -> list[str]:
    return [f"127.0.0.1:{node.port}" for node in nodes]


@pytest.fixture(
    scope="module",
    params=[Haproxy, pytest.param(Caddy, marks=pytest.mark.slow)],
    ids=["haproxy", "caddy"],
)
def proxy(
    request: pytest.FixtureRequest, nodes: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    made: Proxy = request.param(tmp_path_factory.mktemp("proxy"), addresses(nodes.nodes), {})
    with closing(made):
        made.start()
        asyncio.run(found_ready(nodes.urls))
        yield made


async def found_ready(urls: Sequence[str]) -> None:
    """Until whoever asks them has heard twice from each that it is ready."""
    async with calling("") as api, asyncio.timeout(PATIENCE):
        for node in [Api(api.http, url) for url in urls]:
            enough = await heard(node) + 2
            while await heard(node) < enough:
                pass


async def heard(node: Api) -> float:
    """How often it has said that it is ready."""
    said = 'hubbub_http_answers_total{operation="readyz",status="200"}'
    return (await node.metrics()).get(said, 0)


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
    assert max(spread.values()) < 25, spread


async def test_whoever_says_it_it_is_the_same_server(proxy: Proxy, api: Api, watch: Watch) -> None:
    other, *people = await api.people(*(named("ann") for _ in range(4)))
    for person in people:
        hint = {"user": person.id}
        ways = [(hint, bearer(person)), (hint, bearer(other))]
        if proxy.reads_tokens:
            ways += [({}, bearer(person)), ({"token": person.token}, {})]
        async with AsyncExitStack() as stack:
            found = [await watch.opened(stack, *way) for way in ways]
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
    assert {after[hint] for hint in moved} <= {0, 2}
    # Once the proxy has seen that it is there again, its users come back to it.
    end, hint = time.monotonic() + PATIENCE, moved.pop()
    while True:
        async with AsyncExitStack() as stack:
            if await watch.opened(stack, {"user": hint}, bearer(people[0])) == 1:
                break
        await watch.until(0)
        assert time.monotonic() < end, "nobody comes back"


async def test_limits_by_address_count_the_client(
    proxy: Proxy, request: pytest.FixtureRequest
) -> None:
    first = 2 if proxy.reads_tokens else 4  # addresses of its own for each proxy
    async with AsyncExitStack() as stack:
        one, other = [
            await stack.enter_async_context(
                calling(proxy.url, trust=proxy.trust(), source=f"127.0.0.{number}")
            )
            for number in (first, first + 1)
        ]
        while (answer := await login(one)).status == 401:
            pass
        assert answer.status == 429
        # Whoever else one claims to be.
        assert (await login(one, {"X-Forwarded-For": "192.0.2.7"})).status == 429
        assert (await login(one, {"Forwarded": "for=192.0.2.7"})).status == 429
        assert (await login(other, {"X-Forwarded-For": f"127.0.0.{first}"})).status == 401


async def login(api: Api, headers: dict[str, str] | None = None) -> Answer:
    body = {"username": named("nobody"), "password": "wrong enough"}
    return await api("POST", "/auth/login", body, headers=headers)


async def test_no_log_has_a_token_or_a_query(proxy: Proxy, api: Api) -> None:
    secret = f"secret{uuid.uuid4().hex}"
    asking = {"Authorization": f"Bearer {secret}", "Referer": f"{api.url}/?a={secret}"}
    async with api.http.ws_connect(f"{api.url}/ws?token={secret}", headers=asking) as socket:
        assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSE
    await api("GET", f"/users?username={secret}", headers=asking)
    await api("GET", f"/chats/{secret}/messages", headers=asking)
    reader, writer = await asyncio.open_connection("localhost", proxy.port, ssl=proxy.trust())
    writer.write(f"GET /ws?token={secret} HTTP/1.1\r\nno header: {secret}\r\n\r\n".encode())
    assert b" 400 " in await reader.readline()
    writer.close()
    about = ("/ws", "/api/v1/users", "/api/v1/chats")
    await eventually(
        lambda: all(re.search(rf"{path}\W*$|{path}\"", proxy.printed(), re.M) for path in about),
        "it has logged what was asked",
    )
    assert secret not in proxy.printed()


async def test_figures_are_not_for_everybody(api: Api) -> None:
    for path in ("/metrics", "/metrics?x", "/metrics/", "/%6detrics"):
        async with api.http.get(URL(api.url + path, encoded=True)) as answer:
            assert answer.status in (403, 404), path


async def test_a_silent_websocket_outlives_the_proxys_patience(
    proxy: Proxy, tmp_path: Path
) -> None:
    with running({"HUBBUB_SERVER_HEARTBEAT": "0.4"}) as server:
        kind = type(proxy)
        with closing(kind(tmp_path, addresses([server]), {"PROXY_IDLE": "2s"})) as impatient:
            impatient.start()
            async with calling(impatient.url, trust=impatient.trust()) as api:
                (ann,) = await api.people("ann")
                async with api.http.ws_connect(
                    f"{api.url}/ws", headers=bearer(ann), protocols=[SUBPROTOCOL], autoping=False
                ) as socket:
                    assert (await socket.receive_json())["type"] == "welcome"
                    for _ in range(7):  # 2.8 s
                        ping = await socket.receive()
                        assert ping.type == aiohttp.WSMsgType.PING
                        await socket.pong(ping.data)


# aiohttp leaves TLS transports behind, when their peer is cut while it writes.
leaves_transports = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.mark.slow
@leaves_transports
async def test_nothing_is_lost_when_a_server_dies(nodes: Cluster, api: Api) -> None:
    town = await Town.found(api, 5, family=uuid.uuid4().hex[:12])
    async with town.talking():
        for node in nodes.nodes:
            await town.progress(20, 200)
            before = await town.cursors()
            node.crash()
            await town.progress(20, 200)
            node.start()
            check_forward(before, await town.cursors())
        await town.settled()
    await check_nothing_lost(api, town.devices)


@pytest.mark.slow
@leaves_transports
async def test_a_rolling_restart_refuses_nothing(nodes: Cluster, api: Api) -> None:
    town = await Town.found(api, 6, family=uuid.uuid4().hex[:12])
    async with town.talking(), posting(api, town) as answers:
        for node in nodes.nodes:
            await town.progress(20, 200)
            node.send(signal.SIGTERM)
            assert await asyncio.to_thread(node.wait) == 0
            await town.progress(20, 200)
            await asyncio.to_thread(node.start)
            await found_ready([node.url])
        await town.settled()
    assert set(answers) == {202}, Counter(answers)
    closes = {code for device in town.devices for code in device.closes}
    assert closes <= {1000, 1001}, closes
    assert 1001 in closes
    await check_nothing_lost(api, town.devices)


@asynccontextmanager
async def posting(api: Api, town: Town) -> AsyncIterator[list[int]]:
    """Somebody who sends over REST, to a chat of his own, until the block ends; what is said."""
    answers: list[int] = []
    chat = await api.direct(*town.people[3:5])

    async def post() -> None:
        while True:
            said = {"chat_id": chat, "content": "again", "client_id": str(uuid.uuid4())}
            answers.append((await api("POST", "/messages", said, of=town.people[4])).status)

    task = asyncio.create_task(post())
    try:
        yield answers
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()


@pytest.mark.slow
async def test_who_sends_slowly_is_sent_away(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("localhost", proxy.port, ssl=proxy.trust())
    writer.write(b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade:")
    async with asyncio.timeout(PATIENCE):
        said = await reader.read()
    assert said == b"" or b" 408 " in said, said
    writer.close()
