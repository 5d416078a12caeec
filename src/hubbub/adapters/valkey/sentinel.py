"""Sentinels, which watch a primary and promote one of its replicas when it dies."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from redis import asyncio as redis
from redis.exceptions import ResponseError

from hubbub.adapters.valkey.addresses import Named, at

PATIENCE: Final = 0.5
"""Seconds to wait for those that do not answer: their machine may be gone with the primary's."""


class Watched(NamedTuple):
    """What a Sentinel says. Of several that differ, the one with the highest `epoch` is right.

    `primary`: its address. `sentinels`: how many there are, that know of each other.
    """

    epoch: int
    primary: str
    replicas: int
    sentinels: int


async def ask(
    named: Named, client: Callable[[str], redis.Redis], patience: float = PATIENCE
) -> Watched:
    """All of them at once, and take the newest answer. Cancelling is safe.

    `client`: for what is said to an address. `patience` in seconds. Raises the failure of one where
    none has answered.
    """
    found = await asyncio.gather(
        *(_ask(named, client(url), patience) for url in named.hosts), return_exceptions=True
    )
    if answers := [one for one in found if isinstance(one, Watched)]:
        return max(answers)
    failures = [one for one in found if isinstance(one, BaseException)]
    raise next((one for one in failures if isinstance(one, ResponseError)), failures[0])


async def _ask(named: Named, client: redis.Redis, patience: float) -> Watched:
    """The address is asked for apart: before a failover is complete, only that is the new one."""
    sentinel: Any = client
    async with asyncio.timeout(patience):
        about = await sentinel.sentinel_master(named.service)
        host, port = await sentinel.sentinel_get_master_addr_by_name(named.service)
    host = host.decode() if isinstance(host, bytes) else host
    return Watched(
        epoch=about["config-epoch"],
        primary=at(named.like, host, port),
        replicas=about["num-slaves"],
        sentinels=about["num-other-sentinels"] + 1,
    )
