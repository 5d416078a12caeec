"""What /readyz says of the durability of a real PostgreSQL."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.people import Answer, Api, calling
from tests.support.engines import PostgresServer
from tests.support.server import ServerProcess


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    server = PostgresServer(durable=True)
    try:
        server.start()
        yield server
    finally:
        server.close()


async def until(api: Api, status: int, says: str = "") -> Answer:
    async with asyncio.timeout(30):
        while True:
            answer = await api("GET", "/readyz")
            if answer.status == status and says in str(answer.body):
                return answer


async def set_up(primary: PostgresServer, name: str, value: str) -> None:
    await primary.execute(f"ALTER SYSTEM SET {name} = {value}")
    await primary.execute("SELECT pg_reload_conf()")


@pytest.mark.slow
async def test_a_server_that_needs_a_standby_says_what_to_type(
    primary: PostgresServer, tmp_path: Path
) -> None:
    settings = {"HUBBUB_DATABASE_URL": await primary.fresh()}
    with ExitStack() as stack:
        needs = ServerProcess(tmp_path, settings | {"HUBBUB_DATABASE_DURABILITY": "standby"})
        stack.callback(needs.kill)
        needs.start()
        async with calling(needs.url) as api:
            await until(api, 503, "No standby is connected")
            standby = PostgresServer(primary)
            stack.callback(standby.close)
            standby.start()
            await until(api, 503, "synchronous_standby_names = 'ANY 1 (*)'")
            await primary.wait_for_standby()
            assert "warnings" not in (await until(api, 200)).body
            await set_up(primary, "fsync", "off")
            await until(api, 503, "ALTER SYSTEM SET fsync = on")
            await set_up(primary, "fsync", "on")
            await until(api, 200)
            standby.end(signal.SIGKILL)
            await until(api, 503, "start it, or go on without")


async def test_a_server_that_needs_none_is_ready_and_warns(
    primary: PostgresServer, tmp_path: Path
) -> None:
    server = ServerProcess(tmp_path, {"HUBBUB_DATABASE_URL": await primary.fresh()})
    try:
        server.start()
        async with calling(server.url) as api:
            assert "warnings" not in (await until(api, 200)).body
            await set_up(primary, "full_page_writes", "off")
            said = await until(api, 200, "warnings")
            assert "SET full_page_writes = on" in said.body["warnings"][0]
    finally:
        server.kill()
