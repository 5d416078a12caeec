"""Servers for the tests of the network edge."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.edge.host import Host


@pytest.fixture
def serve() -> Iterator[Callable[..., Host]]:
    """Starts servers: `serve(EdgeLimits(...), tls)`, as `Host` takes them."""
    hosts: list[Host] = []

    def start(*arguments: Any, **named: Any) -> Host:
        host = Host(*arguments, **named)
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
