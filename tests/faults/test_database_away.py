"""Several servers whose database is away: what needs none goes on, the rest says so at once."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hubbub_client import Client, ConnectionChanged, PresenceChanged, TypingChanged
from tests.cluster.test_across_nodes import PASSWORD, Person, people
from tests.faults import people as rest
from tests.faults.people import Api, calling
from tests.faults.proof import check_forward, check_nothing_lost
from tests.faults.town import Town
from tests.support.cluster import Cluster
from tests.support.wait import eventually, lasting

OFFLINE_AFTER = 0.5
AWAY = 6.0
SENDS = 50
UNKNOWN = 'hubbub_catch_ups_total{why="store"}'
PAUSE = """
    CREATE OR REPLACE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_sleep({}); RETURN NULL; END $$;
"""
TRIGGER = """
    CREATE CONSTRAINT TRIGGER pause AFTER UPDATE ON chats
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pause();
"""
"""A COMMIT with news takes so many seconds and more."""
PAUSING = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
AT_ONCE = 4.0
"""Seconds, on a busy machine: what waited for the database would take five and more."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    settings = {
        "HUBBUB_SERVER_OFFLINE_AFTER": str(OFFLINE_AFTER),
        "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0",
    }
    with Cluster.running(tmp_path, 2, settings) as made:
        yield made


def _kill(cluster: Cluster) -> None:
    cluster.postgres.end(signal.SIGKILL)


def _start(cluster: Cluster) -> None:
    cluster.postgres.start()


def _hang(cluster: Cluster) -> None:
    cluster.postgres.freeze()


def _go_on(cluster: Cluster) -> None:
    cluster.postgres.thaw()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("goes", "comes"),
    [
        pytest.param(_kill, _start, id="killed"),
        pytest.param(_hang, _go_on, id="hangs"),
    ],
)
async def test_typing_and_presence_go_on_and_sends_are_refused_at_once(
    cluster: Cluster, goes: Callable[[Cluster], None], comes: Callable[[Cluster], None]
) -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(calling(url)) for url in cluster.urls]
        eve, dan = await nodes[0].people("eve", "dan")
        theirs = await nodes[0].direct(eve, dan)
        ann, bob = await stack.enter_async_context(people(cluster, "ann", "bob"))
        back = await Client.login(cluster.urls[0], ann.client.user.username, PASSWORD)
        login = {"username": ann.client.user.username, "password": PASSWORD}
        token = (await nodes[0]("POST", "/auth/login", login)).good["token"]
        await ann.client.send("hello", recipient_ids=[bob.id])
        chat = (await bob.reads("hello")).message.chat_id
        bob.client.focus([chat])
        await _is(bob, "online")
        for one, other in ((ann, bob), (bob, ann)):
            await _types(one, other, chat)
        said: list[int] = []
        talk = [asyncio.create_task(_talk(node, eve, theirs, said)) for node in nodes]
        await eventually(lambda: len(said) > 20, "something is always being committed")
        goes(cluster)
        stack.callback(cluster.postgres.thaw)
        for node in nodes:
            await _ready(node, 503)
        for one, other in ((ann, bob), (bob, ann)):
            await _types(one, other, chat)
        for node in nodes:
            await _refuses(node, eve, theirs)
        await _reads(nodes[0], token, chat)
        assert (await nodes[0]("GET", f"/chats/{theirs}/messages", of=eve)).status == 503
        await ann.client.__aexit__(None, None, None)
        await _is(bob, "offline")
        await stack.enter_async_context(back)
        await _is(bob, "online")
        await back.send("while it was away", chat_id=chat)
        comes(cluster)
        await bob.reads("while it was away")
        for node in nodes:
            await _ready(node, 200)
        for task in talk:
            task.cancel()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("goes", "comes"),
    [
        pytest.param(_kill, _start, id="killed"),
        pytest.param(_hang, _go_on, id="hangs"),
    ],
)
async def test_connections_stay_whatever_was_being_committed(
    cluster: Cluster, goes: Callable[[Cluster], None], comes: Callable[[Cluster], None]
) -> None:
    """Whether it was is not known, so everybody reads it, once the database is back."""
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(calling(url)) for url in cluster.urls]
        ann, bob = talkers = await stack.enter_async_context(people(cluster, "ann", "bob"))
        await ann.client.send("hello", recipient_ids=[bob.id])
        chat = (await bob.reads("hello")).message.chat_id
        for one, other in ((ann, bob), (bob, ann)):
            await _types(one, other, chat)
        connected = [len(one.of(ConnectionChanged)) for one in talkers]
        town = await Town.found(nodes[0], 26, cluster.urls)
        async with town.talking():
            before = await town.cursors()
            await town.progress(100, 200)
            for one in talkers:
                for number in range(SENDS):
                    await one.client.send(f"{one.id} {number}", chat_id=chat)
            await cluster.postgres.execute(PAUSE.format(AWAY / 2) + TRIGGER, cluster.database)
            await cluster.postgres.until(PAUSING)
            goes(cluster)
            stack.callback(cluster.postgres.thaw)
            for node in nodes:
                await _ready(node, 503)
            for _ in range(3):
                await lasting(AWAY / 3)
                for one, other in ((ann, bob), (bob, ann)):
                    await _types(one, other, chat)
            comes(cluster)
            await cluster.postgres.execute(PAUSE.format(0), cluster.database)
            await town.progress(50, 100)
            await town.settled()
            check_forward(before, await town.cursors())
        await check_nothing_lost(nodes[0], town.devices)
        for one, other in ((ann, bob), (bob, ann)):
            await other.reads(f"{one.id} {SENDS - 1}")
        unknown = [(await node.metrics())[UNKNOWN] for node in nodes]
        assert any(unknown), "there was one"
        assert {device.connections for device in town.devices} == {1}
        assert [len(one.of(ConnectionChanged)) for one in talkers] == connected


