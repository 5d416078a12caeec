"""A machine that is gone, in a network of its own: prints seconds until each client hears of it.

Run as root of a user namespace, by test_haproxy.py. The server is in another network namespace,
whose way back is cut while two are connected: one says something then, the other only listens.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from pathlib import Path

import aiohttp

from tests.faults.people import Api, Person, calling
from tests.support.proxies import Haproxy
from tests.support.server import PATIENCE, ServerProcess

HERE, THERE = "10.77.0.1", "10.77.0.2"
SUBPROTOCOL = "hubbub.v1"


def ip(*words: str, of: int | None = None) -> None:
    inside = ["nsenter", "--net", "--target", str(of)] if of else []
    subprocess.run([*inside, "ip", *words], check=True)


@contextmanager
def machine() -> Iterator[int]:
    """A network namespace, by the id of a process in it, joined to this one."""
    with subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE) as process:
        end = time.monotonic() + PATIENCE
        while os.readlink(f"/proc/{process.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            assert time.monotonic() < end, "there is no namespace"
        join(process.pid)
        yield process.pid


def join(machine: int) -> None:
    ip("link", "set", "lo", "up")
    ip("link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(machine))
    ip("address", "add", f"{HERE}/24", "dev", "here")
    ip("link", "set", "here", "up")
    ip("address", "add", f"{THERE}/24", "dev", "there", of=machine)
    ip("link", "set", "there", "up", of=machine)


async def opened(
    stack: AsyncExitStack, api: Api, person: Person
) -> aiohttp.ClientWebSocketResponse:
    headers = {"Authorization": f"Bearer {person.token}"}
    opening = api.http.ws_connect(f"{api.url}/ws", headers=headers, protocols=[SUBPROTOCOL])
    socket = await stack.enter_async_context(opening)
    assert (await socket.receive_json())["type"] == "welcome"
    return socket


async def ended(socket: aiohttp.ClientWebSocketResponse, since: float) -> float:
    async with asyncio.timeout(PATIENCE):
        assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSED
    return time.monotonic() - since


async def main(folder: Path) -> None:
    async with AsyncExitStack() as stack:
        there = stack.enter_context(machine())
        inside = ["nsenter", "--net", "--target", str(there)]
        settings = {"HUBBUB_SERVER_HOST": THERE, "HUBBUB_AUTH_REGISTRATION": "open"}
        server = ServerProcess(folder, settings, prefix=inside)
        stack.callback(server.kill)
        server.start()
        proxy = stack.enter_context(closing(Haproxy(folder, [f"{THERE}:{server.port}"], {})))
        proxy.start()
        api = await stack.enter_async_context(calling(proxy.url))
        one, other = [await opened(stack, api, who) for who in await api.people("ann", "bob")]
        ip("route", "add", "blackhole", f"{HERE}/32", of=there)
        since = time.monotonic()
        await one.send_json({"type": "resume"})
        print(*await asyncio.gather(ended(one, since), ended(other, since)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
