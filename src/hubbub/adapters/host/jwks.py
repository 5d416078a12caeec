"""A host application's key set, fetched and kept: bounded in size, time and rate."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import aiohttp
from msgspec import Struct

from hubbub.adapters.host.keys import BadKey, Key, published
from hubbub.ports import Unavailable

MAX_BYTES: Final = 256 * 1024
CHUNK: Final = 16 * 1024


class Pace(Struct, frozen=True):
    """Seconds. `refresh`: between fetches; `retry`: after one that failed; `pause`: at least
    between two, however many unknown keys are asked for; `patience`: for one fetch.
    """

    refresh: float = 300.0
    retry: float = 15.0
    pause: float = 10.0
    patience: float = 5.0


class Keys(Protocol):
    """Where an issuer's keys come from."""

    async def find(self, kid: str | None, algorithm: str) -> Key | None:
        """The key of this name for this algorithm; without a name, the only one there is.

        Raises Unavailable while there are none yet.
        """
        ...


class FixedKey:
    """`Keys`: the one that was configured, whatever name tokens give it."""

    def __init__(self, key: Key) -> None:
        self._key = key

    async def find(self, kid: str | None, algorithm: str) -> Key | None:
        """See `Keys`."""
        return self._key if algorithm == self._key.algorithm else None


class PublishedKeys:
    """`Keys` of a URL, kept fresh by `run`. What was good stays when a fetch fails.

    `told` hears the outcome of each fetch that differs from the one before: None, or what is
    wrong.
    """

    def __init__(self, url: str, told: Callable[[str | None], None], pace: Pace) -> None:
        self._url = url
        self._told = told
        self._pace = pace
        self._keys: Sequence[Key] = ()
        self._last: str | None = ""
        self._wanted = asyncio.Event()
        self._fetched = asyncio.Event()  # replaced by a new one after each fetch
        self._resting = False

    async def find(self, kid: str | None, algorithm: str) -> Key | None:
        """See `Keys`. An unknown name has the set fetched again, unless that has just been done.

        Many may wait for one fetch; whoever stops waiting stops nobody else.
        """
        key = self._find(kid, algorithm)
        if key is None and not self._resting:
            self._wanted.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2 * self._pace.patience):
                    await self._fetched.wait()
            key = self._find(kid, algorithm)
        if not self._keys:
            raise Unavailable("The keys of the token's issuer cannot be had now.")
        return key

    def _find(self, kid: str | None, algorithm: str) -> Key | None:
        fitting = [key for key in self._keys if key.algorithm == algorithm]
        if kid is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.kid == kid), None)

    async def run(self) -> None:
        """Fetch now, then again and again, until cancelled."""
        pace = self._pace
        async with aiohttp.ClientSession(
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=pace.patience),
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        ) as http:
            while True:
                wrong = await self._fetch(http)
                if wrong != self._last:
                    self._told(wrong)
                self._last = wrong
                self._resting = True
                fetched, self._fetched = self._fetched, asyncio.Event()
                fetched.set()
                await asyncio.sleep(pace.pause)
                self._wanted.clear()
                self._resting = False
                with contextlib.suppress(TimeoutError):
                    rest = (pace.retry if wrong else pace.refresh) - pace.pause
                    async with asyncio.timeout(max(rest, 0)):
                        await self._wanted.wait()

    async def _fetch(self, http: aiohttp.ClientSession) -> str | None:
        """One fetch; what went wrong, in words without anything of the answer."""
        try:
            async with http.get(self._url, allow_redirects=False) as response:
                if response.status != 200:
                    return f"HTTP {response.status}"
                document = bytearray()
                async for part in response.content.iter_chunked(CHUNK):
                    document += part
                    if len(document) > MAX_BYTES:
                        return f"the answer has more than {MAX_BYTES} bytes"
            self._keys = published(bytes(document))
        except TimeoutError:
            return f"no answer within {self._pace.patience:g} s"
        except (aiohttp.ClientError, OSError) as error:
            return type(error).__name__
        except BadKey as error:
            return str(error)
        return None
