"""kill -9 at random moments under load, of the server and of its store (G1, G2, G3)."""

import signal
import time

import pytest

from tests.faults.conftest import Report
from tests.faults.people import Api
from tests.faults.proof import NODE_DIES, check_forward, check_nothing_lost
from tests.faults.town import Town
from tests.support.server import ServerProcess
from tests.support.wait import eventually

PATIENCE = 60.0
slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("seed", "kills"), [(1, 2), pytest.param(2, 6, marks=slow), pytest.param(3, 6, marks=slow)]
)
async def test_kill_the_server(server: ServerProcess, api: Api, seed: int, kills: int) -> None:
    town = await Town.found(api, seed)
    async with town.talking():
        before = await town.cursors()
        for _ in range(kills):
            await town.progress(20, 400)
            server.crash()
            server.start()
            after = await town.cursors()
            check_forward(before, after)
            before = after
        await town.progress(50, 50)
        await town.settled()
        check_forward(before, await town.cursors())
    await check_nothing_lost(api, town.devices)
    # Not once a kill: the next may come before somebody is back.
    assert all(device.connections > 1 for device in town.devices)


@pytest.mark.parametrize(
    ("seed", "kills"), [(4, 3), pytest.param(5, 8, marks=slow), pytest.param(6, 8, marks=slow)]
)
async def test_kill_the_store(
    server: ServerProcess, api: Api, report: Report, seed: int, kills: int
) -> None:
    town = await Town.found(api, seed)
    pauses = []
    async with town.talking():
        await town.progress(1, 10)
        before = await town.cursors()
        for _ in range(kills):
            await town.progress(20, 400)
            pauses.append(await _without_store(server, town))
            after = await town.cursors()
            check_forward(before, after)
            before = after
        await town.settled()
        check_forward(before, await town.cursors())
        metrics = await api.metrics()
    await check_nothing_lost(api, town.devices)
    # The server stays: who was told anything that became doubtful resumes, and nobody else.
    assert {code for device in town.devices for code in device.closes} <= {1013}
    assert all(device.connections <= kills + 1 for device in town.devices)
    assert metrics["hubbub_store_restarts"] == kills
    report("store of a server alone killed", max(pauses), NODE_DIES)


async def _without_store(server: ServerProcess, town: Town) -> float:
    """Kill the store; seconds until a send that followed is answered."""
    server.signal_store(signal.SIGKILL)
    killed = time.monotonic()
    sent = town.devices[4].send(town.chats[0])
    await eventually(lambda: sent.ack is not None, "a send is answered again", PATIENCE)
    return time.monotonic() - killed


@slow
async def test_kill_both_again_and_again(server: ServerProcess, api: Api) -> None:
    """The store dies while it is being started, and the server while its store is away."""
    town = await Town.found(api, 7)
    async with town.talking():
        for _ in range(5):
            await town.progress(20, 100)
            await _another_store(server, 0)
            dead = server.store_pid()
            server.signal_store(signal.SIGKILL)
            await _another_store(server, dead)
            server.signal_store(signal.SIGKILL)
            await town.progress(20, 100)
            await _another_store(server, 0)
            server.signal_store(signal.SIGKILL)
            server.crash()
            server.start()
        await town.progress(50, 50)
        await town.settled()
    await check_nothing_lost(api, town.devices)


async def _another_store(server: ServerProcess, dead: int) -> None:
    await eventually(lambda: server.store_pid() not in (0, dead), "a store starts", PATIENCE)
