"""Readers that stop reading while a busy group talks: bounded memory, nobody else disturbed."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from tests.edge.peer import Peer, frame, request
from tests.faults.device import SUBPROTOCOL, Device
from tests.faults.people import Api, Person
from tests.faults.view import View
from tests.support.server import PATIENCE, ServerProcess
from tests.support.wait import eventually

FOR_EACH = 10
"""Connections that one session may have."""
LONG = "x" * 8_000
BUFFERED = 256 * 1024
"""Bytes that the server keeps for one reader that does not read."""
BASE = 64 * 1024 * 1024


def small_window(address: tuple[Any, ...]) -> socket.socket:
    """A socket whose kernel takes little for a reader that does not read."""
    made = socket.socket(address[0], address[1], address[2])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    return made


@asynccontextmanager
async def sleepy() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0, socket_factory=small_window)
    async with aiohttp.ClientSession(connector=connector) as http:
        yield http


class Sleeper:
    """Resumes, and reads no further than `caught_up` until it is woken."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.view = View()
        self._socket = socket

    async def resume(self) -> None:
        await self._socket.send_str(json.dumps({"type": "resume", "positions": {}}))
        while not self.view.live:
            await self.read()

    async def read(self) -> None:
        message = await self._socket.receive(PATIENCE)
        assert message.type == aiohttp.WSMsgType.TEXT, message
        self.view.take(json.loads(message.data))

    async def read_to(self, chat: str, place: int) -> None:
        while self.view.places.get(chat, 0) < place:
            await self.read()


async def sleepers(
    stack: AsyncExitStack, api: Api, http: aiohttp.ClientSession, people: list[Person]
) -> list[Sleeper]:
    made = []
    for person in people:
        headers = {"Authorization": f"Bearer {person.token}"}
        for _ in range(FOR_EACH):
            opening = http.ws_connect(f"{api.url}/ws", headers=headers, protocols=[SUBPROTOCOL])
            made.append(Sleeper(await stack.enter_async_context(opening)))
    await asyncio.gather(*(sleeper.resume() for sleeper in made))
    return made


@pytest.fixture
def settings() -> dict[str, str]:
    return {
        "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0",
        "HUBBUB_SERVER_HEARTBEAT": "600",  # who does not read answers no ping
        "HUBBUB_REPLAY_PER_CHAT": "100",
    }


@pytest.mark.parametrize(
    ("crowd", "large", "messages"),
    [
        pytest.param(2, False, 150, id="20"),
        pytest.param(100, False, 150, id="1000", marks=pytest.mark.slow),
        pytest.param(100, True, 150, id="1000 in a large group", marks=pytest.mark.slow),
    ],
)
async def test_who_stops_reading_is_no_burden(
    server: ServerProcess, api: Api, crowd: int, large: bool, messages: int
) -> None:
    ann, bob, *others = await api.people(*(f"user{n}" for n in range(2 + crowd)))
    absent = await api.people(*(f"absent{n}" for n in range(200))) if large else []
    chat = await api.group(ann, [bob, *others, *absent])
    speaker, listener = Device(api, ann), Device(api, bob)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(sleepy())
        sleeping = await sleepers(stack, api, http, others)
        await stack.enter_async_context(speaker.on())
        await stack.enter_async_context(listener.on())
        await eventually(lambda: listener.view.live and speaker.view.live, "they are there")
        before = server.memory()
        slowest = 0.0
        for number in range(messages):
            began = time.monotonic()
            await said_and_heard(speaker, listener, chat, number)
            slowest = max(slowest, time.monotonic() - began)
        grown = server.memory() - before
        print(f"memory grew by {grown / 1e6:.0f} MB; slowest message took {slowest:.3f} s")
        assert grown < BASE + len(sleeping) * BUFFERED * 1.5
        metrics = await api.metrics()
        assert metrics["hubbub_slow_readers_total"] >= len(sleeping)
        head = (await api.history(ann, chat))[-1]["seq"]
        await asyncio.gather(*(sleeper.read_to(chat, head) for sleeper in sleeping))
        last = speaker.send(chat, "the last")
        await asyncio.gather(*(sleeper.read_to(chat, head + 1) for sleeper in sleeping))
    assert last.ack is not None
    for sleeper in sleeping:
        check_saw_everything(sleeper.view, chat, head + 1)
    assert not speaker.faults + listener.faults
    assert listener.connections == 1


async def said_and_heard(speaker: Device, listener: Device, chat: str, number: int) -> None:
    sent = speaker.send(chat, f"{number} {LONG}")
    await eventually(lambda: sent.ack is not None, "it is stored", PATIENCE)
    await eventually(lambda: listener.view.places.get(chat, 0) > number, "it is heard", PATIENCE)


def check_saw_everything(view: View, chat: str, head: int) -> None:
    """Each position came once and in order, or was announced as one to be read."""
    assert not view.faults, view.faults[0]
    away = {n for log, a, b in view.gaps if log == chat for n in range(a, b + 1)}
    seen = set(view.messages[chat])
    assert seen | away == set(range(1, head + 1))
    assert head in seen


async def test_who_reads_no_answers_is_ended(server: ServerProcess, api: Api) -> None:
    (ann,) = await api.people("ann")
    refused = frame(json.dumps({"type": "focus", "chat_ids": ["none"]}).encode()) * 1_000
    with Peer(socket.create_connection(("127.0.0.1", server.port))) as peer:
        peer.send(request(Authorization=f"Bearer {ann.token}", Sec_WebSocket_Protocol=SUBPROTOCOL))
        before = server.memory()
        assert await asyncio.to_thread(is_ended, peer, refused)
        assert server.memory() - before < BASE


def is_ended(peer: Peer, data: bytes) -> bool:
    """Send it on and on; whether the server ends that."""
    end = time.monotonic() + PATIENCE
    with suppress(ConnectionError):
        while time.monotonic() < end:
            peer.send(data)
        return False
    return True
