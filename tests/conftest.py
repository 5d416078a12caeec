"""What every test may use. Helpers that are imported live in tests/support."""

import gc
import os
import shutil
import warnings
from collections.abc import Generator, Iterator
from typing import TypeVar

import pytest

from tests.support.engines import PostgresServer
from tests.support.loop import Loop
from tests.support.valkeys import REDIS, ValkeyCluster, ValkeyServer, WatchedValkey


def pytest_collection_finish() -> None:
    """Thousands of tests stay in memory: the garbage collector need not look at them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Asynchronous tests run on asyncio; the product runs on nothing else."""
    return "asyncio", {"loop_factory": Loop}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    """Whoever leaves connections open fails, and not the test that runs when they are collected."""
    try:
        yield
    finally:
        for left in Loop.take_left():
            warnings.warn(f"left open: {left}", ResourceWarning, stacklevel=1)


Engine = TypeVar("Engine", PostgresServer, ValkeyServer, ValkeyCluster, WatchedValkey)


def running(engine: Engine) -> Iterator[Engine]:
    """It, until who has it needs it no more."""
    try:
        engine.start()
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, one a test process."""
    yield from running(PostgresServer())


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """A real Valkey server, one a test process."""
    yield from running(ValkeyServer())


@pytest.fixture
def own_valkey() -> Iterator[ValkeyServer]:
    """One for a test that changes what others would notice."""
    yield from running(ValkeyServer())


@pytest.fixture(scope="session")
def valkey_cluster() -> Iterator[ValkeyCluster]:
    """A real cluster of Valkey, one a test process."""
    yield from running(ValkeyCluster())


@pytest.fixture(scope="session")
def watched_valkey() -> Iterator[WatchedValkey]:
    """A real Valkey with a replica and Sentinels, one a test process."""
    yield from running(WatchedValkey())


@pytest.fixture(scope="session")
def redis_server() -> Iterator[ValkeyServer]:
    """Debian's Redis, one a test process."""
    yield from running(ValkeyServer(program=REDIS))


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[ValkeyCluster]:
    """A cluster of Debian's Redis, one a test process."""
    yield from running(ValkeyCluster(program=REDIS))


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
