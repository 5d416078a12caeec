"""A server whose PostgreSQL is killed: it refuses at once, and goes on by itself."""

import asyncio
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.people import Answer, Api, Person
from tests.support.engines import PostgresServer
from tests.support.server import NotStarted, ServerProcess


@pytest.fixture
def engine() -> Iterator[PostgresServer]:
    made = PostgresServer()
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def settings(engine: PostgresServer) -> dict[str, str]:
    unbounded = {"HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0"}  # how fast it sends is the machine's
    return {"HUBBUB_DATABASE_URL": asyncio.run(engine.fresh()), **unbounded}


async def ready(api: Api, status: int) -> None:
    async with asyncio.timeout(20):
        while (await api("GET", "/readyz")).status != status:
            pass


async def test_it_refuses_while_its_database_is_away_and_loses_nothing(
    server: ServerProcess, api: Api, engine: PostgresServer
) -> None:
    ann, bob = await api.people("ann", "bob")
    chat = await api.direct(ann, bob)
    keys = [str(uuid.uuid4()) for _ in range(60)]
    said: dict[str, str] = {}

    async def send(key: str) -> Answer:
        body: dict[str, Any] = {"chat_id": chat, "content": key, "client_id": key}
        return await api("POST", "/messages", body, of=ann)

    async def keep_on(of: Person) -> None:
        """Each until it is acknowledged, as clients do."""
        for key in keys:
            async with asyncio.timeout(30):
                while (answer := await send(key)).status == 503:
                    assert answer.body["code"] in ("unavailable", "overloaded")
                    assert answer.body["retry_after"] > 0
            said[key] = answer.good["id"]

    sending = asyncio.ensure_future(keep_on(ann))
    async with asyncio.timeout(20):
        while len(said) < 20:
            await ready(api, 200)
    engine.end(signal.SIGKILL)
    await ready(api, 503)
    began = time.monotonic()
    assert (await send(str(uuid.uuid4()))).status == 503
    assert time.monotonic() - began < 3, "at once"
    engine.start()
    await sending
    await ready(api, 200)
    history = await api.history(bob, chat)
    assert [(m["content"], m["id"]) for m in history] == [(key, said[key]) for key in keys]
    assert server.pid


async def test_one_server_uses_a_database(
    server: ServerProcess, settings: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = ServerProcess(tmp_path / "other", settings)
    with pytest.raises(NotStarted, match="Another server uses the database"):
        other.start()
    server.kill()
    other.start()
    other.kill()


def _started(server: ServerProcess) -> bool:
    try:
        server.start()
    except NotStarted:
        return False
    return True


@pytest.mark.slow
async def test_another_takes_over_from_one_that_hangs(
    server: ServerProcess, settings: dict[str, str], tmp_path: Path
) -> None:
    """As from one whose machine is gone without a word; should it come back, it sees that."""
    (tmp_path / "other").mkdir()
    other = ServerProcess(tmp_path / "other", settings)
    server.send(signal.SIGSTOP)
    began = time.monotonic()
    try:
        while not _started(other):
            assert time.monotonic() < began + 30
        server.send(signal.SIGCONT)
        assert await asyncio.to_thread(server.wait) == 1
        assert "Another server uses the database" in server.printed()
    finally:
        other.kill()


async def test_a_database_that_is_not_there_is_said(engine: PostgresServer, tmp_path: Path) -> None:
    url = engine.url("nothing").replace("postgres@", "postgres:secret@")
    server = ServerProcess(tmp_path, {"HUBBUB_DATABASE_URL": url})
    with pytest.raises(NotStarted, match="does not exist") as error:
        server.start()
    assert "secret" not in str(error.value)
