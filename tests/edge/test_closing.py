"""The closing handshake, from both sides, and every other end."""

import gc
import logging
import socket
import struct
import weakref

import pytest

from hubbub.entry.ws.framing import close_code
from hubbub.entry.ws.limits import EdgeLimits
from tests.edge.host import Host
from tests.edge.peer import CLOSE, PING, PONG, Frame, close, frame

VALID = [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4401, 4999]
INVALID = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535]


def told(host: Host, code: int) -> None:
    """The handler hears of the end once, and nothing is left."""
    host.until(lambda: host.handler.codes != [], "the handler heard of the end")
    host.until(lambda: host.server.statistics.open == 0, "the socket is gone")
    assert host.handler.codes == [code]
    assert host.server.statistics.closed == {code: 1}
    assert host.server._sweeper.sockets() == []
    assert host.server._sweeper._ending == {}


@pytest.mark.parametrize("code", VALID)
def test_close_is_answered_with_its_code(host: Host, code: int) -> None:
    with host.opened() as peer:
        peer.send(close(code, b"bye"))
        assert peer.frame() == Frame(CLOSE, struct.pack(">H", code))
        assert peer.ended()
    told(host, code)


def test_an_empty_close_is_answered_with_an_empty_one(host: Host) -> None:
    with host.opened() as peer:
        peer.send(close(None))
        assert peer.frame() == Frame(CLOSE, b"")
        assert peer.ended()
    told(host, 1005)


@pytest.mark.parametrize("code", INVALID)
def test_invalid_close_codes_end_with_1002(host: Host, code: int) -> None:
    assert close_code(struct.pack(">H", code)) is None
    with host.opened() as peer:
        peer.send(close(code))
        peer.fails_with(1002)
    told(host, 1002)


def test_a_close_of_one_byte_ends_with_1002(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"\x03", CLOSE))
        peer.fails_with(1002)
    told(host, 1002)


def test_a_reason_that_is_not_utf8_ends_with_1007(host: Host) -> None:
    with host.opened() as peer:
        peer.send(close(1000, b"\xff"))
        peer.fails_with(1007)
    told(host, 1007)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(frame(b"late"), id="message"),
        pytest.param(frame(b"late", PING), id="ping"),
        pytest.param(close(1001), id="another close"),
        pytest.param(frame(b"late", rsv=7), id="violation"),
        pytest.param(b"\xff" * 100, id="garbage"),
        pytest.param(frame(b"late") + close(1005) + frame(b"x" * 10, 5), id="all of it"),
    ],
)
def test_nothing_after_close_matters(host: Host, after: bytes) -> None:
    with host.opened() as peer:
        peer.send(frame(b"before") + close(1000) + after)
        assert peer.frame().payload == b"before"
        assert peer.frame() == Frame(CLOSE, struct.pack(">H", 1000))
        assert peer.ended()
    told(host, 1000)
    assert host.handler.messages == [(b"before", False)]


def test_the_server_closes_and_waits_for_the_answer(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"!close 4401 token expired") + frame(b"late") + frame(b"late", PING))
        got = peer.frame()
        assert (got.code, got.payload[2:]) == (4401, b"token expired")
        peer.send(frame(b"late"))
        assert host.handler.codes == []
        peer.send(close(4401))
        assert peer.ended()
    told(host, 4401)
    assert len(host.handler.messages) == 1


def test_the_server_does_not_wait_for_ever_for_the_answer(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"!close 1001"))
        assert peer.frame().code == 1001
        host.turn(4.5)
        assert host.handler.codes == []
        host.turn(0.5)
        assert peer.ended()
    told(host, 1001)
    assert host.server.statistics.dropped == {"slow_close": 1}


def test_a_violation_while_closing_keeps_the_first_code(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"!close 4000"))
        assert peer.frame().code == 4000
        peer.send(frame(b"x", rsv=1))
        assert peer.ended()
    told(host, 4000)


def test_a_long_reason_is_cut_between_characters(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"!close 4000 " + "€".encode() * 50))
        got = peer.frame()
        assert got.payload[2:] == "€".encode() * 41
        peer.send(close(4000))
        assert peer.ended()


def test_a_lost_connection_is_1006(host: Host) -> None:
    with host.opened() as peer:
        peer.echo()
    told(host, 1006)


def test_a_reset_connection_is_1006(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"half", fin=False))
        linger = struct.pack("ii", 1, 0)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    told(host, 1006)
    assert host.handler.messages == []


def test_a_half_closed_connection_is_1006(host: Host) -> None:
    with host.opened() as peer:
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.ended()
    told(host, 1006)


def test_abort_is_1006(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"!abort") + frame(b"late"))
        assert peer.ended()
    told(host, 1006)
    assert len(host.handler.messages) == 1


def test_a_failing_handler_closes_with_1011_and_logs_no_content(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), host.opened() as peer:
        peer.send(frame(b"!fail secret") + frame(b"late"))
        assert peer.frame().code == 1011
        peer.send(close(1011))
        assert peer.ended()
    told(host, 1011)
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_calls_after_the_end_do_nothing(host: Host) -> None:
    with host.opened() as peer:
        peer.send(close(1000))
        assert peer.frame().code == 1000
        assert peer.ended()
    told(host, 1000)
    connection = host.handler.connection

    def call_all() -> int:
        connection.write(frame(b"late"))
        connection.write_soon(frame(b"late"))
        connection.ping()
        connection.close(4000)
        connection.abort()
        return connection.buffered()

    assert host.call(call_all) == 0
    told(host, 1000)


def test_stopping_says_1001_and_ends_those_that_do_not_answer(serve) -> None:
    host = serve(EdgeLimits(close_timeout=0.2))
    with host.opened() as polite, host.opened() as silent, host.peer() as idle:
        host.call(host.server.stop_accepting)
        polite.echo()
        host.stop()
        assert polite.frame().code == 1001
        assert silent.frame().code == 1001
        assert polite.ended()
        assert idle.ended()
    assert [handler.codes for handler in host.handlers] == [[1001], [1001]]
    with pytest.raises(ConnectionRefusedError):
        host.peer()


def test_pongs_while_closing_are_ignored(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"!close 4000"))
        assert peer.frame().code == 4000
        peer.send(frame(b"1", PONG) + frame(b"x", PING) + close(4000))
        assert peer.ended()
    told(host, 4000)
    assert host.handler.pongs == 0


@pytest.mark.parametrize("end", [b"", close(1000), frame(b"x", rsv=1), frame(b"!abort")])
def test_what_has_ended_is_freed_without_the_garbage_collector(host: Host, end: bytes) -> None:
    def forget() -> weakref.ref[object]:
        return weakref.ref(host.handlers.pop().connection)

    gc.collect()
    gc.disable()
    try:
        with host.opened() as peer:
            peer.echo()
            reference = host.call(forget)
            peer.send(end)
        host.until(lambda: host.server.statistics.open == 0, "the socket is gone")
        host.until(lambda: reference() is None, "it is freed")
    finally:
        gc.enable()
