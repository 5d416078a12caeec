"""What the tests of faults share. They run one at a time in `make faults` and `make test-all`."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from pathlib import Path

import pytest

from tests.faults.people import Api, calling
from tests.support.cluster import Cluster
from tests.support.server import ServerProcess

INTERRUPTION = "interruption"
Report = Callable[[str, float, float], None]


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Report:
    """Say after which fault sends were interrupted, for how many seconds, and how many may be.

    Fails when it was longer. All of them are shown in a table at the end.
    """

    def interrupted(fault: str, seconds: float, allowed: float) -> None:
        record_property(INTERRUPTION, (fault, seconds, allowed))
        assert seconds <= allowed, f"{fault}: interrupted for {seconds:.1f} s, {allowed} allowed"

    return interrupted


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    longest: dict[str, tuple[float, float]] = {}
    tests = chain.from_iterable(terminalreporter.stats.values())
    for name, value in chain.from_iterable(
        test.user_properties for test in tests if getattr(test, "when", "") == "call"
    ):
        if name == INTERRUPTION:
            fault, seconds, allowed = value
            longest[fault] = max(longest.get(fault, (0.0, 0.0)), (seconds, allowed))
    if not longest:
        return
    width = max(map(len, longest))
    terminalreporter.section("longest interruptions, in seconds")
    terminalreporter.line(f"{'fault':{width}}  longest  G9 allows  verdict")
    for fault, (seconds, allowed) in longest.items():
        verdict = "kept" if seconds <= allowed else "BROKEN"
        terminalreporter.line(f"{fault:{width}}  {seconds:7.2f}  {allowed:9.0f}  {verdict}")


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
def cluster(tmp_path: Path, settings: dict[str, str]) -> Iterator[Cluster]:
    """Three nodes, and engines of their own; a test module may have another one."""
    with Cluster.running(tmp_path, 3, settings) as made:
        yield made


@pytest.fixture
def called(request: pytest.FixtureRequest) -> ServerProcess:
    """The server, or the first of the cluster where a test has one."""
    if "cluster" in request.fixturenames:
        cluster: Cluster = request.getfixturevalue("cluster")
        return cluster.nodes[0]
    server: ServerProcess = request.getfixturevalue("server")
    return server


@pytest.fixture
async def api(called: ServerProcess) -> AsyncIterator[Api]:
    async with calling(called.url) as api:
        yield api
