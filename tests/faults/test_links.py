"""The links of one server of a cluster fail, under load (G1-G5, G9).

Servers are joined by Valkey alone: a link to it is one to the other servers.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.conftest import Report
from tests.faults.people import Api
from tests.faults.proof import DATABASE_FAILS_OVER, NODE_DIES, check_forward, check_nothing_lost
from tests.faults.town import PATIENCE, Town
from tests.support.cluster import Cluster
from tests.support.link import Link, Way
from tests.support.wait import eventually, lasting

NUMBER = 1
"""Of the node whose links fail."""
TRY_LATER = 1013


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes, which all that happens here leaves running."""
    settings = {"HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0"}
    with Cluster.running(tmp_path_factory.mktemp("links"), 3, settings, links=True) as made:
        yield made


def slow(link: Link) -> None:
    link.delay(0.2, Way.BACK)


def silent(link: Link) -> None:
    link.silence(*Way)


def deaf(link: Link) -> None:
    """What is asked is done, and no answer comes."""
    link.silence(Way.BACK)


def cut(link: Link) -> None:
    link.cut()


def half_closed(link: Link) -> None:
    link.half_close(Way.BACK)


async def heard(town: Town) -> None:
    """What is said now, by one on each server, comes to everybody."""
    chat = town.chats[0]
    said = [talker.send(chat) for talker in town.devices[:3]]
    await eventually(lambda: all(sent.ack for sent in said), "it is answered", PATIENCE)
    newest = await town.api.patient("GET", f"/chats/{chat}/messages?limit=1", of=town.people[0])
    head = newest["messages"][0]["seq"]
    places = [device.view.places for device in town.devices]
    await eventually(lambda: all(at.get(chat, 0) >= head for at in places), "all hear", PATIENCE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "fails", "seconds"),
    [
        ("postgres", slow, 3),
        ("postgres", silent, 8),  # so long that the server says that it has no database
        ("postgres", deaf, 4),
        ("postgres", cut, 2),
        ("postgres", half_closed, 2),
        ("valkey", slow, 3),
        ("valkey", silent, 4),  # so long that its lease ends
        ("valkey", deaf, 4),
        ("valkey", cut, 2),
        ("valkey", half_closed, 2),
    ],
)
async def test_link(
    cluster: Cluster,
    api: Api,
    report: Report,
    engine: str,
    fails: Callable[[Link], None],
    seconds: float,
) -> None:
    fault = f"{engine} link {fails.__name__}"
    town = await Town.found(api, 15, cluster.urls, fault.translate({32: "_"}))
    for number, device in enumerate(town.devices):
        device.urls = [cluster.urls[number % 3]]
    theirs = town.devices[NUMBER::3]
    others = [device for device in town.devices if device not in theirs]
    link = cluster.links[NUMBER][engine]
    async with town.talking():
        before = await town.cursors()
        await town.progress(100, 200)
        began = time.monotonic()
        fails(link)
        try:
            await lasting(seconds)
        finally:
            link.heal()
        healed = time.monotonic()
        await heard(town)
        again = time.monotonic() - healed
        needed = engine == "postgres"  # by sends, so that nobody succeeds before its end
        own = await town.interruption(healed if needed else began, theirs)
        elsewhere = await town.interruption(began, others)
        await town.progress(50, 100)
        await town.settled()
        check_forward(before, await town.cursors())
    await check_nothing_lost(api, town.devices)
    assert {device.connections for device in others} == {1}
    if not needed:
        assert {device.connections for device in theirs} == {1}
    allowed = DATABASE_FAILS_OVER if needed else NODE_DIES
    # A server that is slow, not gone, keeps the chats of its commit for as long as that takes.
    shared = DATABASE_FAILS_OVER if needed and fails is slow else NODE_DIES
    report(f"{fault}, on other servers", elsewhere, shared)
    report(f"{fault}, on its server{', from its end' * needed}", own, allowed)
    report(f"{fault}, until all hear again", again, allowed)


@pytest.mark.slow
async def test_people_of_a_server_that_alone_has_no_database_come_to_others(
    cluster: Cluster, api: Api, report: Report
) -> None:
    town = await Town.found(api, 16, cluster.urls, "_moving")
    for number, device in enumerate(town.devices):
        device.urls = [cluster.urls[number % 3]]
    theirs = town.devices[NUMBER::3]
    others = [device for device in town.devices if device not in theirs]
    link = cluster.links[NUMBER]["postgres"]
    async with town.talking():
        before = await town.cursors()
        await town.progress(100, 200)
        for device in theirs:
            device.urls = cluster.urls
        began = time.monotonic()
        link.cut()
        try:
            await eventually(lambda: all(TRY_LATER in d.closes for d in theirs), "closed", PATIENCE)
            moved = await town.interruption(began, theirs)
        finally:
            link.heal()
        await town.settled()
        check_forward(before, await town.cursors())
    await check_nothing_lost(api, town.devices)
    assert {device.connections for device in others} == {1}
    report("postgres link cut, until its people are on other servers", moved, DATABASE_FAILS_OVER)
