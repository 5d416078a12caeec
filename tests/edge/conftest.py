"""Servers for the tests of the network edge."""

from collections.abc import Callable, Iterator

import pytest

from hubbub.entry.ws.limits import EdgeLimits
from tests.edge.host import Host


@pytest.fixture
def serve() -> Iterator[Callable[..., Host]]:
    """Starts servers: `serve(EdgeLimits(...), tls)`."""
    hosts: list[Host] = []

    def start(limits: EdgeLimits | None = None, tls: tuple[str, str] | None = None) -> Host:
        host = Host(limits, tls)
        hosts.append(host)
        host.start()
        return host

    yield start
    for host in hosts:
        host.stop()


@pytest.fixture
def host(serve: Callable[..., Host]) -> Host:
    """A server with the default limits."""
    return serve()
