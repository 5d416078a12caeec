"""Looking at a Valkey or a cluster of it, without changing it, beside servers that may use it."""

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from redis import asyncio as redis
from redis.exceptions import ResponseError

from hubbub.adapters.valkey.addresses import Named, named
from hubbub.adapters.valkey.sentinel import ask
from hubbub.adapters.valkey.shards import OPTIONS, Range, look_up
from hubbub.adapters.valkey.trouble import FAILURES, explained
from hubbub.ports import Unavailable

TIMES: Final = 50
"""How often a round trip is measured."""
TIMEOUT: Final = 5.0


class Examined(Struct, frozen=True):
    """A Valkey or Redis. `major`: of the version of Redis that it is like.

    `used`, `most`: bytes; `most` 0 is no limit. `policy`: what it does at the limit. `log`: it
    keeps a log of what is written. `trips`: seconds, ascending. Of a cluster, with so many
    `primaries` and `replicas`, it is the fullest primary, and trips to all. `sentinels`: how many
    watch it.
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
    sentinels: int = 0


async def examine(url: str) -> Examined:
    """Look at it. Raises Unavailable, whose text says what to do. Cancelling is safe."""
    try:
        found = named(url)
    except ValueError as error:
        raise Unavailable(f"valkey.url: {error}.") from None
    try:
        async with asyncio.timeout(TIMEOUT):
            return await (_watched(found) if found.service else _examine(await _any(found)))
    except FAILURES as error:
        raise Unavailable(explained(error)) from error


async def _any(found: Named) -> list[Range]:
    """What the first of them says that answers."""
    *others, last = found.hosts
    for url in others:
        with suppress(*FAILURES):
            return await look_up(found, url)
    return await look_up(found, last)


async def _watched(found: Named) -> Examined:
    """The primary that Sentinels name."""
    async with AsyncExitStack() as stack:
        clients = {url: redis.Redis.from_url(url, **OPTIONS) for url in found.hosts}
        for client in clients.values():
            stack.push_async_callback(client.aclose)
        watched = await ask(found, clients.__getitem__, TIMEOUT / 2)
    looked_at = await _primary(watched.primary)
    return replace(looked_at, replicas=watched.replicas, sentinels=watched.sentinels)


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
        if "used_memory" not in told:
            raise ResponseError("That is a Sentinel: redis+sentinel://HOST:26379/NAME names it")
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
