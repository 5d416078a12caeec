"""Frames and messages that RFC 6455 allows, and those it does not."""

import struct

import pytest

from hubbub.entry.ws.limits import EdgeLimits
from tests.edge.host import Host
from tests.edge.peer import BINARY, CLOSE, PING, PONG, TEXT, Frame, frame

EURO = "€".encode()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 1000, 65535, 65536])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_every_length_comes_back(host: Host, size: int, opcode: int) -> None:
    with host.opened() as peer:
        peer.send(frame(b"x" * size, opcode))
        assert peer.frame() == Frame(opcode, b"x" * size)
        peer.echo()


def test_many_frames_in_one_segment_keep_their_order(host: Host) -> None:
    with host.opened() as peer:
        peer.send(b"".join(frame(b"%d" % number) for number in range(1000)))
        got = [peer.frame().payload for _ in range(1000)]
        assert got == [b"%d" % number for number in range(1000)]


def test_fragments_are_joined(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"one ", fin=False) + frame(b"", 0, fin=False) + frame(b"two", 0))
        assert peer.frame() == Frame(TEXT, b"one two")
        peer.send(frame(b"\xff", BINARY, fin=False) + frame(b"\xfe", 0))
        assert peer.frame() == Frame(BINARY, b"\xff\xfe")
        assert host.handler.messages == [(b"one two", False), (b"\xff\xfe", True)]


def test_control_frames_may_lie_between_fragments(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"one ", fin=False))
        peer.send(frame(b"are you there", PING))
        assert peer.frame() == Frame(PONG, b"are you there")
        peer.send(frame(b"unasked", PONG) + frame(b"two", 0))
        assert peer.frame() == Frame(TEXT, b"one two")


def test_close_between_fragments_ends_the_message(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"half", fin=False) + frame(struct.pack(">H", 1000), CLOSE))
        peer.fails_with(1000)
        assert host.handler.messages == []


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(b"x", 0), id="continuation without start"),
        pytest.param(frame(b"x", 0, fin=False), id="unfinished continuation without start"),
        pytest.param(frame(b"a", fin=False) + frame(b"b"), id="text within a message"),
        pytest.param(frame(b"a", fin=False) + frame(b"b", BINARY), id="binary within a message"),
        pytest.param(
            frame(b"a", fin=False) + frame(b"b", 0) + frame(b"c", 0), id="continued after its end"
        ),
        pytest.param(frame(b"x", PING, fin=False), id="fragmented ping"),
        pytest.param(frame(b"x" * 126, PING), id="long ping"),
        pytest.param(frame(b"x" * 126, PONG), id="long pong"),
        pytest.param(frame(struct.pack(">H", 1000) + b"x" * 124, CLOSE), id="long close"),
        pytest.param(frame(b"x", masked=False), id="unmasked"),
        pytest.param(frame(b"", PING, masked=False), id="unmasked ping"),
        pytest.param(frame(b"xy", form=126), id="length in 16 bits that fits in 7"),
        pytest.param(frame(b"x" * 200, form=127), id="length in 64 bits that fits in 16"),
        pytest.param(frame(b"", length=1 << 63, form=127), id="length with the highest bit"),
        *[pytest.param(frame(b"x", opcode), id=f"opcode {opcode}") for opcode in range(3, 8)],
        *[pytest.param(frame(b"x", opcode), id=f"opcode {opcode}") for opcode in range(11, 16)],
        *[pytest.param(frame(b"x", rsv=bits), id=f"reserved bits {bits}") for bits in range(1, 8)],
        pytest.param(frame(b"x", PING, rsv=4), id="reserved bit of a ping"),
        pytest.param(frame(b"", CLOSE, rsv=1), id="reserved bit of a close"),
        pytest.param(frame(b"a", fin=False) + frame(b"b", 0, rsv=2), id="of a continuation"),
        pytest.param(b"GET /ws HTTP/1.1\r\n\r\n", id="another request"),
    ],
)
def test_violations_end_with_1002(host: Host, data: bytes) -> None:
    with host.opened() as peer:
        peer.send(data)
        got = peer.frame()
        if got.opcode == TEXT:  # the whole message before the violation
            got = peer.frame()
        assert (got.opcode, got.code) == (CLOSE, 1002)
        assert peer.ended()
    host.until(lambda: host.handler.codes == [1002], "the handler heard of it once")
    assert host.server.statistics.closed == {1002: 1}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"\xff", id="never a byte of UTF-8"),
        pytest.param(b"abc\xc3", id="cut"),
        pytest.param(b"\xc0\xaf", id="overlong"),
        pytest.param(b"\xed\xa0\x80", id="surrogate"),
        pytest.param(b"\xf4\x90\x80\x80", id="beyond U+10FFFF"),
        pytest.param(EURO[::-1], id="continuation first"),
    ],
)
def test_bad_utf8_ends_with_1007(host: Host, text: bytes) -> None:
    with host.opened() as peer:
        peer.send(frame(text))
        peer.fails_with(1007)
    with host.opened() as peer:
        peer.send(frame(text[:1], fin=False) + frame(text[1:], 0))
        peer.fails_with(1007)
    assert [handler.messages for handler in host.handlers] == [[], []]


