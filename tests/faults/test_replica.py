"""A server that reads history from a standby, which dies and comes back while people talk."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from tests.faults.people import Api, Person
from tests.faults.town import Town
from tests.support.engines import PostgresServer, with_standby

Pair = tuple[PostgresServer, PostgresServer]


@pytest.fixture
def servers() -> Iterator[Pair]:
    """A primary, and its standby."""
    with with_standby() as pair:
        yield pair


@pytest.fixture
def settings(servers: Pair) -> dict[str, str]:
    primary, standby = servers
    url = asyncio.run(primary.fresh())
    return {
        "HUBBUB_DATABASE_URL": url,
        "HUBBUB_DATABASE_REPLICA_URL": standby.url(url.rpartition("/")[2]),
        "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0",
    }


async def used(api: Api) -> float:
    return (await api.metrics())["hubbub_replica_used"]


async def say(api: Api, of: Person, chat: str, count: int) -> None:
    """Each is there when he looks (read your writes), whoever is asked."""
    for number in range(count):
        body = {"chat_id": chat, "content": f"{number}"}
        sent = (await api("POST", "/messages", body, of=of)).good["id"]
        read = await api("POST", f"/messages/{sent}/read", of=of)
        assert read.status == 200
        page = (await api("GET", f"/chats/{chat}/messages?around_id={sent}", of=of)).good
        assert sent in [message["id"] for message in page["messages"]]


@pytest.mark.slow
async def test_history_is_whole_while_a_replica_comes_and_goes(api: Api, servers: Pair) -> None:
    _, standby = servers
    town = await Town.found(api, 14)
    ann, bob, cid = town.people[:3]
    quiet = await api.direct(bob, cid)
    await say(api, bob, quiet, 5)
    async with town.talking():
        await api.until(lambda now: now["hubbub_replica_up"] == 1)
        for is_there in (True, False, True):
            if is_there:
                await api.until(lambda now: now["hubbub_replica_up"] == 1)
            else:
                await asyncio.to_thread(standby.end, signal.SIGKILL)
            before = await used(api)
            await say(api, ann, town.chats[0], 20)
            for _ in range(20):
                assert len(await api.history(cid, quiet)) == 5
            grown = await used(api) - before
            assert grown >= 20 if is_there else grown == 0
            if not is_there:
                await api.until(lambda now: now["hubbub_replica_up"] == 0)
                await asyncio.to_thread(standby.start)
        await town.settled()
