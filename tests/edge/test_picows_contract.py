"""What is used of picows beyond its public interface, and the gaps of it that we fill."""

import asyncio
import gc
import weakref
from importlib.metadata import version

import pytest
from picows import WSAutoPingStrategy, WSFrame, WSMsgType
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from hubbub.entry.ws.parser import Parsers
from tests.edge.peer import CLOSE, PATIENCE, PING, TEXT, frame


class Recorder:
    """A parser's reader."""

    def __init__(self, limit: int = 65_536) -> None:
        self.parsers = Parsers(limit)
        self.parser: WSProtocol | None = None
        self.frames: list[tuple[WSMsgType, bytes]] = []
        self.rsv: list[int] = []
        self.closes: list[bytes] = []

    def framed(self, frame: WSFrame, /) -> None:
        self.frames.append((frame.msg_type, frame.get_payload_as_bytes()))
        self.rsv.append(frame.rsv1 << 2 | frame.rsv2 << 1 | frame.rsv3)

    def violated(self, close: bytes, /) -> None:
        self.closes.append(bytes(close))

    @property
    def is_between(self) -> bool:
        """Whether it has given its parser back."""
        return self.parser is None

    def fed(self, data: bytes) -> "Recorder":
        self.parsers.parse(self, data)
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


async def test_message_types_are_the_same_objects_each_time() -> None:
    made = Recorder().fed(frame(b"a") + frame(b"b", 2) + frame(b"", PING) + frame(b"", CLOSE))
    kinds = [kind for kind, _ in made.frames]
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
    made = Recorder(limit=10).fed(data)
    assert len(made.closes) == 1
    assert made.closes[0][0] == 0x88
    assert int.from_bytes(made.closes[0][2:4], "big") == code
    assert made.frames == []


async def test_it_leaves_to_us_what_we_think_it_does() -> None:
    """If one of these fails after an upgrade, a check of ours may be superfluous."""
    made = Recorder().fed(frame(b"x", rsv=7) + frame(b"\xff", TEXT) + frame(b"y", 0))
    assert made.rsv[0] == 7
    assert [payload for _, payload in made.frames] == [b"x", b"\xff", b"y"]
    made = Recorder().fed(frame(b"\x00\x00", CLOSE) + frame(b"late"))
    assert len(made.frames) == 2
    assert made.closes == []


@pytest.mark.parametrize("first", [frame(b"\x03\xe8", CLOSE), frame(b"whole")])
async def test_what_came_before_a_violation_is_told_before_it(first: bytes) -> None:
    """It parses one frame ahead, so of itself it does the opposite."""
    made = Recorder()
    told: list[str] = []
    made.framed = lambda _: told.append("frame")  # type: ignore[method-assign]
    made.violated = lambda _: told.append("violation")  # type: ignore[method-assign]
    made.fed(first + frame(b"x", rsv=0, opcode=5))
    assert told == ["frame", "violation"]


async def test_it_is_between_two_frames_when_all_that_came_was_whole() -> None:
    made = Recorder()
    data = frame(b"a") + frame(b"x" * 60_000) + frame(b"", PING)
    ends = {len(frame(b"a")), len(data) - len(frame(b"", PING)), len(data)}
    for at in range(len(data)):
        assert made.fed(data[at : at + 1]).is_between == (at + 1 in ends)
    assert made.fed(data).is_between
    assert not made.fed(data[:-1]).is_between
    assert made.fed(data[-1:]).is_between
    assert [payload for _, payload in made.frames] == [b"a", b"x" * 60_000, b""] * 3


ENDS = [frame(b"x", 3), frame(b"\x03\xe8", CLOSE), frame(b"\x03\xe8", CLOSE) + b"\xff" * 9]


@pytest.mark.parametrize("end", ENDS)
async def test_a_parser_that_parsed_the_last_of_a_connection_is_lent_to_nobody(end: bytes) -> None:
    made = Recorder().fed(frame(b"a") + end)
    assert made.parser is None
    other = Recorder()
    other.parsers = made.parsers
    assert other.fed(frame(b"b")).frames == [(WSMsgType.TEXT, b"b")]
    assert other.closes == []


@pytest.mark.parametrize("end", [*ENDS, b""])
async def test_a_parser_is_freed_without_the_garbage_collector(end: bytes) -> None:
    whole = frame(b"x" * 100)
    made = Recorder().fed(whole[:50])
    assert made.parser is not None
    freed = asyncio.Event()
    weakref.finalize(made.parser.listener, freed.set)
    gc.disable()
    try:
        made.fed(whole[50:] + end if end else b"")
        made.parser = None
        await asyncio.wait_for(freed.wait(), PATIENCE)  # picows keeps it for 10 ms
    finally:
        gc.enable()


async def test_a_buffer_grows_for_a_long_frame_and_not_for_many() -> None:
    made = Recorder(limit=200_000)
    made.fed(frame(b"x" * 1_000) * 500 + b"\x81")
    assert room(made) < 16_384
    made.fed(frame(b"x" * 1_000)[1:] + frame(b"x" * 100_000)[:-1])
    assert len(made.frames) == 501
    assert 1 < room(made) < 130_000


def room(made: Recorder) -> int:
    """Bytes that its parser has place for."""
    assert made.parser is not None
    return len(made.parser.get_buffer(-1))