def test_bad_utf8_is_welcome_in_binary(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"\xff\xfe", BINARY))
        assert peer.frame() == Frame(BINARY, b"\xff\xfe")


def test_a_character_may_be_split_between_fragments(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(EURO[:1], fin=False) + frame(EURO[1:2], 0, fin=False) + frame(EURO[2:], 0))
        assert peer.frame() == Frame(TEXT, EURO)


def test_a_frame_over_the_limit_ends_with_1009_before_its_payload(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"", length=65537, form=127))
        peer.fails_with(1009)
    with host.opened() as peer:
        peer.send(frame(b"", length=1 << 62, form=127))
        peer.fails_with(1009)


def test_the_close_arrives_though_the_peer_goes_on_sending(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(bytes(3_000_000), BINARY))
        peer.fails_with(1009)


def test_a_message_over_the_limit_ends_with_1009(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"x" * 40_000, fin=False) + frame(b"x" * 25_536, 0))
        assert peer.frame().payload == b"x" * 65_536
        peer.send(frame(b"x" * 40_000, fin=False) + frame(b"x" * 25_537, 0, fin=False))
        peer.fails_with(1009)


def test_the_limit_is_configurable(serve) -> None:
    host = serve(EdgeLimits(message=10))
    with host.opened() as peer:
        peer.echo("0123456789")
        peer.send(frame(b"0123456789a"))
        peer.fails_with(1009)


def test_too_many_fragments_end_with_1008(serve) -> None:
    host = serve(EdgeLimits(fragments=4))
    with host.opened() as peer:
        part = frame(b"", 0, fin=False)
        peer.send(frame(b"a", fin=False) + part * 2 + frame(b"b", 0))
        assert peer.frame().payload == b"ab"
        peer.send(frame(b"a", fin=False) + part * 4)
        peer.fails_with(1008)


def test_a_whole_conversation_byte_by_byte(host: Host) -> None:
    with host.peer() as peer:
        peer.send_bytewise(b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n")
        peer.send_bytewise(b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n")
        peer.send_bytewise(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert peer.response().status == 101
        peer.send_bytewise(frame(b"x" * 300))
        assert peer.frame() == Frame(TEXT, b"x" * 300)
        peer.send_bytewise(frame(EURO[:2], fin=False) + frame(b"p", PING) + frame(EURO[2:], 0))
        assert [peer.frame(), peer.frame()] == [Frame(PONG, b"p"), Frame(TEXT, EURO)]
        peer.send_bytewise(frame(struct.pack(">H", 1001), CLOSE))
        peer.fails_with(1001)


def test_pings_are_answered_with_their_payload(host: Host) -> None:
    with host.opened() as peer:
        for payload in (b"", b"x" * 125, bytes(range(100))):
            peer.send(frame(payload, PING))
            assert peer.frame() == Frame(PONG, payload)


def test_a_connection_has_a_parser_only_while_a_frame_is_not_whole(host: Host) -> None:
    with host.opened() as one, host.opened() as other:
        one.echo()
        assert held(host) == [False, False]
        whole = frame(b"x" * 60_000)
        one.send(whole[:40_000])
        other.send(whole[:5])
        host.until(lambda: has_parsers(host) == [True, True], "both frames have begun")
        other.send(whole[5:] + frame(b"y")[:1])
        assert other.frame().payload == b"x" * 60_000
        one.send(whole[40_000:])
        assert one.frame().payload == b"x" * 60_000
        assert held(host) == [False, True]
        other.send(frame(b"y")[1:])
        assert other.frame().payload == b"y"
        assert held(host) == [False, False]


@pytest.mark.parametrize(
    "end", [frame(b"x", rsv=1), frame(b"x", 5), frame(b"\x03\xe8", CLOSE), b""]
)
def test_who_ends_leaves_others_a_parser_that_works(host: Host, end: bytes) -> None:
    for _ in range(3):
        with host.opened() as peer:
            peer.echo()
            peer.send(end + frame(b"half")[:3])


def held(host: Host) -> list[bool]:
    return host.call(lambda: has_parsers(host))


def has_parsers(host: Host) -> list[bool]:
    """Which connections have a parser now, in the order in which they came."""
    return [one.connection.parser is not None for one in host.handlers]  # type: ignore[attr-defined]
