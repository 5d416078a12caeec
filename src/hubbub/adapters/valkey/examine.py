"""Looking at a Valkey or a cluster of it, without changing it, beside servers that may use it."""

import asyncio
import time
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from redis import asyncio as redis
from redis.exceptions import AuthenticationError

from hubbub.adapters.valkey.shards import FAILURES, OPTIONS, Range, addresses, look_up
from hubbub.ports import Unavailable

TIMES: Final = 50
"""How often a round trip is measured."""
TIMEOUT: Final = 5.0


class Examined(Struct, frozen=True):
    """A Valkey or Redis. `major`: of the version of Redis that it is like.

    `used`, `most`: bytes; `most` 0 is no limit. `policy`: what it does at the limit. `log`: it
    keeps a log of what is written. `trips`: seconds, ascending. Of a cluster, with so many
    `primaries` and `replicas`, it is the fullest primary, and trips to all.
    """

    name: str
    version: str
    major: int
    replica: bool
    used: int
    most: int
    policy: str
    log: bool
    trips: list[float]
    primaries: int = 1
    replicas: int = 0


async def examine(url: str) -> Examined:
    """Look at it. Raises Unavailable, whose text says what to do. Cancelling is safe."""
    try:
        named = addresses(url)
    except ValueError as error:
        raise Unavailable(f"valkey.url: {error}.") from None
    try:
        async with asyncio.timeout(TIMEOUT):
            return await _examine(await _any(named))
    except AuthenticationError as error:
        raise Unavailable(
            "It wants a password, or another one: redis://:PASSWORD@… in valkey.url."
        ) from error
    except FAILURES as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise Unavailable(
            f"{reason}. Compare valkey.url with where it listens, and with its firewall."
        ) from error


async def _any(named: list[str]) -> list[Range]:
    """What the first of them says that answers."""
    *others, last = named
    for url in others:
        with suppress(*FAILURES):
            return await look_up(named, url)
    return await look_up(named, last)


async def _examine(ranges: list[Range]) -> Examined:
    primaries = {found.primary for found in ranges}
    replicas = {url for found in ranges for url in found.replicas}
    parts = [await _primary(url) for url in sorted(primaries)]
    return replace(
        max(parts, key=lambda part: (part.used / part.most if part.most else 0, part.used)),
        trips=sorted(seconds for part in parts for seconds in part.trips),
        primaries=len(primaries),
        replicas=len(replicas),
    )


async def _primary(url: str) -> Examined:
    client: Any
    async with redis.Redis.from_url(url, decode_responses=True, **OPTIONS) as client:
        told = await client.info()
        trips = sorted([await _trip(client) for _ in range(TIMES)])
    return Examined(
        name="Valkey" if "valkey_version" in told else "Redis",
        version=str(told.get("valkey_version", told["redis_version"])),
        major=int(str(told["redis_version"]).partition(".")[0]),
        replica=told["role"] != "master",
        used=told["used_memory"],
        most=told["maxmemory"],
        policy=told["maxmemory_policy"],
        log=bool(told["aof_enabled"]),
        trips=trips,
    )


async def _trip(client: Any) -> float:
    start = time.perf_counter()
    await client.ping()
    return time.perf_counter() - start
