"""Speaking to Valkey, one server or a cluster: which shard a key is in, it says itself.

Where Sentinels watch a server and its replicas, they say which one it is.

The library's client of clusters is not used: it loses its way while a slot moves to a server that
had none, and does not look again for who took over from a dead primary unless it also repeats
commands, which must not happen to those that count.
"""

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from random import SystemRandom
from typing import Any, Final, NamedTuple

from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import REDIS_CLUSTER_HASH_SLOTS as SLOTS
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, ResponseError

from hubbub.adapters.valkey.addresses import Named, at, named
from hubbub.adapters.valkey.sentinel import ask
from hubbub.adapters.valkey.trouble import FAILURES

PATIENCE: Final = 1.0
"""Seconds to wait for an answer."""
OPTIONS: Final[dict[str, Any]] = {
    # The library has it from asyncio.wait_for, which before Python 3.12 may lose that its task was
    # cancelled. Every use of ours has a timeout around it.
    "socket_timeout": None,
    "socket_connect_timeout": PATIENCE,
    "retry": Retry(NoBackoff(), 0),
}


class Range(NamedTuple):
    """Slots up to `last`, from where the range before ends; who has them, as addresses."""

    last: int
    primary: str
    replicas: tuple[str, ...] = ()


async def look_up(named: Named, url: str) -> list[Range]:
    """Who has which slots, in their order, as this server says. One that is no cluster has all.

    Raises what is in FAILURES, also where several were named and are no cluster: half of the nodes
    would not hear the other half. Cancelling is safe.
    """
    client: Any
    async with redis.Redis.from_url(url, decode_responses=True, **OPTIONS) as client:
        try:
            slots = await client.execute_command("CLUSTER SLOTS")
        except ResponseError:  # no cluster
            if len(named.hosts) > 1:
                raise ClusterDownError("Several hosts are named, and they are no cluster") from None
            return [Range(SLOTS - 1, url)]
    ranges: list[Range] = []
    free = 0
    for first, last, *servers in sorted(slots):
        primary, *replicas = (at(url, _host(server), server[1]) for server in servers)
        if first == free:
            ranges.append(Range(last, primary, tuple(replicas)))
            free = last + 1
    if free != SLOTS:
        raise ClusterDownError("Not all slots of the cluster have a primary")
    return ranges


def _host(server: Sequence[Any]) -> object:
    """Where names are told, one that has none is told as `?`, with its address beside."""
    if server[0] != "?":
        return server[0]
    about = server[3]  # a list where protocol=2 was asked for
    return about["ip"] if isinstance(about, dict) else about[about.index("ip") + 1]


class Shards:
    """The primaries, one where there is no cluster, and which slots they have.

    `is_stale`: that is to be looked up, since something failed or has moved. `found`: it was.
    """

    def __init__(self, url: str) -> None:
        """Raises ValueError for an address that is none."""
        self._named = named(url)
        self._known = self._named.hosts
        self._ranges: list[Range] = []
        self._clients: dict[str, redis.Redis] = {}
        self._random = SystemRandom()
        self.found = asyncio.Event()
        self.is_stale = True

    async def refresh(self) -> None:
        """Look up what is stale. Sentinels, if they answer, are asked each time: a former primary
        may go on answering.
        """
        if self.is_stale:
            await self._look_up()
        elif self._named.service:
            with suppress(*FAILURES):
                await self._look_up()

    async def _look_up(self) -> None:
        """Ask one of all servers that were named or seen, each time another one, or Sentinels."""
        if self._named.service:
            watched = await ask(self._named, self.client)
            self._ranges = [Range(SLOTS - 1, watched.primary)]
        else:
            self._ranges = await look_up(self._named, self._random.choice(self._known))
        primaries = {found.primary for found in self._ranges}
        seen = primaries.union(*(found.replicas for found in self._ranges))
        self._known = [*{*self._named.hosts, *seen}]
        self.is_stale = False
        self.found.set()
        for url in self._clients.keys() - primaries - {*self._named.hosts}:
            await self._clients.pop(url).aclose()

    def owner(self, key: str) -> str:
        """The address of the primary that has this key. Raises ClusterDownError."""
        if not self._ranges:
            raise ClusterDownError("Valkey was not reached yet")
        slot = key_slot(key.encode())
        return self._ranges[bisect_left(self._ranges, (slot,))].primary

    def client(self, url: str) -> redis.Redis:
        """For what is said to this server."""
        if url not in self._clients:
            self._clients[url] = redis.Redis.from_url(url, **OPTIONS)
        return self._clients[url]

    async def aclose(self) -> None:
        """End all connections."""
        while self._clients:
            await self._clients.popitem()[1].aclose()


class Calls:
    """Commands that are sent together: in order, and at the same time to each shard."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards
        self._words: list[tuple[Any, ...]] = []

    def add(self, *words: Any) -> None:
        """A command; its first key says the shard."""
        self._words.append(words)

    async def execute(self) -> list[Any]:
        """What each has answered. Raises what is in FAILURES: then some may have been done."""
        parts: defaultdict[str, list[int]] = defaultdict(list)
        for index, words in enumerate(self._words):
            parts[self._shards.owner(words[3 if words[0] == "EVAL" else 1])].append(index)
        answers: list[Any] = [None] * len(self._words)
        # No TaskGroup: before Python 3.13 it forgets that it was cancelled while one of them fails.
        failures = await asyncio.gather(
            *(self._ask(url, indices, answers) for url, indices in parts.items()),
            return_exceptions=True,
        )
        for failure in filter(None, failures):
            raise failure
        return answers

    async def _ask(self, url: str, indices: list[int], answers: list[Any]) -> None:
        async with self._shards.client(url).pipeline(transaction=False) as calls:
            for index in indices:
                calls.execute_command(*self._words[index])
            found = await calls.execute(raise_on_error=False)
        for index, answer in zip(indices, found, strict=True):
            if isinstance(answer, AskError):
                answer = await self._redirected(url, answer, index)
            if isinstance(answer, Exception):
                raise answer
            answers[index] = answer

    async def _redirected(self, url: str, error: AskError, index: int) -> Any:
        """The answer of the server to which the slot has moved, or is moving."""
        self._shards.is_stale = True
        if error.host == "?":
            raise error
        client = self._shards.client(at(url, error.host, error.port))
        async with client.pipeline(transaction=False) as calls:
            calls.execute_command("ASKING")
            calls.execute_command(*self._words[index])
            _, answer = await calls.execute()
        return answer
