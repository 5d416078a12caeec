"""The real transport against a small aiohttp server on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import WSMsgType, web

from hubbub_client import (
    AiohttpTransport,
    Client,
    MessageArrived,
    Options,
    State,
    Unreachable,
)
from hubbub_client.errors import Disconnected
from hubbub_protocol.codec import JSON, MSGPACK, SUBPROTOCOLS, server_codec
from hubbub_protocol.frames import ME, Ack, Auth, CaughtUp, Me, Resume, Send
from tests.support.wait import eventually
from tests.unit.client.peers import ANN, CHAT, TIME, WELCOME, message, signed_in


async def login(request: web.Request) -> web.Response:
    body = await request.json()
    if body["password"] != "secret123":
        problem = {"title": "No", "status": 401, "code": "bad_credentials", "detail": "Wrong."}
        return web.json_response(problem, status=401)
    return web.Response(body=msgspec.json.encode(signed_in()), content_type="application/json")


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """A server in thirty lines: one chat, each send comes back as the message."""
    assert request.query["user"] == ANN
    socket = web.WebSocketResponse(protocols=SUBPROTOCOLS)
    await socket.prepare(request)
    binary = socket.ws_protocol == MSGPACK
    codec = server_codec(binary)

    async def say(*frames: msgspec.Struct) -> None:
        for frame in frames:
            payload = codec.encode(frame)
            await (socket.send_bytes(payload) if binary else socket.send_str(payload.decode()))

    seq = 0
    async for raw in socket:
        assert (raw.type is WSMsgType.BINARY) == binary
        match codec.decode(raw.data if binary else raw.data.encode()):
            case Auth(token):
                if token != "t1":
                    await socket.close(code=4401, message=b"token")
                    break
                await say(WELCOME)
            case Resume():
                await say(Me(1, "chat", CHAT, joined_seq=1), CaughtUp({ME: 1, CHAT: 0}))
            case Send() as send:
                seq += 1
                new = message(seq, content=send.content, client_id=send.client_id)
                await say(Ack(new.id, CHAT, TIME, client_id=send.client_id), new)
                if send.content == "bye":
                    await socket.close(code=1001, message=b"drain 3")
    return socket


@asynccontextmanager
async def server() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/api/v1/auth/login", login)
    app.router.add_get("/ws", websocket)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("binary", [False, True])
async def test_client_over_real_sockets(binary: bool) -> None:
    async with server() as url:
        client = Client(url, options=Options(binary=binary))
        await client.use_tokens(signed_in())
        async with client:
            await eventually(lambda: client.state is State.LIVE, "live")
            pending = await client.send("Grüße 👋", chat_id=CHAT)
            assert (await pending).chat_id == CHAT
            async for event in client.events():
                if isinstance(event, MessageArrived):
                    assert event.message.content == "Grüße 👋"
                    break


async def test_login_over_http() -> None:
    async with server() as url, await Client.login(url, "ann", "secret123") as client:
        assert client.user.username == "ann"
        await eventually(lambda: client.state is State.LIVE, "live")


async def test_close_code_and_reason_arrive() -> None:
    async with server() as url:
        transport = AiohttpTransport(url)
        connection = await transport.connect(JSON, ANN)
        await connection.send(b'{"type":"auth","token":"t1"}')
        assert b"welcome" in await connection.receive()
        await connection.send(b'{"type":"send","client_id":"c","content":"bye"}')
        assert b"ack" in await connection.receive()
        assert b"message" in await connection.receive()
        with pytest.raises(Disconnected) as gone:
            await connection.receive()
        assert (gone.value.code, gone.value.reason) == (1001, "drain 3")
        await connection.close(1000)
        with pytest.raises(Disconnected):
            await connection.send(b"{}")
        await transport.close()


async def test_lost_without_a_close_is_1006() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(cut, "127.0.0.1", 0)
    async with plain:
        transport = AiohttpTransport(f"http://127.0.0.1:{plain.sockets[0].getsockname()[1]}")
        with pytest.raises(Unreachable):
            await transport.connect(JSON, ANN)
        with pytest.raises(Unreachable):
            await transport.request("POST", "/api/v1/auth/login", None, b"{}")
        await transport.close()


async def test_nobody_listens() -> None:
    async with server() as url:
        pass
    transport = AiohttpTransport(url)
    with pytest.raises(Unreachable):
        await transport.connect(JSON, ANN)
    with pytest.raises(Unreachable):
        await transport.request("GET", "/api/v1/me", "t1", None)
    await transport.close()


def test_url_must_be_http() -> None:
    with pytest.raises(ValueError, match="http"):
        AiohttpTransport("chat.example")
