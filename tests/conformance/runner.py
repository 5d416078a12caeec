"""Replays conversations against a real server: a plain WebSocket client that knows no protocol."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import jwt
import msgspec
from aiohttp import WSMsgType

from tests.conformance.conversations import Codec, Conversation, Open, Step
from tests.conformance.patterns import Bound, Mismatch, expect, fill, fits
from tests.support.keys import server_key
from tests.support.server import ServerProcess

PATIENCE = 30.0
PAUSE = 0.05
PASSWORD = "correct horse battery"
FULL: dict[Codec, str] = {"json": "hubbub.v1", "msgpack": "hubbub.v1.msgpack"}
ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
Frame = dict[str, Any]


class Closed(Exception):
    """The server closed the connection with this code."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the server closed with {code}")
        self.code = code


class Line:
    """One WebSocket. Pings are answered at once, as every library does, unless `pong` is off."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, pong: bool) -> None:
        self._socket = socket
        self._binary = socket.protocol == FULL["msgpack"]
        self._pong = pong
        self._heard: asyncio.Queue[aiohttp.WSMessage] = asyncio.Queue()
        self._controls: dict[WSMsgType, asyncio.Semaphore] = {
            kind: asyncio.Semaphore(0) for kind in (WSMsgType.PING, WSMsgType.PONG)
        }
        self.protocol = socket.protocol
        self._task = asyncio.create_task(self._listen())

    async def send(self, frame: Frame) -> None:
        """One frame."""
        if self._binary:
            await self._socket.send_bytes(msgspec.msgpack.encode(frame))
        else:
            await self._socket.send_str(json.dumps(frame))

    async def send_text(self, text: str) -> None:
        """Text as it is."""
        await self._socket.send_str(text)

    async def frame(self, seconds: float | None = None) -> Frame:
        """The next frame. Raises TimeoutError, Closed."""
        async with asyncio.timeout(PATIENCE if seconds is None else seconds):
            message = await self._heard.get()
        if message.type is WSMsgType.BINARY and self._binary:
            return dict(msgspec.msgpack.decode(message.data))
        if message.type is WSMsgType.TEXT and not self._binary:
            return dict(json.loads(message.data))
        if message.type in ENDS:
            self._heard.put_nowait(message)
            raise Closed(message.data if message.type is WSMsgType.CLOSE else self._code())
        raise Mismatch(f"a message of type {message.type.name} came")

    async def until_closed(self) -> int | None:
        """The close code; frames before it are passed over."""
        try:
            while True:
                await self.frame()
        except Closed as closed:
            return closed.code

    async def control(self, kind: WSMsgType) -> None:
        """Wait for one more ping, or pong."""
        async with asyncio.timeout(PATIENCE):
            await self._controls[kind].acquire()

    async def ping(self) -> None:
        """Ping, and wait for the answer."""
        await self._socket.ping(b"conformance")
        await self.control(WSMsgType.PONG)

    async def close(self) -> None:
        """Close as one should."""
        await self._deaf()
        await self._socket.close()

    async def drop(self) -> None:
        """Cut the connection without a word."""
        await self._deaf()
        connection = self._socket._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        await self._socket.close()

    async def _deaf(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    def _code(self) -> int:
        return self._socket.close_code or 1006

    async def _listen(self) -> None:
        while True:
            message = await self._socket.receive()
            if message.type in self._controls:
                if message.type is WSMsgType.PING and self._pong:
                    await self._socket.pong(message.data)
                self._controls[message.type].release()
                continue
            self._heard.put_nowait(message)
            if message.type in ENDS:
                return


class Play:
    """One conversation on one server in one wire version."""

    def __init__(
        self, conversation: Conversation, server: ServerProcess, codec: Codec,
        http: aiohttp.ClientSession,
    ) -> None:  # fmt: skip
        self._conversation = conversation
        self._server = server
        self._codec = codec
        self._http = http
        self._bound: Bound = {}
        self._lines: dict[str, Line] = {}
        self._cookies: dict[str, dict[str, str]] = {}
        self._opened: list[Line] = []

    async def run(self) -> None:
        """Say and hear every line. Raises AssertionError that names the line which failed."""
        head = self._conversation.head
        for user in head.users:
            await self._register(user)
        for number in range(head.crowd):
            await self._register(f"crowd.{number}")
        for user in head.hosted:
            self._host(user)
        if head.key:
            self._bound["key"] = server_key(
                self._server.data, *head.key, settings=self._server.settings
            )
        self._bound["crowd"] = [self._bound[f"crowd.{number}"] for number in range(head.crowd)]
        for step in self._conversation.steps:
            try:
                await self._step(step)
            except (Mismatch, Closed, TimeoutError, aiohttp.ClientError) as error:
                said = str(error) or type(error).__name__
                place = f"{self._conversation.name}, line {step.line} ({self._codec})"
                raise AssertionError(f"{place}: {said}") from error

    async def _register(self, user: str) -> None:
        body = {"username": fill(f"$word_{user}", self._bound), "password": PASSWORD}
        url = f"{self._server.url}/api/v1/auth/register"
        async with self._http.post(url, json=body) as response:
            assert response.status == 201, await response.text()
            signed_in = await response.json()
        self._bound |= {
            user: signed_in["user"]["id"],
            f"{user}.name": body["username"],
            f"{user}.password": PASSWORD,
            f"{user}.session": signed_in["session_id"],
            f"{user}.token": signed_in["token"],
            f"{user}.refresh": signed_in["refresh_token"],
        }

    def _host(self, user: str) -> None:
        """A user of the host application that the conversation's server is told of."""
        told = self._conversation.head.server or {}
        secret, issuer = (told[f"HUBBUB_ISSUERS_DEFAULT_{name}"] for name in ("KEY", "ISSUER"))
        subject, now = fill(f"$word_{user}", self._bound), int(time.time())
        claims = {"iss": issuer, "aud": "hubbub", "sub": subject, "iat": now, "exp": now + 600}
        for name, more in (("token", {"name": "Zoe"}), ("second", {"sid": "another device"})):
            self._bound[f"{user}.{name}"] = jwt.encode({**claims, **more}, secret, "HS256")
        self._bound[f"{user}.sub"] = subject

    async def _step(self, step: Step) -> None:
        if step.app is not None or step.state is not None:
            return  # of the client alone
        if step.restart is not None:
            end = self._server.end if step.restart == "stop" else self._server.kill
            await asyncio.to_thread(end)
            await asyncio.to_thread(self._server.start)
        elif step.rest is not None:
            for _ in range(step.times):
                await self._rest(step)
        elif step.browse is not None:
            await self._browse(step, step.browse)
        elif step.open is not None:
            await self._open(step.who, step.open, step.protocol)
        elif step.live is not None:
            await self._live(step.who)
        elif step.send is not None:
            await self._send(step, step.send)
        else:
            await self._hear(step, self._lines[step.who])

    async def _open(self, who: str, how: Open, protocol: str | None) -> None:
        token = fill(how.value or f"${who.partition('/')[0]}.token", self._bound)
        protocols = [FULL[self._codec]] if how.protocols is None else how.protocols
        query = {"token": token} if how.token == "query" else {}
        if how.user is not None:
            query["user"] = fill(how.user, self._bound)
        socket = await self._http.ws_connect(
            f"{self._server.url}/ws",
            params=query,
            headers={"Authorization": f"Bearer {token}"} if how.token == "header" else None,
            protocols=protocols,
            autoping=False,
            max_msg_size=0,
        )
        line = self._lines[who] = Line(socket, how.pong)
        self._opened.append(line)
        if protocol is not None:
            expect(protocol, line.protocol or "", self._bound)
        if how.token == "frame":
            await line.send({"type": "auth", "token": token})

    async def _live(self, who: str) -> None:
        await self._open(who, Open(), None)
        line = self._lines[who]
        expect({"type": "welcome"}, await line.frame(), self._bound)
        await line.send({"type": "resume"})
        while (await line.frame())["type"] != "caught_up":
            pass

    async def _send(self, step: Step, frame: Frame) -> None:
        line = self._lines[step.who]
        for _ in range(step.times):
            await line.send(fill(frame, self._bound))
        end = time.monotonic() + PATIENCE
        while step.eventually:
            answer = await line.frame()
            if answer["type"] != "error":
                expect({"type": "ack"}, answer, self._bound)
                return
            expect({"retry_after": "*"}, answer, self._bound)
            if time.monotonic() > end:
                raise Mismatch(f"still refused: {answer}")
            await asyncio.sleep(PAUSE)
            await line.send(fill(frame, self._bound))

    async def _hear(self, step: Step, line: Line) -> None:
        if step.raw is not None:
            for _ in range(step.times):
                await line.send_text(fill(step.raw, self._bound))
        elif step.later is not None:
            await self._await(line, step.later)
        elif step.silence is not None:
            await self._silence(line, step.silence)
        elif step.expect_close is not None:
            code = await line.until_closed()
            expect(step.expect_close, code, self._bound)
        elif step.ping is not None:
            await line.ping()
        elif step.expect_ping is not None:
            await line.control(WSMsgType.PING)
        elif step.close is not None:
            await line.close()
        elif step.drop is not None:
            await line.drop()
        else:
            await self._expect(line, step.expect)

    async def _expect(self, line: Line, patterns: Any) -> None:
        """The next frame, or the next few in any order."""
        if not isinstance(patterns, list):
            expect(patterns, await line.frame(), self._bound)
            return
        left = list(patterns)
        while left:
            frame = await line.frame()
            for pattern in left:
                if fits(pattern, frame, self._bound):
                    left.remove(pattern)
                    break
            else:
                raise Mismatch(f"{frame} is none of {left}")

    async def _await(self, line: Line, pattern: Any) -> None:
        seen: list[Frame] = []
        try:
            while not fits(pattern, frame := await line.frame(), self._bound):
                seen.append(frame)
        except (TimeoutError, Closed) as error:
            raise Mismatch(f"{pattern} did not come ({error!r}), only {seen[-5:]}") from error

    async def _silence(self, line: Line, seconds: float) -> None:
        try:
            frame = await line.frame(seconds)
        except TimeoutError:
            return
        raise Mismatch(f"there should be silence, and {frame} came")

    async def _rest(self, step: Step) -> None:
        assert step.rest is not None
        end = time.monotonic() + PATIENCE
        while True:
            status, answer = await self._call(step, step.rest)
            try:
                expect(step.status, status, self._bound)
                expect({} if step.expect is None else step.expect, answer or {}, self._bound)
            except Mismatch as error:
                if step.eventually and time.monotonic() < end:
                    await asyncio.sleep(PAUSE)
                    continue
                raise Mismatch(f"{error}; the answer was {status} {answer}") from error
            return

    async def _browse(self, step: Step, address: str) -> None:
        cookies = self._cookies.setdefault(step.who, {})
        base, url = f"{self._server.url}/api/v1", str(fill(address, self._bound))
        url = url if url.startswith("http") else base + url
        while "/#" not in url:
            headers = {"Cookie": "; ".join(f"{name}={it}" for name, it in cookies.items())}
            async with self._http.get(url, headers=headers, allow_redirects=False) as response:
                cookies |= {name: it.value for name, it in response.cookies.items()}
                if response.status != 303:
                    raise Mismatch(f"{response.status} leads nowhere: {await response.text()}")
                url = response.headers["Location"]
        expect(step.expect, dict(parse_qsl(url.partition("/#")[2])), self._bound)

    async def _call(self, step: Step, call: str) -> tuple[int, Any]:
        method, _, path = fill(call, self._bound).partition(" ")
        headers = dict(fill(step.headers, self._bound))
        if "Authorization" not in headers and f"{step.who}.token" in self._bound:
            headers["Authorization"] = f"Bearer {self._bound[f'{step.who}.token']}"
        if cookies := self._cookies.get(step.who):
            headers["Cookie"] = "; ".join(f"{name}={it}" for name, it in cookies.items())
        url = f"{self._server.url}/api/v1{path}"
        body = fill(step.body, self._bound)
        data = None if body is None else body if isinstance(body, str) else json.dumps(body)
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        async with self._http.request(method, url, data=data, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def end(self) -> None:
        """Close what is open."""
        for line in self._opened:
            await line.close()


@asynccontextmanager
async def playing(
    conversation: Conversation, server: ServerProcess, codec: Codec
) -> AsyncIterator[Play]:
    """A conversation about to be played."""
    timeout = aiohttp.ClientTimeout(total=2 * PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as http:
        play = Play(conversation, server, codec, http)
        try:
            yield play
        finally:
            await play.end()
