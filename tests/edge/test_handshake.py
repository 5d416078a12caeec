"""The opening handshake, over real sockets."""

import asyncio
import json
from contextlib import ExitStack

import pytest

from hubbub.entry.ws.limits import EdgeLimits
from tests.edge.host import Host
from tests.edge.peer import ACCEPT, frame, request


def refused(host: Host, data: bytes, status: int) -> dict[str, str]:
    """The request is answered with a problem document and the connection ends; its headers."""
    with host.peer() as peer:
        peer.send(data)
        response = peer.response()
        assert response.status == status, response
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["connection"] == "close"
        document = json.loads(response.body)
        assert document["status"] == status
        assert document["code"]
        assert document["detail"]
        assert peer.ended()
    return response.headers


def test_the_accept_key_is_that_of_the_rfc(host: Host) -> None:
    with host.peer() as peer:
        response = peer.open()
        assert response.headers["sec-websocket-accept"] == ACCEPT.decode()
        assert response.headers["upgrade"] == "websocket"
        assert response.headers["connection"] == "Upgrade"
        assert "sec-websocket-protocol" not in response.headers
        assert "sec-websocket-extensions" not in response.headers
        peer.echo()


@pytest.mark.parametrize(
    "changes",
    [
        {"Connection": "keep-alive, Upgrade"},
        {"Connection": "UPGRADE"},
        {"Connection": "keep-alive ,\tupgrade"},
        {"Upgrade": "WebSocket"},
        {"Upgrade": "h2c, websocket"},
        {"Host": "chat.test:8080"},
        {"Host": "[::1]:8080"},
        {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"},
        {"Content_Length": "0"},
        {"X_Latin": "caf\xe9"},
    ],
)
def test_what_clients_send_is_accepted(host: Host, changes: dict[str, str]) -> None:
    with host.peer() as peer:
        peer.open(**changes)
        peer.echo()


@pytest.mark.parametrize(
    "line",
    [
        "GET http://chat.test/ws?token=x HTTP/1.1",
        "GET /ws?token=x HTTP/1.1",
    ],
)
def test_the_query_reaches_the_acceptor_and_no_repr(host: Host, line: str) -> None:
    with host.peer() as peer:
        peer.send(request(line, Authorization="Bearer secret", Origin="https://chat.test"))
        assert peer.response().status == 101
    upgrade = host.upgrades[-1]
    assert (upgrade.path, upgrade.query, upgrade.host) == ("/ws", "token=x", "chat.test")
    assert (upgrade.authorization, upgrade.origin) == ("Bearer secret", "https://chat.test")
    assert (upgrade.peer, upgrade.secure) == ("127.0.0.1", False)
    assert "token" not in repr(upgrade)
    assert "secret" not in repr(upgrade)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(request("GET /other HTTP/1.1"), 404, id="elsewhere"),
        pytest.param(request("GET /ws/ HTTP/1.1"), 404, id="below"),
        pytest.param(request("GET /%77s HTTP/1.1"), 404, id="encoded"),
        pytest.param(request("POST /ws HTTP/1.1"), 405, id="POST"),
        pytest.param(request("HEAD /ws HTTP/1.1"), 405, id="HEAD"),
        pytest.param(request("GET /ws HTTP/1.0"), 400, id="HTTP/1.0"),
        pytest.param(request("GET /ws HTTP/2.0"), 400, id="HTTP/2.0"),
        pytest.param(request(Host=None), 400, id="no host"),
        pytest.param(request(Host=""), 400, id="empty host"),
        pytest.param(request(Host="a b"), 400, id="host with a space"),
        pytest.param(request(Host="a\r\nHost: b"), 400, id="two hosts"),
        pytest.param(request(Connection=None), 400, id="no connection"),
        pytest.param(request(Connection="close"), 400, id="connection without upgrade"),
        pytest.param(request(Connection="upgrades"), 400, id="connection with another word"),
        pytest.param(request(Upgrade="websockets"), 400, id="another upgrade"),
        pytest.param(request(Sec_WebSocket_Key=None), 400, id="no key"),
        pytest.param(request(Sec_WebSocket_Key="c2hvcnQ="), 400, id="short key"),
        pytest.param(request(Sec_WebSocket_Key="x" * 22 + "=="), 400, id="key of 17 bytes"),
        pytest.param(request(Sec_WebSocket_Key="!" * 22 + "=="), 400, id="key not base64"),
        pytest.param(request(Sec_WebSocket_Version=None), 426, id="no version"),
        pytest.param(request(Sec_WebSocket_Version="8"), 426, id="version 8"),
        pytest.param(request(Sec_WebSocket_Version="013"), 426, id="version 013"),
        pytest.param(request(Content_Length="5") + b"hello", 400, id="body"),
        pytest.param(request(Transfer_Encoding="chunked"), 400, id="chunked body"),
        pytest.param(request(Sec_WebSocket_Protocol="a,,b"), 400, id="empty subprotocol"),
        pytest.param(request(Sec_WebSocket_Protocol="a, a"), 400, id="subprotocol twice"),
        pytest.param(request(Sec_WebSocket_Protocol="a b"), 400, id="subprotocol with a space"),
        pytest.param(request(X="a\x00b"), 400, id="NUL in a header"),
        pytest.param(request(X="a\nb: c"), 400, id="bare line feed"),
        pytest.param(request(X="a\r\n folded"), 400, id="folded header"),
        pytest.param(request(X="a\r\nY : b"), 400, id="space before the colon"),
        pytest.param(request(X="a\r\nnonsense"), 400, id="header without colon"),
        pytest.param(request(**{f"X{n}": "y" for n in range(100)}), 431, id="many headers"),
        pytest.param(request("GET /ws?refuse HTTP/1.1"), 403, id="by the product"),
        pytest.param(request("GET /ws?fail HTTP/1.1"), 500, id="failing product"),
        pytest.param(request("GET /ws?wrong HTTP/1.1"), 500, id="subprotocol not offered"),
    ],
)
def test_refusals_are_whole_answers(host: Host, data: bytes, status: int) -> None:
    headers = refused(host, data, status)
    if status == 426:
        assert headers["sec-websocket-version"] == "13"
        assert headers["upgrade"] == "websocket"
    if status == 405:
        assert headers["allow"] == "GET"
    if status == 403:
        assert headers["x-reason"] == "test"
    assert host.handlers == []
    assert host.server.statistics.refused.total() == 1
    assert host.server.statistics.accepted == 0
    host.until(lambda: host.server._sweeper._ending == {}, "nothing is left of it")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"\x00" * 10, id="zeros"),
        pytest.param(b"hello\r\n", id="word"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="SSH"),
        pytest.param(b"GET\r\n", id="no target"),
        pytest.param(b"GET /ws FTP/1.1\r\n", id="another protocol"),
        pytest.param(frame(b"too early"), id="frame before the handshake"),
    ],
)
def test_garbage_is_refused_without_waiting(host: Host, data: bytes) -> None:
    refused(host, data, 400)
    assert host.server.statistics.refused == {"malformed": 1}


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_a_head_over_the_limit_is_431(serve, end: bytes) -> None:
    host = serve(EdgeLimits(head=1000))
    refused(host, request(X="y" * 1000).removesuffix(b"\r\n\r\n") + end, 431)


