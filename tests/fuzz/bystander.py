"""Somebody who only talks to somebody else while others misbehave, and must not notice."""

import io
import json
import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from tests.authorization.signals import Line, open_line, resumed
from tests.authorization.world import Account, World
from tests.support.server import ServerProcess

CLEAR = (".", "`", ")")
"""How sentences that say what is wrong end."""


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """Of the problem; it is a whole problem document."""
        assert self.headers["content-type"] == "application/problem+json", self
        problem = self.body
        assert problem["status"] == self.status
        assert problem["detail"].endswith(CLEAR), problem
        assert problem["request_id"] == self.headers["x-request-id"]
        code: str = problem["code"]
        return code


class Room:
    """Ann misbehaves; bob and the bystander are in a group with her."""

    def __init__(self, server: ServerProcess, http: aiohttp.ClientSession) -> None:
        self._world = World(server, http)
        self._http = http
        self.url = f"http://127.0.0.1:{server.port}"
        self.ann = self.bob = self.bystander = Account("", "", "", "")
        self.chat = ""

    async def enter(self) -> "Room":
        """Register all three and make the group."""
        self.ann, self.bob, self.bystander = [
            await self._world.register(f"{name}-{uuid.uuid4().hex[:12]}", "")
            for name in ("ann", "bob", "bystander")
        ]
        wanted = {"title": "Garden", "member_ids": [self.bob.id, self.bystander.id]}
        self.chat = (await self._world.must(self.ann, "create_chat", wanted))["id"]
        return self

    async def must(self, by: Account, operation: str, *args: Any, **kwargs: Any) -> Any:
        """A call that succeeds; its body."""
        return await self._world.must(by, operation, *args, **kwargs)

    async def says(self, by: Account, content: str) -> str:
        """A message to the group; its id."""
        asked = {"chat_id": self.chat, "content": content}
        said: str = (await self.must(by, "send_message", asked))["id"]
        return said

    async def raw(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Any request by ann. A header without a value is left out."""
        sent = {"Authorization": f"Bearer {self.ann.token}", "Content-Type": "application/json"}
        sent |= headers or {}
        kept = {name: value for name, value in sent.items() if value}
        url = URL(self.url + path, encoded=True)
        call = self._http.request(
            method,
            url,
            data=io.BytesIO(data) if data else data,
            headers=kept,
            skip_auto_headers=("Content-Type",),
        )
        async with call as response:
            return Answer(response.status, response.headers, await response.read())

    async def line(self, stack: AsyncExitStack, account: Account) -> Line:
        """A live WebSocket."""
        return await resumed(stack, self._world, account)

    async def quiet_line(self, stack: AsyncExitStack, account: Account) -> Line:
        """One that has not resumed."""
        return await open_line(stack, self._world, account)
