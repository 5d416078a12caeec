"""One server for a module, with new people for each test."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.authorization.world import Account, World
from tests.support.provider import providing
from tests.support.server import ServerProcess, running

SETTINGS = {
    "HUBBUB_AUTH_REGISTRATION": "invite",
    "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0",
    "HUBBUB_LOG_LEVEL": "warning",
}


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with providing() as corp, running(SETTINGS | corp.settings()) as process:
        yield process


@pytest.fixture(scope="module")
async def operator(server: ServerProcess, anyio_backend: str) -> Account:
    async with aiohttp.ClientSession() as http:
        invite = server.admin_fragment.removeprefix("#invite=")
        return await World(server, http).register("operator", invite)


@pytest.fixture
async def world(server: ServerProcess, operator: Account) -> AsyncIterator[World]:
    """New people for each test, who are in no chat but those that it makes."""
    async with aiohttp.ClientSession() as http:
        settled = World(server, http)
        await settled.settle(operator)
        yield settled