def test_empty_lines_before_the_request_are_skipped(host: Host) -> None:
    with host.peer() as peer:
        peer.send(b"\r\n\r\n" + request())
        assert peer.response().status == 101
        peer.echo()


def test_frames_behind_the_request_are_not_lost(host: Host) -> None:
    with host.peer() as peer:
        many = b"".join(frame(b"%d" % number * 50) for number in range(200))
        peer.send(request() + many + frame(b"cut")[:4])
        assert peer.response().status == 101
        assert [peer.frame().payload for _ in range(200)] == [
            b"%d" % number * 50 for number in range(200)
        ]
        peer.send(frame(b"cut")[4:])
        assert peer.frame().payload == b"cut"


def test_garbage_behind_the_request_ends_with_1002(host: Host) -> None:
    with host.peer() as peer:
        peer.send(request() + request())
        assert peer.response().status == 101
        peer.fails_with(1002)


def test_the_acceptor_selects_the_subprotocol(host: Host) -> None:
    offered = "chat, hubbub.v1.msgpack,hubbub.v1"
    with host.peer() as peer:
        response = peer.open(Sec_WebSocket_Protocol=offered)
        assert response.headers["sec-websocket-protocol"] == "hubbub.v1.msgpack"
    assert list(host.upgrades[-1].subprotocols) == ["chat", "hubbub.v1.msgpack", "hubbub.v1"]
    with host.peer() as peer:
        response = peer.open(Sec_WebSocket_Protocol="a\r\nSec-WebSocket-Protocol: b")
        assert "sec-websocket-protocol" not in response.headers
    assert list(host.upgrades[-1].subprotocols) == ["a", "b"]


