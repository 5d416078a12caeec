"""Plain HTTP on the same port, and its bounds."""

import asyncio
import json
import logging
from typing import Any

import pytest
import uvloop

from hubbub.entry.server import OnePortServer
from hubbub.entry.ws.limits import EdgeLimits
from tests.edge.host import Host
from tests.edge.peer import Peer, frame, request


def get(path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: chat.test\r\n\r\n".encode()


def idle_timer(connection: Any) -> object:
    return connection.timeout_keep_alive_task


def answered(peer: Peer, body: bytes) -> None:
    response = peer.response()
    assert (response.status, response.body) == (200, body)
    assert "date" in response.headers
    assert "server" not in response.headers


def problem(peer: Peer, status: int, code: str) -> None:
    response = peer.response()
    assert (response.status, json.loads(response.body)["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


def test_requests_share_a_connection(host: Host) -> None:
    with host.peer() as peer:
        for number in range(3):
            peer.send(get(f"/{number}"))
            answered(peer, f"GET /{number} 0 http".encode())
        peer.send(get("/a") + get("/b"))
        answered(peer, b"GET /a 0 http")
        answered(peer, b"GET /b 0 http")


def test_bodies_arrive_in_one_piece_in_many_and_in_chunks(host: Host) -> None:
    head = b"POST /p HTTP/1.1\r\nHost: chat.test\r\n"
    with host.peer() as peer:
        peer.send(head + b"Content-Length: 5\r\n\r\nhello")
        answered(peer, b"POST /p 5 http")
        peer.send_bytewise(head + b"Content-Length: 5\r\n\r\nhello")
        answered(peer, b"POST /p 5 http")
        peer.send(head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        answered(peer, b"POST /p 5 http")
        peer.send(head + b"Content-Length: 3000000\r\n\r\n" + bytes(3_000_000))
        answered(peer, b"POST /p 3000000 http")


def test_a_first_request_byte_by_byte(host: Host) -> None:
    with host.peer() as peer:
        peer.send_bytewise(get("/slow"))
        answered(peer, b"GET /slow 0 http")


def test_both_kinds_live_side_by_side(host: Host) -> None:
    with host.opened() as socket, host.peer() as http:
        for _ in range(3):
            http.send(get())
            socket.echo()
            answered(http, b"GET / 0 http")
    assert host.server.statistics.http == 1
    assert host.server.statistics.accepted == 1


def test_a_kept_connection_may_turn_into_a_websocket(host: Host) -> None:
    with host.peer() as peer:
        peer.send(get())
        answered(peer, b"GET / 0 http")
        peer.send(request() + frame(b"early"))
        assert peer.response().status == 101
        assert peer.frame().payload == b"early"
        peer.echo()
        host.turn(host.limits.handshake_timeout * 2)
        peer.echo()
    host.until(lambda: host.server.statistics.open == 0, "it is gone")
    assert host.handler.codes == [1006]


def test_a_body_is_never_taken_for_a_request(host: Host) -> None:
    inner = request()
    with host.peer() as peer:
        peer.send(b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(inner))
        host.until(lambda: host.server.statistics.http == 1, "the head was read")
        peer.send(inner)
        answered(peer, b"POST /p %d http" % len(inner))
    assert host.upgrades == []


def test_other_upgrades_are_plain_http(host: Host) -> None:
    with host.peer() as peer:
        peer.send(request("GET /h2 HTTP/1.1", Upgrade="h2c"))
        answered(peer, b"GET /h2 0 http")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400, "malformed", id="header"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
            400,
            "malformed",
            id="length",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(200)) + b"\r\n",
            431,
            "head_too_big",
            id="many headers",
        ),
    ],
)
def test_bad_requests_are_problems(host: Host, data: bytes, status: int, code: str) -> None:
    with host.peer() as peer:
        peer.send(data)
        problem(peer, status, code)
        assert peer.ended()
    assert host.server.statistics.refused == {code: 1}


def test_later_heads_are_bounded_too(serve) -> None:
    host = serve(EdgeLimits(head=2000))
    with host.peer() as peer:
        peer.send(get())
        answered(peer, b"GET / 0 http")
        peer.send(b"GET / HTTP/1.1\r\nX: " + b"y" * 2000)
        problem(peer, 431, "head_too_big")


def test_connections_are_bounded(serve) -> None:
    host = serve(EdgeLimits(http_connections=1))
    with host.peer() as idle:
        idle.send(get())
        answered(idle, b"GET / 0 http")
        with host.peer() as busy:
            busy.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx")
            assert idle.ended()
            with host.peer() as late:
                late.send(get())
                response = late.response()
                assert (response.status, response.headers["retry-after"]) == (503, "5")
            with host.opened() as socket:
                socket.echo()
            busy.send(b"y")
            answered(busy, b"POST / 2 http")


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHos", 10, id="head"),
        pytest.param(b"\r\n", 10, id="empty lines"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel", 30, id="body"),
    ],
)
def test_peers_that_stall_are_dropped(host: Host, data: bytes, seconds: int) -> None:
    with host.peer() as peer, host.peer() as idle:
        for one in (peer, idle):
            one.send(get())
            answered(one, b"GET / 0 http")
        peer.send(data)
        connections = host.server._state.connections
        host.until(
            lambda: any(idle_timer(c) is None for c in connections),
            "it has begun",
        )
        host.turn(seconds)
        assert len(host.call(lambda: list(connections))) == 2
        host.turn(1)
        assert peer.ended()
        idle.send(get())
        answered(idle, b"GET / 0 http")
    assert host.server.statistics.dropped == {"http_stall": 1}


def test_peers_that_do_not_read_their_answer_are_dropped(host: Host) -> None:
    with host.peer(receive_buffer=4096) as peer:
        peer.send(get("/big"))
        connections = host.server._state.connections
        host.until(
            lambda: any(c.transport.get_write_buffer_size() for c in connections), "it waits"
        )
        host.turn(host.limits.http_stall + 1)
        host.until(lambda: not connections, "it is dropped")


def test_no_log_holds_a_query(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for path in ("/ws", "/elsewhere"):
            with host.peer() as peer:
                peer.send(request(f"GET {path}?token=secret HTTP/1.1"))
                peer.response()
        with host.peer() as peer:
            peer.send(get("/?token=secret"))
            answered(peer, b"GET / 0 http")
            peer.send(b"nonsense?token=secret\r\n\r\n")
            assert peer.response().status == 400
    assert "secret" not in caplog.text


def test_a_taken_port_is_an_error_and_no_exit(host: Host) -> None:
    async def start() -> None:
        await OnePortServer(host.app, host.accept, "127.0.0.1", host.port).start()

    with (
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        pytest.raises(OSError, match="in use"),
    ):
        runner.run(start())
