"""What a busy server with every kind of trouble logs: JSON with request ids, and nothing secret."""

import asyncio
import json
import signal
import uuid
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from tests.faults.device import SUBPROTOCOL, Device
from tests.faults.people import PASSWORD, Api, Person
from tests.support.server import PATIENCE, ServerProcess
from tests.support.wait import eventually

SECRET = "the eagle flies at midnight"
WRONG = "a password that is wrong"
QUERY = "tell-nobody-what-i-asked"


@pytest.fixture
def settings() -> dict[str, str]:
    return {"HUBBUB_LOG_LEVEL": "debug", "HUBBUB_AUTH_REGISTRATION": "invite"}


class Trouble:
    """Everything that may go wrong; remembers what no log may hold."""

    def __init__(self, server: ServerProcess, api: Api) -> None:
        self.server = server
        self.api = api
        self.secrets = {SECRET, PASSWORD, WRONG, QUERY}

    async def sign_up(self) -> list[Person]:
        """By invite; the admin's from what the server said at its start."""
        code = self.server.admin_fragment.removeprefix("#invite=")
        people: list[Person] = []
        for name in ("ann", "bob"):
            body = {"username": name, "password": PASSWORD, "invite": code}
            made = (await self.api("POST", "/auth/register", body)).good
            tokens = made["token"], made["refresh_token"]
            people.append(Person(name, made["user"]["id"], made["session_id"], *tokens))
            self.secrets |= {code, *tokens}
            code = (await self.api("POST", "/invites", of=people[0])).good["code"]
        self.secrets.add(code)
        return people

    async def of_rest(self, ann: Person, bob: Person) -> None:
        """Calls that succeed, that are refused, and that are nonsense."""
        api = self.api
        login = {"username": "bob", "password": PASSWORD}
        again = (await api("POST", "/auth/login", login)).good
        fresh = {"refresh_token": again["refresh_token"]}
        newer = (await api("POST", "/auth/refresh", fresh)).good
        self.secrets |= {again["token"], again["refresh_token"]}
        self.secrets |= {newer["token"], newer["refresh_token"]}
        assert (await api("POST", "/auth/refresh", fresh)).status == 401  # used twice: revoked
        assert (await api("POST", "/auth/login", login | {"password": WRONG})).status == 401
        register = {"username": "eve", "password": WRONG, "invite": SECRET.replace(" ", "-")}
        assert (await api("POST", "/auth/register", register)).status == 403
        message = {"recipient_ids": [bob.id], "content": SECRET}
        for body in (message, message | {"media": [{"type": "image", "url": f"x:{QUERY}"}]},
                     message | {"client_id": SECRET}, {"content": [SECRET]}):  # fmt: skip
            await api("POST", "/messages", body, of=ann)
        for path in (f"/chats?cursor={QUERY}", f"/users?username={QUERY}", f"/{QUERY}?q={QUERY}",
                     f"/me?token={bob.token}"):  # fmt: skip
            await api("GET", path, of=ann)
        stranger = Person("eve", "", "", ann.token[:-3], "")
        assert (await api("GET", "/me", of=stranger)).status == 401
        self.secrets.add(stranger.token)
        async with api.http.post(
            f"{api.url}/api/v1/messages?{QUERY}",
            data=f'{{"content": "{SECRET}"'.encode(),
            headers={"Authorization": f"Bearer {ann.token}", "Content-Type": "application/json"},
        ) as response:
            assert response.status == 400

    async def of_the_socket(self, ann: Person, bob: Person) -> None:
        """Frames that are bad, tokens in the address, a session that is revoked."""
        api = self.api
        address = f"{api.url}/ws?token={ann.token}&user={QUERY}"
        async with api.http.ws_connect(address, protocols=[SUBPROTOCOL]) as socket:
            for bad in (SECRET, json.dumps({"type": SECRET}), json.dumps({"type": "send"}),
                        json.dumps({"type": "send", "client_id": SECRET, "content": SECRET}),
                        json.dumps({"type": "auth", "token": bob.token})):  # fmt: skip
                await socket.send_str(bad)
            send = {"type": "send", "client_id": str(uuid.uuid4()), "recipient_ids": [bob.id]}
            await socket.send_str(json.dumps(send | {"content": SECRET}))
            await until_closed(socket)
        async with api.http.ws_connect(f"{api.url}/ws?token={QUERY}") as socket:
            await until_closed(socket)
        async with api.http.ws_connect(f"{api.url}/ws?token={bob.token}") as socket:
            await socket.receive()
            sessions = (await api("GET", "/sessions", of=bob)).good["sessions"]
            for session in sessions:
                await api("DELETE", f"/sessions/{session['id']}", of=bob)
            await until_closed(socket)

    async def of_the_store(self, ann: Person, bob: Person) -> None:
        """It dies under load."""
        chat = (await self.api("GET", "/chats", of=ann)).good["chats"][0]["id"]
        device = Device(self.api, ann)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(device.on())
            self.server.signal_store(signal.SIGKILL)
            sent = device.send(chat, SECRET)
            await eventually(lambda: sent.ack is not None, "it is stored", PATIENCE)


async def until_closed(socket: aiohttp.ClientWebSocketResponse) -> None:
    async with asyncio.timeout(PATIENCE):  # of all: a ping would begin that of `receive` anew
        while (await socket.receive()).type == aiohttp.WSMsgType.TEXT:
            pass


async def raw(server: ServerProcess, *requests: bytes) -> None:
    """What is no HTTP."""
    for request in requests:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request)
        await reader.read()
        writer.close()
        await writer.wait_closed()


async def test_nothing_secret_is_logged(server: ServerProcess, api: Api) -> None:
    trouble = Trouble(server, api)
    ann, bob = await trouble.sign_up()
    await trouble.of_rest(ann, bob)
    await trouble.of_the_store(ann, bob)
    await raw(server, f"NONSENSE {QUERY}\r\n\r\n".encode(), f"GET /ws?{QUERY}\r\n\r\n".encode())
    await trouble.of_the_socket(ann, bob)
    asked = await api("GET", "/me", of=ann, headers={"X-Request-Id": "find-me-again"})
    assert asked.headers["x-request-id"] == "find-me-again"
    assert server.end() == 0
    said = server.said + server.printed()
    shown = said.replace(server.admin_fragment, "", 1)  # the link that makes the admin
    assert not [secret for secret in trouble.secrets if secret in shown]
    lines = [line_of(line) for line in server.printed().splitlines()]
    answered = [line for line in lines if line["event"] == "answered"]
    assert all(line["request_id"] and line["operation"] for line in answered)
    assert "find-me-again" in {line["request_id"] for line in answered}
    assert {200, 201, 202, 400, 401, 403, 404, 422} <= {line["status"] for line in answered}
    assert "store restarted" in {line["event"] for line in lines}
    assert all(line["level"] and line["event"] for line in lines)


def line_of(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        raise AssertionError(f"a line of the log is not JSON: {text}") from None
    assert isinstance(line, dict)
    return line
