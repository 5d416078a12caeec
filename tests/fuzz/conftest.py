"""One server for a module, that has to be as healthy at the end as it was before."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import aiohttp
import pytest
import requests

from tests.fuzz.bystander import Room
from tests.support.provider import providing
from tests.support.server import ServerProcess, running

SETTINGS = {
    "HUBBUB_AUTH_REGISTRATION": "open",
    "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0",
    "HUBBUB_LOG_LEVEL": "warning",
}


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with providing() as corp, running(SETTINGS | corp.settings()) as process:
        store = process.store_pid()
        yield process
        health = requests.get(f"http://127.0.0.1:{process.port}/healthz", timeout=60)
        assert health.status_code == 200
        assert process.store_pid() == store, "its store's process was restarted"
        assert "Traceback" not in process.printed()
        assert '"level": "error"' not in process.printed()


@pytest.fixture
async def room(server: ServerProcess) -> AsyncIterator[Room]:
    """Afterwards the bystander's connection still works, and was sent nothing strange."""
    async with aiohttp.ClientSession() as http, AsyncExitStack() as stack:
        entered = await Room(server, http).enter()
        line = await entered.line(stack, entered.bystander)
        yield entered
        await line.barrier(chat_id=entered.chat)
        assert not line.socket.closed
        assert {f["type"] for f in line.heard} <= {
            "welcome", "caught_up", "me", "message", "ack", "delivery_receipt", "read_receipt"
        }  # fmt: skip
