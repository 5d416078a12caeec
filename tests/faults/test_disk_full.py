"""A full disk under a real server: sends are refused for a while, reads go on, nothing is lost."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.device import Device
from tests.faults.people import Api, Person
from tests.support.server import PATIENCE, ServerProcess
from tests.support.wait import eventually

SMALL = 12
"""Megabytes of a disk that a few hundred long messages fill."""
AMPLE = 400
LONG = "x" * 15_000
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
MOUNT = 'mount -t tmpfs -o size={size}m tmpfs "{where}" && exec "$@"'


@pytest.fixture
def server(tmp_path: Path, settings: dict[str, str]) -> Iterator[ServerProcess]:
    """Its data lie on a small disk in memory that no other process sees, and that ends with it."""
    data = tmp_path / "data"
    data.mkdir()
    prefix = [*NAMESPACE, MOUNT.format(size=SMALL, where=data), "sh"]
    try:
        probe = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("unshare (util-linux) is not installed: there is no small disk to fill")
    if probe.returncode:
        pytest.skip(f"this system lets nobody mount a small disk: {probe.stderr.decode().strip()}")
    server = ServerProcess(tmp_path, settings, prefix=prefix)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def resize(server: ServerProcess, megabytes: int) -> None:
    """Give the disk another size."""
    enter = ["nsenter", "--user", "--mount", "--preserve-credentials", "-t", str(server.pid)]
    options = f"remount,size={megabytes}m"
    subprocess.run([*enter, "mount", "-o", options, str(server.data)], check=True)


async def fill(api: Api, person: Person, chat: str) -> int:
    """Send until the disk is full; how many were stored."""
    for count in range(SMALL * 1_000_000 // len(LONG) + 1):
        body = {"chat_id": chat, "content": LONG}
        answer = await api("POST", "/messages", body, of=person)
        if answer.status != 202:
            assert (answer.status, answer.body["code"]) == (503, "unavailable")
            assert "disk is full" in answer.body["detail"]
            assert answer.body["retry_after"] > 0
            assert int(answer.headers["retry-after"]) > 0
            return count
    raise AssertionError("the disk takes more than it holds")


async def check_reads(api: Api, person: Person, chat: str) -> None:
    """Whoever only reads notices nothing."""
    for path in ("/chats", f"/chats/{chat}", f"/chats/{chat}/messages", f"/chats/{chat}/events",
                 f"/chats/{chat}/members", "/me", "/me/events", "/sessions"):  # fmt: skip
        assert (await api("GET", path, of=person)).status == 200, path
    assert (await api("GET", "/healthz")).status == 200


async def test_sends_wait_until_there_is_room(server: ServerProcess, api: Api) -> None:
    ann, bob = await api.people("ann", "bob")
    chat = await api.direct(ann, bob)
    stored = await fill(api, ann, chat)
    device, listener = Device(api, ann), Device(api, bob)
    async with device.on(), listener.on():
        sends = [device.send(chat, f"{number} {LONG}") for number in range(5)]
        await eventually(lambda: len(device.errors) >= 5, "they are refused", PATIENCE)
        assert {e["code"] for e in device.errors} <= {"unavailable", "overloaded"}
        assert device.errors[0]["code"] == "unavailable"
        assert all(e["retry_after"] > 0 for e in device.errors)
        await check_reads(api, bob, chat)
        resize(server, AMPLE)
        await eventually(lambda: not device.unanswered, "they are stored", PATIENCE)
        assert all(sent.ack is not None for sent in sends)
        await eventually(
            lambda: len(listener.view.messages.get(chat, {})) >= stored + 5, "bob", PATIENCE
        )
        await fill_some_more(api, ann, chat)
        assert (await api.metrics())["hubbub_store_restarts"] == 0
    server.signal_store(signal.SIGKILL)  # so that what follows is read from the disk
    history = await api.history(bob, chat)
    assert len(history) == stored + 5 + MORE
    answered = [sent.ack and sent.ack["id"] for sent in sends]
    assert [m["id"] for m in history[stored : stored + 5]] == answered
    assert not device.faults + listener.faults


MORE = 300
"""Long messages that take the log past where its copying into the database begins."""


async def fill_some_more(api: Api, person: Person, chat: str) -> None:
    for _ in range(MORE):
        body = {"chat_id": chat, "content": LONG}
        (await api("POST", "/messages", body, of=person)).good  # noqa: B018


async def another_store(server: ServerProcess, dead: int) -> None:
    await eventually(lambda: server.store_pid() not in (0, dead), "a store starts", PATIENCE)


@pytest.mark.slow
async def test_the_store_dies_while_the_disk_is_full(server: ServerProcess, api: Api) -> None:
    ann, bob = await api.people("ann", "bob")
    chat = await api.direct(ann, bob)
    device = Device(api, ann)
    async with device.on():
        stored = await fill(api, ann, chat)
        for _ in range(3):
            dead = server.store_pid()
            server.signal_store(signal.SIGKILL)
            await another_store(server, dead)
            await check_reads(api, bob, chat)
            answer = await api("POST", "/messages", {"chat_id": chat, "content": LONG}, of=ann)
            assert answer.status == 503
        sent = device.send(chat)
        resize(server, AMPLE)
        await eventually(lambda: sent.ack is not None, "a send is stored", PATIENCE)
    history = await api.history(bob, chat)
    assert len(history) == stored + 1
