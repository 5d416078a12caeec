"""The event loop of tests."""

import asyncio
import socket
from contextlib import closing

from tests.support.loop import Loop


def test_what_is_left_open_is_told_and_closed() -> None:
    loop = Loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()
        _, writer = loop.run_until_complete(asyncio.open_connection(*place))
        loop.close()
        (left,) = Loop.take_left()
        assert str(place) in left
        assert writer.is_closing()
        with closing(server.accept()[0]) as peer:
            assert peer.recv(1) == b""


def test_nothing_is_told_of_what_is_closed() -> None:
    async def used() -> None:
        _, writer = await asyncio.open_connection(*server.getsockname())
        writer.close()
        await writer.wait_closed()

    loop = Loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        loop.run_until_complete(used())
    loop.close()
    assert Loop.take_left() == []