def test_what_the_acceptor_writes_follows_the_101(host: Host) -> None:
    with host.peer() as peer:
        peer.send(request("GET /ws?welcome HTTP/1.1") + frame(b"three"))
        assert peer.response().status == 101
        assert [peer.frame().payload for _ in range(3)] == [b"one", b"two", b"three"]


def test_the_acceptor_may_close_what_it_accepts(host: Host) -> None:
    with host.peer() as peer:
        peer.send(request("GET /ws?close HTTP/1.1") + frame(b"ignored"))
        assert peer.response().status == 101
        assert peer.frame().code == 4401
        host.turn(host.limits.close_timeout)
        assert peer.ended()
    with host.peer() as peer:
        peer.send(request("GET /ws?abort HTTP/1.1") + frame(b"ignored"))
        assert peer.ended()
    host.until(lambda: len(host.handlers) == 2 and host.handler.codes == [1006], "it is over")
    assert host.handlers[0].codes == [4401]
    assert [handler.messages for handler in host.handlers] == [[], []]
    assert host.server.statistics.open == 0


def test_a_slow_handshake_ends(host: Host) -> None:
    with host.peer() as silent, host.peer() as slow, host.peer() as quick:
        slow.send(request()[:60])
        host.until(lambda: host.server.statistics.pending == 3, "they are there")
        host.turn(5)
        slow.send(request()[60:70])
        quick.open()
        host.turn(4.5)
        host.until(lambda: host.server.statistics.pending == 2, "they may go on")
        host.turn(0.5)
        assert slow.response().status == 408
        assert slow.ended()
        assert silent.ended()
        quick.echo()
    assert host.server.statistics.dropped == {"slow_handshake": 2}
    assert host.server.statistics.pending == 0


def test_many_who_come_at_once_are_accepted_in_few_turns_of_the_loop(host: Host) -> None:
    async def turns() -> int:
        with ExitStack() as stack:
            for _ in range(64):
                stack.enter_context(host.peer())  # the loop, which is kept here, accepts none yet
            count = 0
            while host.server.statistics.pending < 64:
                await asyncio.sleep(0)
                count += 1
            return count

    assert host.wait(turns()) <= 16


def test_there_is_a_most_of_websockets(serve) -> None:
    host = serve(EdgeLimits(connections=2))
    with host.opened() as one, host.opened():
        headers = refused(host, request(), 503)
        assert headers["retry-after"] == "5"
        one.echo()
        one.socket.close()
        host.until(lambda: host.server.statistics.open == 1, "there is room again")
        with host.opened() as another:
            another.echo()
    assert host.server.statistics.refused == {"too_many_websockets": 1}


def test_one_handshake_too_many_ends_the_oldest(serve) -> None:
    host = serve(EdgeLimits(handshakes=2))
    with host.peer() as first, host.peer() as second:
        first.send(b"GET")
        host.until(lambda: host.server.statistics.pending == 2, "they are there")
        with host.peer() as third:
            assert first.response().status == 408
            assert first.ended()
            for peer in (second, third):
                peer.open()
                peer.echo()
    assert host.server.statistics.dropped == {"too_many_handshakes": 1}
