"""What the tests of faults share. They run one at a time in `make test-all`."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.people import Api, calling
from tests.support.server import ServerProcess


@pytest.fixture
def settings() -> dict[str, str]:
    """The server's environment; a test module may have its own."""
    return {"HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0"}


@pytest.fixture
def server(tmp_path: Path, settings: dict[str, str]) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, settings)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
async def api(server: ServerProcess) -> AsyncIterator[Api]:
    async with calling(server.url) as api:
        yield api
