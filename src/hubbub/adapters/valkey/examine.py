"""Looking at a Valkey without changing it, beside servers that may be using it."""

import asyncio
import time
from typing import Any, Final

from msgspec import Struct
from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError

from hubbub.adapters.valkey.nodes import FAILURES
from hubbub.ports import Unavailable

TIMES: Final = 50
"""How often a round trip is measured."""
TIMEOUT: Final = 5.0


class Examined(Struct, frozen=True):
    """A Valkey or Redis. `major`: of the version of Redis that it is like.

    `used`, `most`: bytes; `most` 0 is no limit. `policy`: what it does at the limit. `log`: it
    keeps a log of what is written. `trips`: seconds, ascending.
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


async def examine(url: str) -> Examined:
    """Look at it. Raises Unavailable, whose text says what to do. Cancelling is safe."""
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
    except ValueError as error:
        raise Unavailable(f"valkey.url: {error}.") from None
    try:
        async with asyncio.timeout(TIMEOUT), client:
            return await _examine(client)
    except AuthenticationError as error:
        raise Unavailable(
            "It wants a password, or another one: redis://:PASSWORD@… in valkey.url."
        ) from error
    except FAILURES as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise Unavailable(
            f"{reason}. Compare valkey.url with where it listens, and with its firewall."
        ) from error


async def _examine(client: Any) -> Examined:
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
