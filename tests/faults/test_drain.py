"""SIGTERM: nobody new, everybody answered, cursors stored, then 1001 with a hint, then the end."""

import asyncio
import json
import re
import signal
import socket
from contextlib import AsyncExitStack

import aiohttp
import pytest

from tests.faults.device import SUBPROTOCOL
from tests.faults.people import Api, Person
from tests.support.server import PATIENCE, ServerProcess
from tests.support.wait import eventually

BURST = 50
FOR_EACH = 10
"""Connections that one session may have."""


async def connect(
    stack: AsyncExitStack, api: Api, person: Person
) -> aiohttp.ClientWebSocketResponse:
    headers = {"Authorization": f"Bearer {person.token}"}
    opening = api.http.ws_connect(f"{api.url}/ws", headers=headers, protocols=[SUBPROTOCOL])
    socket = await stack.enter_async_context(opening)
    assert (await socket.receive_json())["type"] == "welcome"
    return socket


async def to_the_end(socket: aiohttp.ClientWebSocketResponse) -> tuple[list[dict], int, str]:
    """Frames until it is closed, the close code and its reason."""
    frames = []
    async with asyncio.timeout(PATIENCE):
        while (message := await socket.receive()).type == aiohttp.WSMsgType.TEXT:
            frames.append(json.loads(message.data))
    assert message.type == aiohttp.WSMsgType.CLOSE, message
    return frames, message.data, message.extra or ""


def accepts(server: ServerProcess) -> bool:
    with socket.socket() as peer:
        return peer.connect_ex(("127.0.0.1", server.port)) == 0


async def stop_accepting(server: ServerProcess) -> None:
    server.send(signal.SIGTERM)
    await eventually(lambda: not accepts(server), "it stops accepting", PATIENCE)


async def test_what_was_sent_is_answered_and_stored(server: ServerProcess, api: Api) -> None:
    ann, bob = await api.people("ann", "bob")
    chat = await api.direct(ann, bob)
    first = (await api("POST", "/messages", {"chat_id": chat, "content": "first"}, of=ann)).good
    async with AsyncExitStack() as stack:
        writer, reader = await connect(stack, api, ann), await connect(stack, api, bob)
        await reader.send_json({"type": "resume", "positions": {}})
        async with asyncio.timeout(PATIENCE):
            while (await reader.receive_json())["type"] != "caught_up":
                pass
        server.signal_store(signal.SIGSTOP)  # so that they still wait when the drain begins
        for number in range(BURST):
            send = {"type": "send", "client_id": f"00000000-0000-4000-8000-{number:012}"}
            await writer.send_json({**send, "chat_id": chat, "content": f"number {number}"})
        await reader.send_json({"type": "read", "message_id": first["id"]})
        await reader.send_json({"type": "received", "chat_id": chat, "seq": 1})
        await reader.send_json({"type": "read", "chat_id": chat, "seq": 1})
        await accepted(api, BURST + 1)
        await stop_accepting(server)
        server.signal_store(signal.SIGCONT)
        frames, code, reason = await to_the_end(writer)
        assert (code, bool(re.search(r"\d", reason))) == (1001, True)
        acks = [f["client_id"] for f in frames if f["type"] == "ack"]
        assert [int(ack[-12:]) for ack in acks] == list(range(BURST))
        frames, code, _ = await to_the_end(reader)
        assert code == 1001
    assert await asyncio.to_thread(server.wait) == 0
    assert "Finishing" in server.said
    server.start()
    assert len(await api.history(bob, chat)) == BURST + 1
    delivered, read = (await api.cursors(ann, chat))[bob.id]
    assert (delivered, read) == (1, 1)


async def accepted(api: Api, count: int) -> None:
    """Until so many sends wait in the queue or were committed."""
    await api.until(lambda metrics: metrics["hubbub_accepted_total"] >= count)


@pytest.mark.parametrize("people", [3, pytest.param(130, marks=pytest.mark.slow)])
async def test_everybody_hears_when_to_come_back(
    server: ServerProcess, api: Api, people: int
) -> None:
    crowd = await api.people(*(f"user{number}" for number in range(people)))
    async with AsyncExitStack() as stack:
        sockets = [await connect(stack, api, p) for p in crowd for _ in range(FOR_EACH)]
        await stop_accepting(server)
        ends = await asyncio.gather(*map(to_the_end, sockets))
    assert {code for _, code, _ in ends} == {1001}
    hints = [re.search(r"\d+", reason) for _, _, reason in ends]
    assert all(hint is not None and 0 < int(hint[0]) <= 30 for hint in hints)
    assert await asyncio.to_thread(server.wait) == 0


@pytest.mark.parametrize("settings", [{"HUBBUB_SERVER_DRAIN_DELAY": "600"}])
async def test_a_load_balancer_is_told_first(server: ServerProcess, api: Api) -> None:
    server.send(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        while (await api("GET", "/readyz")).status != 503:
            pass
    # Whoever comes until it has heard that is served.
    ann, bob = await api.people("ann", "bob")
    async with AsyncExitStack() as stack:
        await connect(stack, api, ann)
        chat = await api.direct(ann, bob)
        await api("POST", "/messages", {"chat_id": chat, "content": "hello"}, of=ann)
        assert len(await api.history(bob, chat)) == 1
        server.send(signal.SIGTERM)
        assert await asyncio.to_thread(server.wait) == 1


@pytest.mark.slow
async def test_a_second_signal_cuts_it_short(server: ServerProcess, api: Api) -> None:
    ann, bob = await api.people("ann", "bob")
    chat = await api.direct(ann, bob)
    async with AsyncExitStack() as stack:
        writer = await connect(stack, api, ann)
        server.signal_store(signal.SIGSTOP)  # this drain would take for ever
        send = {"type": "send", "client_id": "00000000-0000-4000-8000-000000000000"}
        await writer.send_json({**send, "chat_id": chat, "content": "unanswered"})
        await accepted(api, 1)
        await stop_accepting(server)
        server.send(signal.SIGTERM)
        assert await asyncio.to_thread(server.wait) == 1
        frames, code, _ = await to_the_end(writer)
        assert (frames, code) == ([], 1001)
