"""What is used of picows beyond its public interface, and the gaps of it that we fill."""

import asyncio
from importlib.metadata import version

import pytest
from picows import WSAutoPingStrategy, WSFrame, WSListener, WSMsgType, WSTransport
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from hubbub.entry.ws.parser import Parser, Parsers
from tests.edge.peer import CLOSE, PING, TEXT, frame


class Recorder(WSListener):
    def __init__(self) -> None:
        self.frames: list[tuple[WSMsgType, bytes]] = []
        self.rsv: list[int] = []
        self.connected = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.connected += 1

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.frames.append((frame.msg_type, frame.get_payload_as_bytes()))
        self.rsv.append(frame.rsv1 << 2 | frame.rsv2 << 1 | frame.rsv3)


class Made:
    """A parser, what it told its listener, and the CLOSE frames it wanted to send."""

    def __init__(self, limit: int = 65_536) -> None:
        self.listener = Recorder()
        self.sent: list[bytes] = []
        self.parser: Parser = Parsers(limit).make(self.listener, self.sent.append)

    @property
    def closes(self) -> list[bytes]:
        return [data for data in self.sent if data]

    def feed(self, data: bytes) -> "Made":
        self.parser.feed(data)
        return self


def test_the_version_is_the_one_that_was_read() -> None:
    assert version("picows") == "2.3.1"


async def test_the_constructor_takes_fifteen_arguments() -> None:
    arguments = (
        None, None, False, lambda _: None, None, True, None, False, 10.0, 10.0,
        WSAutoPingStrategy.PING_WHEN_IDLE, False, 65_536, None, 2_048,
    )  # fmt: skip
    with pytest.raises(TypeError, match="exactly 15 positional"):
        WSProtocol(*arguments[:-1])


async def test_the_constant_handshake_is_silent_and_tells_the_listener() -> None:
    made = Made()
    assert made.listener.connected == 1
    assert made.closes == []
    assert made.parser.close_before() is None
    assert not made.parser.has_grown()


async def test_message_types_are_the_same_objects_each_time() -> None:
    made = Made().feed(frame(b"a") + frame(b"b", 2) + frame(b"", PING) + frame(b"", CLOSE))
    kinds = [kind for kind, _ in made.listener.frames]
    assert kinds[0] is WSMsgType.TEXT
    assert kinds[1] is WSMsgType.BINARY
    assert kinds[2] is WSMsgType.PING
    assert kinds[3] is WSMsgType.CLOSE


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(b"x", 3), 1002),
        (frame(b"x", masked=False), 1002),
        (frame(b"x", PING, fin=False), 1002),
        (frame(b"x" * 126, PING), 1002),
        (frame(b"xy", form=126), 1002),
        (frame(b"\x03", CLOSE), 1002),
        (frame(b"\x03\xe8\xff", CLOSE), 1007),
        (frame(b"x" * 11), 1009),
    ],
)
async def test_it_reports_violations_with_a_close_frame(data: bytes, code: int) -> None:
    made = Made(limit=10).feed(data)
    assert len(made.closes) == 1
    assert made.closes[0][0] == 0x88
    assert int.from_bytes(made.closes[0][2:4], "big") == code
    assert made.listener.frames == []


async def test_it_leaves_to_us_what_we_think_it_does() -> None:
    """If one of these fails after an upgrade, a check of ours may be superfluous."""
    made = Made().feed(frame(b"x", rsv=7) + frame(b"\xff", TEXT) + frame(b"y", 0))
    assert made.listener.rsv[0] == 7
    assert [payload for _, payload in made.listener.frames] == [b"x", b"\xff", b"y"]
    made = Made().feed(frame(b"\x00\x00", CLOSE) + frame(b"late"))
    assert len(made.listener.frames) == 2
    assert made.closes == []


async def test_it_parses_one_frame_ahead() -> None:
    made = Made().feed(frame(b"\x03\xe8", CLOSE) + frame(b"x", rsv=0, opcode=5))
    assert made.parser.close_before() == 1000
    assert len(made.closes) == 1
    assert [kind for kind, _ in made.listener.frames] == [WSMsgType.CLOSE]


async def test_its_buffer_grows_and_does_not_shrink() -> None:
    made = Made().feed(frame(b"x" * 60_000))
    assert made.listener.frames == [(WSMsgType.TEXT, b"x" * 60_000)]
    assert made.parser.has_grown()
    made.feed(frame(b"small"))
    assert made.parser.has_grown()


async def test_the_loop_takes_it_for_a_buffered_protocol() -> None:
    parser = Made().parser
    assert isinstance(parser, asyncio.BufferedProtocol)
    assert not isinstance(parser, asyncio.Protocol)
    assert hasattr(parser, "get_buffer")
