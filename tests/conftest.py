"""What every test may use. Helpers that are imported live in tests/support."""

import gc
import os
import shutil
from collections.abc import Iterator

import pytest

from tests.support.engines import PostgresServer, ValkeyCluster, ValkeyServer


def pytest_collection_finish() -> None:
    """Thousands of tests stay in memory: the garbage collector need not look at them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio; the product runs on nothing else."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, one a test process."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """A real Valkey server, one a test process."""
    server = ValkeyServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def own_valkey() -> Iterator[ValkeyServer]:
    """One for a test that changes what others would notice."""
    server = ValkeyServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def valkey_cluster() -> Iterator[ValkeyCluster]:
    """A real cluster of Valkey, one a test process."""
    cluster = ValkeyCluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="session")
def chromium() -> dict[str, object]:
    """How to launch the browser: `playwright.chromium.launch(**chromium)`. Fails without it."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail(
            "Chromium is missing. Please type: "
            "sudo apt-get update && sudo apt-get install -y chromium"
        )
    # Chromium's own sandbox does not work for root, as whom CI runs.
    sandboxed = os.geteuid() != 0
    return {"executable_path": path, "headless": True, "chromium_sandbox": sandboxed}
