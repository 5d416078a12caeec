"""What issuers publish, fetched and kept: bounded in size, time and rate."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

import aiohttp
from msgspec import Struct

MAX_BYTES: Final = 256 * 1024
CHUNK: Final = 16 * 1024
CONNECTIONS: Final = 20
"""To one host; more requests wait, for as long as their patience goes."""

T = TypeVar("T")


class Pace(Struct, frozen=True):
    """Seconds. `refresh`: between fetches; `retry`: after one that failed; `pause`: at least
    between two, however often more is wanted; `patience`: for one request.
    """

    refresh: float = 300.0
    retry: float = 15.0
    pause: float = 10.0
    patience: float = 5.0


class Unfetched(Exception):
    """What was asked for is not there, or cannot be used. Says why, with nothing of the answer."""


def visiting(pace: Pace) -> aiohttp.ClientSession:
    """How issuers are asked: nothing is kept, no proxy of the environment, no redirect."""
    return aiohttp.ClientSession(
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit_per_host=CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=pace.patience),
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )


async def ask(
    http: aiohttp.ClientSession, method: str, url: str, **request: Any
) -> tuple[int, bytes]:
    """Status and body of an answer. Raises Unfetched."""
    try:
        async with http.request(method, url, allow_redirects=False, **request) as response:
            body = bytearray()
            async for part in response.content.iter_chunked(CHUNK):
                body += part
                if len(body) > MAX_BYTES:
                    raise Unfetched(f"the answer has more than {MAX_BYTES} bytes")
            return response.status, bytes(body)
    except TimeoutError:
        raise Unfetched(f"no answer within {http.timeout.total:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:  # the last: no address at all
        raise Unfetched(type(error).__name__) from None


async def fetch(http: aiohttp.ClientSession, url: str) -> bytes:
    """A document. Raises Unfetched."""
    status, body = await ask(http, "GET", url)
    if status != 200:
        raise Unfetched(f"HTTP {status}")
    return body


class Followed(Generic[T]):
    """Something that is published, kept fresh by `run`. What was good stays when a fetch fails.

    `told` hears the outcome of each fetch that differs from the one before: None, or what is
    wrong.
    """

    def __init__(
        self,
        load: Callable[[aiohttp.ClientSession], Awaitable[T]],
        told: Callable[[str | None], None],
        pace: Pace,
    ) -> None:
        self.value: T | None = None
        self._load = load
        self._told = told
        self._pace = pace
        self._last: str | None = ""
        self._wanted = asyncio.Event()
        self._fetched = asyncio.Event()  # replaced by a new one after each fetch
        self.resting = False

    async def renewed(self) -> None:
        """Have it fetched again and wait for that, unless it has just been done.

        Many may wait for one fetch; whoever stops waiting stops nobody else.
        """
        if self.resting:
            return
        self._wanted.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * self._pace.patience):
                await self._fetched.wait()

    async def run(self, http: aiohttp.ClientSession) -> None:
        """Fetch now, then again and again, until cancelled."""
        pace = self._pace
        while True:
            wrong = await self._fetch(http)
            if wrong != self._last:
                self._told(wrong)
            self._last = wrong
            self.resting = True
            fetched, self._fetched = self._fetched, asyncio.Event()
            fetched.set()
            await asyncio.sleep(pace.pause)
            self._wanted.clear()
            self.resting = False
            with contextlib.suppress(TimeoutError):
                rest = (pace.retry if wrong else pace.refresh) - pace.pause
                async with asyncio.timeout(max(rest, 0)):
                    await self._wanted.wait()

    async def _fetch(self, http: aiohttp.ClientSession) -> str | None:
        try:
            self.value = await self._load(http)
        except Unfetched as error:
            return str(error)
        return None
