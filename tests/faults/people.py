"""REST calls, and people made with them."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.server import PATIENCE

PASSWORD = "correct horse battery"
RETRY_PAUSE = 0.02


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def good(self) -> Any:
        """The body; fails with the problem when it was refused."""
        assert self.status < 300, (self.status, self.body)
        return self.body


@dataclass(frozen=True)
class Person:
    """A user, signed in once."""

    name: str
    id: str
    session_id: str
    token: str
    refresh_token: str


class Api:
    """Calls to one server."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        of: Person | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if of is not None:
            sent["Authorization"] = f"Bearer {of.token}"
        where = path if path.startswith(("/metrics", "/healthz", "/readyz")) else f"/api/v1{path}"
        async with self.http.request(method, self.url + where, json=body, headers=sent) as response:
            read = await response.read()
            is_json = "json" in response.headers.get("Content-Type", "")
            answered = await response.json(content_type=None) if is_json and read else read.decode()
            return Answer(
                response.status, {k.lower(): v for k, v in response.headers.items()}, answered
            )

    async def patient(self, method: str, path: str, *, of: Person | None = None) -> Any:
        """A read that is repeated while the server is away or refuses for now."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(aiohttp.ClientError):
                    answer = await self(method, path, of=of)
                    if answer.status != 503:
                        return answer.good
                await asyncio.sleep(RETRY_PAUSE)

    async def register(self, name: str) -> Person:
        body = {"username": name, "password": PASSWORD}
        made = (await self("POST", "/auth/register", body)).good
        return Person(
            name, made["user"]["id"], made["session_id"], made["token"], made["refresh_token"]
        )

    async def people(self, *names: str) -> list[Person]:
        """In this order, since the first is the admin."""
        return [await self.register(name) for name in names]

    async def group(self, owner: Person, others: list[Person], title: str = "All") -> str:
        body = {"chat_type": "group", "title": title, "member_ids": [p.id for p in others]}
        chat: str = (await self("POST", "/chats", body, of=owner)).good["id"]
        return chat

    async def direct(self, one: Person, other: Person) -> str:
        body = {"chat_type": "direct", "member_ids": [other.id]}
        chat: str = (await self("POST", "/chats", body, of=one)).good["id"]
        return chat

    async def history(self, person: Person, chat: str) -> list[dict[str, Any]]:
        """All of it, oldest first."""
        found: list[dict[str, Any]] = []
        query = "?limit=100"
        while True:
            page = await self.patient("GET", f"/chats/{chat}/messages{query}", of=person)
            found += page["messages"]
            if not page["has_more"]:
                return found[::-1]
            query = f"?limit=100&before_id={page['cursor']}"

    async def cursors(self, person: Person, chat: str) -> dict[str, tuple[int, int]]:
        """Members' delivered and read positions."""
        page = await self.patient("GET", f"/chats/{chat}/members?limit=100", of=person)
        return {m["user"]["id"]: (m.get("delivered", 0), m.get("read", 0)) for m in page["members"]}

    async def metrics(self) -> dict[str, float]:
        """Samples by name with labels."""
        text: str = (await self("GET", "/metrics")).good
        lines = (line for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    async def until(self, condition: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        """Wait for metrics that meet the condition; these."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = await self.metrics()
            if condition(found):
                return found
            assert time.monotonic() < deadline, found
            await asyncio.sleep(RETRY_PAUSE)


@asynccontextmanager
async def calling(
    url: str, *, trust: ssl.SSLContext | None = None, source: str | None = None
) -> AsyncIterator[Api]:
    """An Api until the block ends; `source`: from this address."""
    local = (source, 0) if source else None
    connector = aiohttp.TCPConnector(limit=0, ssl=trust or True, local_addr=local)
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=60)
    ) as http:
        yield Api(http, url)
