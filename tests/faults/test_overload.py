"""More than the server takes: refused with `retry_after`, in order, and taken when it can again."""

import asyncio
import json
import signal
import socket
import time
import uuid
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import aiohttp
import pytest

from tests.edge.peer import Peer, frame
from tests.faults.device import SUBPROTOCOL, Device
from tests.faults.people import Api, Person
from tests.faults.proof import check_nothing_lost
from tests.support.server import PATIENCE, ServerProcess
from tests.support.wait import eventually

QUEUE = 40
HOLD = 5.0
"""Seconds for which what follows a refused send has to wait for it (clause 4.4.5)."""
RETRYABLE = {"overloaded", "unavailable", "rate_limited"}


@pytest.fixture
def settings() -> dict[str, str]:
    return {"HUBBUB_INGEST_QUEUE": str(QUEUE), "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0"}


class Line:
    """A connection on which every send is written and every answer awaited by hand."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, chat: str) -> None:
        self._socket = socket
        self._chat = chat
        self._answers: dict[str, dict[str, Any]] = {}

    async def send(self, client_id: str) -> None:
        frame = {"type": "send", "client_id": client_id, "chat_id": self._chat}
        await self._socket.send_str(json.dumps(frame | {"content": f"said {client_id}"}))

    async def answer(self, client_id: str) -> dict[str, Any]:
        """The next answer to this send."""
        async with asyncio.timeout(PATIENCE):
            while client_id not in self._answers:
                await self._receive()
        return self._answers.pop(client_id)

    async def refusal(self) -> dict[str, Any]:
        """The first refusal of any send; `answer` has it too."""
        async with asyncio.timeout(PATIENCE):
            while (frame := await self._receive())["type"] != "error":
                pass
        return frame

    async def _receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = await self._socket.receive_json()
        ref = frame.get("client_id") if frame["type"] == "ack" else frame.get("ref")
        if ref is not None:
            self._answers[ref] = frame
        return frame

    async def ask(self, client_id: str) -> dict[str, Any]:
        await self.send(client_id)
        return await self.answer(client_id)

    async def insist(self, client_id: str) -> dict[str, Any]:
        """Send it as often as it takes, not before the server wants to hear it again."""
        while (answer := await self.ask(client_id))["type"] == "error":
            assert answer["code"] in RETRYABLE
            await asyncio.sleep(answer["retry_after"])
        return answer


async def line(stack: AsyncExitStack, api: Api, person: Person, chat: str) -> Line:
    headers = {"Authorization": f"Bearer {person.token}"}
    opening = api.http.ws_connect(f"{api.url}/ws", headers=headers, protocols=[SUBPROTOCOL])
    return Line(await stack.enter_async_context(opening), chat)


def names(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


async def refused_in_a_stall(server: ServerProcess, talk: Line) -> tuple[str, float]:
    """Send until the queue of a store that does not move is full: the first that was refused,

    and a moment before it was.
    """
    server.signal_store(signal.SIGSTOP)
    try:
        sends = names(2 * QUEUE + 2)
        before = time.monotonic()
        for client_id in sends:
            await talk.send(client_id)
        # The last of them may wait in the queue, from where the next batch is refused in order.
        first = await talk.refusal()
        assert (first["type"], first["code"]) == ("error", "overloaded")
        assert first["retry_after"] > 0
    finally:
        server.signal_store(signal.SIGCONT)
    answers = [await talk.answer(client_id) for client_id in sends]
    kinds = [answer["type"] for answer in answers]
    refused = kinds.index("error")
    assert QUEUE <= refused <= 2 * QUEUE
    assert set(kinds[:refused]) == {"ack"}
    assert set(kinds[refused:]) == {"error"}
    return sends[refused], before


async def test_what_follows_a_refused_send_waits_for_it(server: ServerProcess, api: Api) -> None:
    ann, bob = await api.people("ann", "bob")
    chat = await api.direct(ann, bob)
    async with AsyncExitStack() as stack:
        talk = await line(stack, api, ann, chat)
        while True:
            refused, before = await refused_in_a_stall(server, talk)
            early, late = names(2)
            answer = await talk.ask(early)
            if time.monotonic() - before < HOLD:
                break  # else the machine took so long that it may pass by now
        assert (answer["type"], answer["code"]) == ("error", "overloaded")
        assert 0 < answer["retry_after"] <= HOLD
        first = await talk.ask(refused)
        assert first["type"] == "ack"
        assert (await talk.insist(early))["type"] == "ack"
        assert (await talk.insist(late))["type"] == "ack"
    said = [m["content"] for m in await api.history(bob, chat)][-3:]
    assert said == [f"said {client_id}" for client_id in (refused, early, late)]


@pytest.mark.slow
async def test_what_never_returns_is_waited_for_no_longer(server: ServerProcess, api: Api) -> None:
    ann, bob = await api.people("ann", "bob")
    chat = await api.direct(ann, bob)
    async with AsyncExitStack() as stack:
        talk = await line(stack, api, ann, chat)
        refused, before = await refused_in_a_stall(server, talk)
        other = names(1)[0]
        assert (await talk.insist(other))["type"] == "ack"
        assert time.monotonic() - before >= HOLD
    contents = [m["content"] for m in await api.history(bob, chat)]
    assert f"said {refused}" not in contents


async def test_all_recovers_when_the_store_goes_on(server: ServerProcess, api: Api) -> None:
    people = await api.people("ann", "bob", "cid")
    chat = await api.group(people[0], people[1:])
    devices = [Device(api, person, window=QUEUE, seed=n) for n, person in enumerate(people)]
    async with AsyncExitStack() as stack:
        for device in devices:
            await stack.enter_async_context(device.on())
            device.talk(chat)
        server.signal_store(signal.SIGSTOP)
        await eventually(lambda: any(d.errors for d in devices), "the queue is full", PATIENCE)
        metrics = await api.metrics()
        assert metrics["hubbub_queue_depth"] <= metrics["hubbub_queue_capacity"] == QUEUE
        assert metrics['hubbub_refused_total{code="overloaded"}'] > 0
        answer = await api("POST", "/messages", {"chat_id": chat, "content": "x"}, of=people[0])
        assert (answer.status, answer.body["code"]) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) > 0
        for device in devices:
            device.quiet()
        server.signal_store(signal.SIGCONT)
        await eventually(lambda: not any(d.unanswered for d in devices), "answered", PATIENCE)
        await api.until(lambda metrics: metrics["hubbub_queue_depth"] == 0)
        head = len(await api.history(people[0], chat))
        await eventually(
            lambda: all(d.view.places[chat] == head for d in devices), "everywhere", PATIENCE
        )
    await check_nothing_lost(api, devices)
    assert [d.connections for d in devices] == [1, 1, 1]


class TestRates:
    """30 messages a second and user, 60 at once: the defaults."""

    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {}

    async def test_of_a_connection(self, api: Api) -> None:
        ann, bob = await api.people("ann", "bob")
        chat = await api.direct(ann, bob)
        async with AsyncExitStack() as stack:
            talk = await line(stack, api, ann, chat)
            while True:
                before = time.monotonic()
                sends = names(400)
                for client_id in sends:
                    await talk.send(client_id)
                answers = [await talk.answer(client_id) for client_id in sends]
                refused = [a for a in answers if a["type"] == "error"]
                assert len(answers) - len(refused) >= 60
                first = sends[answers.index(refused[0])]
                await asyncio.sleep(refused[0]["retry_after"])
                answer = await talk.ask(another := names(1)[0])
                if time.monotonic() - before < HOLD:
                    break
            assert refused[0]["code"] == "rate_limited"
            assert 0 < refused[0]["retry_after"] <= 1
            kinds = [a["type"] for a in answers]
            assert "ack" not in kinds[kinds.index("error") :], "a later send went before"
            assert answer["type"] == "error", "it passes the one that was refused"
            assert answer["code"] in RETRYABLE
            assert (await talk.insist(first))["type"] == "ack"
            assert (await talk.insist(another))["type"] == "ack"

    @pytest.mark.slow
    async def test_of_rest(self, api: Api) -> None:
        ann, bob = await api.people("ann", "bob")
        chat = await api.direct(ann, bob)
        body = {"chat_id": chat, "content": "again"}
        sends = [api("POST", "/messages", body, of=ann) for _ in range(400)]
        answers = await asyncio.gather(*sends)
        refused = [a for a in answers if a.status == 429]
        assert len(answers) - len(refused) >= 60
        assert refused
        for answer in refused:
            assert answer.body["code"] == "rate_limited"
            assert answer.body["retry_after"] > 0
            assert int(answer.headers["retry-after"]) >= answer.body["retry_after"]
        other = await api("POST", "/messages", body, of=bob)
        assert other.status == 202


async def test_who_says_much_at_once_is_in_nobodys_way(server: ServerProcess, api: Api) -> None:
    ann, bob = await api.people("ann", "bob")
    chat = await api.group(ann, [bob])
    said = (await api("POST", "/messages", {"chat_id": chat, "content": "hi"}, of=ann)).good["id"]
    read = frame(json.dumps({"type": "read", "message_id": said}).encode())
    wrong = frame(json.dumps({"type": "focus", "chat_ids": ["none"]}).encode())
    with ExitStack() as stack:
        ann_, bob_ = [stack.enter_context(signed_in(server, person)) for person in (ann, bob)]
        ann_.send(read * 3_000)
        bob_.send(read + wrong)
        while (heard := json.loads(bob_.frame().payload))["type"] != "error":
            pass
        assert heard["code"] == "invalid"


def signed_in(server: ServerProcess, person: Person) -> Peer:
    """A connection that has only signed in."""
    peer = Peer(socket.create_connection(("127.0.0.1", server.port)))
    peer.open(Authorization=f"Bearer {person.token}", Sec_WebSocket_Protocol=SUBPROTOCOL)
    return peer
