"""What `make cluster` shows of its parts, also of one that is just going away."""

import asyncio
import struct
from types import SimpleNamespace
from typing import Any

from tools.cluster.looks import DEAD, SILENT, Looks
from tools.cluster.parts import Part


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


READY = _message(b"Z", b"I")
VERSION = _message(b"S", b"server_version\x0017.0\0")
WELCOME = _message(b"R", struct.pack("!I", 0)) + VERSION + READY
PREPARED = _message(b"1", b"") + _message(b"t", b"\0\0") + _message(b"n", b"")
FAREWELL = _message(b"E", b"SFATAL\0C57P02\0Mthe server is going down\0\0")


async def _welcomes_and_goes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for answer in (WELCOME, PREPARED + FAREWELL):
        await reader.read(4_096)
        writer.write(answer)
    await reader.read()
    writer.close()


async def _press() -> None: ...


async def test_a_primary_that_goes_as_it_is_asked_does_not_answer() -> None:
    async with await asyncio.start_server(_welcomes_and_goes, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        postgres = SimpleNamespace(
            url=lambda: f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
        )
        dead = Part("s", "standby", _press, lambda: None)
        parts: Any = SimpleNamespace(
            cluster=SimpleNamespace(nodes=[], postgres=postgres),
            proxy=None,
            by_key={"p": Part("p", "primary", _press, lambda: 1), "s": dead, "v": dead},
        )
        looks = Looks(parts)
        await looks.once()
    assert looks.told == {"p": SILENT, "s": DEAD, "v": DEAD}
