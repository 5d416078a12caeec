"""What HAProxy with deploy/haproxy.cfg does beyond what every proxy does."""

import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest

from tests.faults.people import Api, calling
from tests.support.certificates import certificate
from tests.support.proxies import Haproxy
from tests.support.server import ServerProcess, running
from tests.support.wait import eventually


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running() as server:
        yield server


@asynccontextmanager
async def proxied(
    folder: Path, server: ServerProcess, settings: dict[str, str]
) -> AsyncIterator[tuple[Haproxy, Api]]:
    """Calls through a HAProxy of one's own, with these settings."""
    with closing(Haproxy(folder, [f"127.0.0.1:{server.port}"], settings)) as proxy:
        proxy.start()
        async with calling(proxy.url) as api:
            yield proxy, api


async def test_a_connection_on_which_nobody_says_anything_ends(
    tmp_path: Path, server: ServerProcess
) -> None:
    """So test_proxies shows that heartbeats are what keeps them."""
    async with (
        proxied(tmp_path, server, {"PROXY_IDLE": "200ms"}) as (_, api),
        api.http.ws_connect(f"{api.url}/ws") as socket,
    ):
        assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSED
        assert socket.close_code == 1006


async def test_one_address_has_so_many_connections(tmp_path: Path, server: ServerProcess) -> None:
    async with AsyncExitStack() as stack:
        bounded = proxied(tmp_path, server, {"PROXY_PER_ADDRESS": "3"})
        _, api = await stack.enter_async_context(bounded)
        for _ in range(3):
            await stack.enter_async_context(api.http.ws_connect(f"{api.url}/ws"))
        with pytest.raises(aiohttp.ClientConnectionError):
            await api("GET", "/healthz")


@pytest.fixture
def pem(tmp_path: Path) -> str:
    """A certificate that signs itself, with its key."""
    both = [Path(file).read_text() for file in certificate(tmp_path)]
    pem = tmp_path / "chat.pem"
    pem.write_text("".join(both))
    return str(pem)


async def test_tls_ends_here(tmp_path: Path, server: ServerProcess, pem: str) -> None:
    async with proxied(tmp_path, server, {"PROXY_TLS": pem}) as (proxy, api):
        plain = proxy.settings["PROXY_BIND_PLAIN"]
        secure = api.url.replace("http://localhost", "https://127.0.0.1")
        trust = ssl.create_default_context(cafile=pem)
        async with api.http.get(f"{secure}/healthz", ssl=trust) as answer:
            assert answer.status == 200
        async with api.http.ws_connect(f"{secure}/ws", ssl=trust) as socket:
            assert not socket.closed
        async with api.http.get(f"http://{plain}/docs", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, f"https://{plain}/docs")


@pytest.mark.slow
async def test_where_nobody_is_ready_anybody_is_asked(tmp_path: Path) -> None:
    with running({"HUBBUB_SERVER_DRAIN_DELAY": "600"}) as server:
        async with proxied(tmp_path, server, {}) as (proxy, api):
            server.send(signal.SIGTERM)
            await eventually(lambda: "servers/node1 is DOWN" in proxy.printed(), "it is seen")
            answer = await api("GET", "/readyz")
            assert (answer.status, answer.body["detail"]) == (503, "The server is shutting down.")
            assert (await api("GET", "/healthz")).status == 200
            server.kill()
            answer = await api("GET", "/me")
            assert (answer.status, answer.body["code"]) == (503, "unavailable")
            assert answer.headers["retry-after"] == "1"


async def test_it_tells_of_itself_to_this_machine(tmp_path: Path, server: ServerProcess) -> None:
    async with proxied(tmp_path, server, {}) as (proxy, api):
        stats = f"http://{proxy.settings['PROXY_STATS']}"
        async with api.http.get(stats) as answer:
            assert "node1" in await answer.text()
        async with api.http.get(f"{stats}/metrics") as answer:
            assert "haproxy_server_status" in await answer.text()


@pytest.mark.slow
def test_a_machine_that_is_gone_costs_its_people_seconds(tmp_path: Path) -> None:
    """They go elsewhere at once then (test_proxies); a client alone would wait for a minute."""
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    done = subprocess.run(
        [*alone, sys.executable, "-m", "tests.cluster.gone", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, listened = map(float, done.stdout.split())
    assert said < 5
    assert listened < 10
