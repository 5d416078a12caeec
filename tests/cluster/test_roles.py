"""Processes of other roles: who does the chores of the database, and who serves people."""

import asyncio
import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hubbub.adapters.postgres.chores import AHEAD
from hubbub.adapters.postgres.schema import partition
from tests.faults.people import calling
from tests.support.engines import TODAY, PostgresServer
from tests.support.server import ServerProcess
from tests.support.wait import eventually

PATIENCE = 30.0
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
    "Sec-WebSocket-Version": "13",
}


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return asyncio.run(postgres.fresh())


class Started:
    """Processes of several roles on one database."""

    def __init__(self, folder: Path, url: str, stack: ExitStack) -> None:
        self._folder = folder
        self._url = url
        self._stack = stack

    def start(self, name: str, role: str) -> ServerProcess:
        home = self._folder / name
        home.mkdir()
        settings = {"HUBBUB_DATABASE_URL": self._url, "HUBBUB_SERVER_ROLE": role}
        made = ServerProcess(home, settings)
        self._stack.callback(made.kill)
        made.start()
        return made


@pytest.fixture
def started(tmp_path: Path, url: str) -> Iterator[Started]:
    with ExitStack() as stack:
        yield Started(tmp_path, url, stack)


def ask(server: ServerProcess, path: str, headers: Mapping[str, str] = {}) -> tuple[int, str]:
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=10)) as peer:
        peer.request("GET", path, headers=dict(headers))
        answer = peer.getresponse()
        return answer.status, answer.read().decode()


def get(server: ServerProcess, path: str) -> str:
    status, body = ask(server, path)
    assert status == 200, body
    return body


def ready(server: ServerProcess) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(get(server, "/readyz"))
    return found


def leads(*servers: ServerProcess) -> list[ServerProcess]:
    return [server for server in servers if '"leads":true' in ask(server, "/readyz")[1]]


def done(server: ServerProcess) -> float:
    """Up to when it has done all, as it says itself."""
    lines = get(server, "/metrics").splitlines()
    (found,) = [line for line in lines if line.startswith("hubbub_chores_done_seconds ")]
    return float(found.split()[1])


async def test_one_worker_leads_and_another_when_it_is_killed(started: Started, url: str) -> None:
    one, two = started.start("one", "worker"), started.start("two", "worker")
    await eventually(lambda: len(leads(one, two)) == 1, "one of them leads", PATIENCE)
    said = {"status": "ok", "role": "worker", "leads": leads(one, two) == [one]}
    assert ready(one) | said == ready(one)
    leader = leads(one, two)[0]
    other = two if leader is one else one
    await eventually(lambda: done(leader) == TODAY * 86_400, "it has done all", PATIENCE)
    assert done(other) == 0
    db = await asyncpg.connect(url)
    query = "SELECT to_regclass($1) IS NOT NULL"
    assert await db.fetchval(query, partition("messages", TODAY + AHEAD))
    await db.close()
    leader.kill()
    await eventually(lambda: leads(other) == [other], "the other one leads", 15.0)


@pytest.mark.slow
async def test_a_worker_that_hangs_leads_no_more(started: Started) -> None:
    """As one whose machine is gone: its connections are not closed."""
    one = started.start("one", "worker")
    await eventually(lambda: leads(one) == [one], "it leads", PATIENCE)
    other = started.start("other", "worker")
    one.send(signal.SIGSTOP)
    await eventually(lambda: leads(other) == [other], "the other one leads", PATIENCE)
    one.send(signal.SIGCONT)
    await eventually(lambda: leads(one, other) == [other], "it has noticed", PATIENCE)


def test_a_worker_serves_nobody(started: Started) -> None:
    worker = started.start("worker", "worker")
    assert get(worker, "/healthz") == '{"status":"ok"}'
    assert 'hubbub_role{role="worker"} 1.0' in get(worker, "/metrics")
    assert "/readyz" in worker.said
    for path in ("/", "/docs", "/api/v1/chats", "/api/v1/auth/login"):
        assert ask(worker, path)[0] == 404
    status, body = ask(worker, "/ws", UPGRADE)
    assert status == 404
    assert "is a worker" in json.loads(body)["detail"]
    assert worker.end() == 0


async def test_a_gateway_serves_without_doing_chores(started: Started) -> None:
    gateway = started.start("gateway", "gateway")
    said = ready(gateway)
    assert (said["role"], "leads" in said) == ("gateway", False)
    assert "hubbub_chores" not in get(gateway, "/metrics")
    worker = started.start("worker", "worker")
    await eventually(lambda: leads(worker) == [worker], "the worker leads", PATIENCE)
    async with calling(gateway.url) as api:
        ann, bob = await api.people("ann", "bob")
        chat = await api.direct(ann, bob)
        sent = await api("POST", "/messages", {"chat_id": chat, "content": "hello"}, of=ann)
        assert sent.status == 202
    worker.end()