@pytest.mark.slow
@pytest.mark.parametrize("first", ["PostgreSQL", "Valkey"])
async def test_nothing_is_lost_when_both_engines_are_away(cluster: Cluster, first: str) -> None:
    """Nothing that is kept is shown then: what others take away could not be heard."""
    goes = [lambda: _kill(cluster), cluster.valkey.end]
    comes = [lambda: _start(cluster), cluster.valkey.start]
    order = (0, 1) if first == "PostgreSQL" else (1, 0)
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(calling(url)) for url in cluster.urls]
        town = await Town.found(nodes[0], 27, cluster.urls)
        page = f"/chats/{town.chats[0]}/messages"
        async with town.talking():
            await town.progress(100, 200)
            before = await town.cursors()
            for engine in order:
                await asyncio.to_thread(goes[engine])
            for node in nodes:
                await _ready(node, 503)
                await _says(node, page, 503, town.people[0])
            for engine in order:
                await asyncio.to_thread(comes[engine])
            for node in nodes:
                await _ready(node, 200)
            await town.progress(50, 100)
            await town.settled()
            check_forward(before, await town.cursors())
        await check_nothing_lost(nodes[0], town.devices)


async def _talk(api: Api, person: rest.Person, chat: str, said: list[int]) -> None:
    message = {"chat_id": chat, "content": "and"}
    while True:
        said.append((await api("POST", "/messages", message, of=person)).status)


async def _ready(api: Api, status: int) -> None:
    await _says(api, "/readyz", status)


async def _says(api: Api, path: str, status: int, person: rest.Person | None = None) -> None:
    async with asyncio.timeout(60):
        while (await api("GET", path, of=person)).status != status:
            pass


async def _types(one: Person, other: Person, chat: str) -> None:
    """The other one sees it."""
    seen = len(other.of(TypingChanged))
    one.client.typing(chat)
    await eventually(lambda: len(other.of(TypingChanged)) > seen, f"{other.id} sees it", AT_ONCE)
    assert other.of(TypingChanged)[-1].is_typing
    one.client.typing(chat, False)
    await eventually(lambda: not other.of(TypingChanged)[-1].is_typing, "its end, too", AT_ONCE)


async def _is(watcher: Person, status: str) -> None:
    """The other one is, as he hears."""

    def told() -> bool:
        heard = watcher.of(PresenceChanged)
        return bool(heard) and heard[-1].status == status

    await eventually(told, f"he is {status}", OFFLINE_AFTER + AT_ONCE)


async def _reads(api: Api, token: str, chat: str) -> None:
    """Who is connected goes on reading what is recent."""
    his = {"Authorization": f"Bearer {token}"}
    page = (await api("GET", f"/chats/{chat}/messages", headers=his)).good
    assert [message["content"] for message in page["messages"]] == ["hello"]
    assert (await api("GET", f"/chats/{chat}", headers=his)).good["id"] == chat
    assert len((await api("GET", f"/chats/{chat}/members", headers=his)).good["members"]) == 2
    assert (await api.metrics())["hubbub_recent_served_total"] == 3


async def _refuses(api: Api, person: rest.Person, chat: str) -> None:
    """Once the commit that was under way is given up."""
    await api("POST", "/messages", {"chat_id": chat, "content": "hello"}, of=person)
    for _ in range(3):
        began = time.monotonic()
        answer = await api("POST", "/messages", {"chat_id": chat, "content": "hello"}, of=person)
        assert answer.status == 503
        assert answer.body["code"] in ("unavailable", "overloaded")
        assert time.monotonic() - began < AT_ONCE
