"""Many connections at once, cut and mixed at random: each sees and gets what it would alone.

A failing seed prints how to replay it; `HUBBUB_SEEDS` says how many are tried.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from hubbub.entry.ws.parser import _KEPT
from tests.edge.host import EchoHandler, Host
from tests.edge.peer import BINARY, CLOSE, PING, PONG, TEXT, Peer, close, frame
from tests.simulation import replayable, seeds

CROWD = 40
"""Connections at once: more than parsers are kept."""
SIZES = [0, 1, 2, 125, 126, 127, 300, 4_000, 16_384, 65_535, 65_536]
WEIGHTS = [4, 4, 4, 4, 4, 4, 4, 2, 1, 1, 1]
CLOSES = [close(None), close(1000, "für immer".encode()), close(4000), close(1014)]
FAILURES = [
    close(1005),
    close(1000, b"\xff"),
    frame(b"\x03", CLOSE),
    frame(b"", CLOSE, rsv=1),
    frame(b"", PING, rsv=4),
    frame(b"x", rsv=2),
    frame(b"x", 3),
    frame(b"x", 11) + frame(b"late"),
    frame(b"x", masked=False),
    frame(b"x", PING, fin=False),
    frame(b"x" * 126, PONG),
    frame(b"xy", form=126),
    frame(b"x" * 200, form=127),
    frame(b"", length=1 << 63, form=127),
    frame(b"", length=65_537, form=127) + b"late" * 100,
    frame(b"\xc3\x28"),
    frame(b"\xe2\x82", fin=False) + frame(b"x", 0),
    frame(b"x", 0),
    frame(b"a", fin=False) + frame(b"b"),
    frame(b"x" * 60_000, BINARY, fin=False) + frame(b"x" * 60_000, 0),
    frame(b"", PING) * 700,
    frame(b"!victim"),
    frame(b"!close 4001 so"),
    frame(b"!fail"),
]
LOSSES = [
    frame(b"!abort"),
    close(4000) + b"\xff" * 300,
    close(1000) + close(1001) + frame(b"late"),
    close(None) + frame(b"x", rsv=7),
]
"""Here the kernel may throw away the last answers."""


class Handler(EchoHandler):
    """Ends another, too, if it is told to."""

    victim: EchoHandler | None = None

    def message(self, payload: bytes, binary: bool) -> None:
        if payload == b"!victim" and self.victim is not None:
            self.victim.connection.abort()
        super().message(payload, binary)


@dataclass
class Talk:
    """What one peer sends, and what became of it."""

    data: bytes
    loses: bool
    """Whether the last answers may not arrive."""
    goes: bool
    """Whether the peer goes without an end."""
    step: Callable[[], int]
    """The bytes of the next cut."""
    at: int = 0
    got: bytes = b""
    over: bool = False
    messages: list[tuple[bytes, bool]] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


def payload(rng: random.Random, opcode: int) -> bytes:
    size = rng.choices(SIZES, WEIGHTS)[0]
    if opcode == BINARY:
        return rng.randbytes(size)
    return "".join(rng.choices("a€😀é!0", k=size // 4)).encode()[:size] or b"-" * size


def message(rng: random.Random) -> bytes:
    """A message, whole or in fragments, with control frames between them."""
    opcode = rng.choice([TEXT, BINARY])
    rest = payload(rng, opcode)
    if rng.random() < 0.6:
        return frame(rest, opcode, mask=rng.randbytes(4))
    made = b""
    for kind in [opcode, *[0] * rng.randrange(4)]:
        size = rng.randint(0, len(rest))
        made += frame(rest[:size], kind, fin=False, mask=rng.randbytes(4)) + control(rng)
        rest = rest[size:]
    return made + frame(rest, 0, mask=rng.randbytes(4))


def control(rng: random.Random) -> bytes:
    kind, size = rng.choice([PING, PONG]), rng.choice([0, 1, 9, 125])
    one = frame(rng.randbytes(size), kind, mask=rng.randbytes(4))
    return one * rng.choice([0, 0, 1, 1, 3])


def talk(rng: random.Random) -> Talk:
    """At random: messages, and an end; what should not be read follows where it can do no harm."""
    data = b"".join(message(rng) + control(rng) for _ in range(rng.randrange(6)))
    late = message(rng)
    kind = rng.choice(["close", "failure", "failure", "loss", "goes"])
    match kind:
        case "close":
            data += rng.choice(CLOSES)
        case "failure":
            data += rng.choice(FAILURES) + late + close(4321)
        case "loss":
            data += rng.choice(LOSSES) + late
        case "goes":
            data += late[: rng.randrange(len(late))]
    most = rng.choice([1, 7, 500, 20_000])
    least = len(data) // 400
    loses = kind in ("loss", "goes")
    return Talk(data, loses, kind == "goes", lambda: rng.randint(1, most) + least)


async def conversed(talks: list[Talk], peers: list[Peer], rng: random.Random) -> None:
    """Send all, some of each in a turn of the loop, on which the server reads that and no more."""
    open_ = list(zip(talks, peers, strict=True))
    while open_:
        for one, peer in open_ if len(open_) < 4 else rng.sample(open_, len(open_) // 2):
            receive(one, peer)
            if not one.over and one.at < len(one.data):
                one.at += peer.socket.send(one.data[one.at : one.at + one.step()])
            elif one.goes and not one.over:
                one.over = True
            if one.over:
                peer.socket.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        open_ = [(one, peer) for one, peer in open_ if not one.over]


def receive(one: Talk, peer: Peer) -> None:
    """Take what is there."""
    try:
        while not one.over:
            more = peer.socket.recv(1 << 20)
            one.got += more
            one.over = not more
    except BlockingIOError:
        return
    except ConnectionError:
        one.over = True


def run(host: Host, talks: list[Talk], rng: random.Random) -> None:
    """Have all of them at once on `host`."""
    host.handlers.clear()
    peers = [host.opened() for _ in talks]
    try:
        for peer in peers:
            peer.socket.setblocking(False)
        for handler, other in pairwise(host.handlers):
            assert isinstance(handler, Handler)
            handler.victim = other
        host.wait(conversed(talks, peers, rng))
        host.until(lambda: host.server.statistics.open == 0, "all are gone")
    finally:
        for peer in peers:
            peer.socket.close()
    for one, handler in zip(talks, host.handlers, strict=True):
        one.messages, one.codes = handler.messages, handler.codes
        assert handler.connection.parser is None  # type: ignore[attr-defined]


def alone(host: Host, one: Talk) -> Talk:
    """What becomes of the same without others, and in the largest cuts."""
    same = Talk(one.data, one.loses, one.goes, lambda: 50_000)
    run(host, [same], random.Random(0))
    return same


@pytest.fixture
def host(serve: Callable[..., Host]) -> Host:
    return serve(handler=Handler)


@pytest.mark.parametrize("seed", seeds(20))
def test_each_sees_and_gets_what_it_would_alone(host: Host, seed: int) -> None:
    with replayable(seed):
        rng = random.Random(seed)
        talks = [talk(rng) for _ in range(CROWD)]
        run(host, talks, rng)
        idle = host.call(lambda: len(host.handler.connection._common.parsers._idle))  # type: ignore[attr-defined]
        assert idle <= _KEPT
        for number, one in enumerate(talks):
            same = alone(host, one)
            if number and frame(b"!victim") in talks[number - 1].data:
                assert same.got.startswith(one.got), number
                assert same.messages[: len(one.messages)] == one.messages, number
                continue
            assert same.got.startswith(one.got) if one.loses else same.got == one.got, number
            assert (one.messages, one.codes) == (same.messages, same.codes), number
