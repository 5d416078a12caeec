"""The same port with TLS."""

import socket
import ssl

import pytest

from tests.edge.host import Host
from tests.edge.peer import BINARY, CLOSE, PATIENCE, Peer, close, frame, request
from tests.support.certificates import certificate


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate that signs itself, and its key."""
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def host(serve, files: tuple[str, str]) -> Host:
    return serve(tls=files)


def secure(host: Host, files: tuple[str, str]) -> Peer:
    context = ssl.create_default_context(cafile=files[0])
    raw = socket.create_connection(("127.0.0.1", host.port), timeout=PATIENCE)
    return Peer(context.wrap_socket(raw, server_hostname="127.0.0.1"))


def test_both_kinds_speak_tls(host: Host, files: tuple[str, str]) -> None:
    with secure(host, files) as socket_peer, secure(host, files) as http:
        socket_peer.open()
        socket_peer.echo()
        http.send(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
        assert http.response().body == b"GET /x 0 https"
        socket_peer.echo()
        assert host.upgrades[0].secure
        socket_peer.send(close(1000))
        assert socket_peer.frame().opcode == CLOSE
        assert socket_peer.ended()
    host.until(lambda: host.server.statistics.open == 0, "it is gone")
    assert host.handler.codes == [1000]


def test_big_messages_and_grown_parsers(host: Host, files: tuple[str, str]) -> None:
    with secure(host, files) as peer:
        peer.open()
        for _ in range(2):
            peer.send(frame(b"x" * 65_536, BINARY))
            assert peer.frame().payload == b"x" * 65_536
            peer.send(frame(b"!ping"))
            peer.send(frame(peer.frame().payload, 10))
            peer.echo()
        assert host.handler.pongs == 2


def test_violations_and_refusals(host: Host, files: tuple[str, str]) -> None:
    with secure(host, files) as peer:
        peer.open()
        peer.send(frame(b"x", rsv=1))
        peer.fails_with(1002)
    with secure(host, files) as peer:
        peer.send(request(Sec_WebSocket_Version="7"))
        assert peer.response().status == 426
        assert peer.ended()
    host.until(lambda: host.server._sweeper._ending == {}, "nothing is left")
    assert host.handler.codes == [1002]


def test_who_never_reads_is_bounded_and_dropped(host: Host, files: tuple[str, str]) -> None:
    with secure(host, files) as peer:
        peer.open()
        peer.send(frame(b"!flood") * 10)
        host.until(lambda: len(host.handler.messages) == 10, "it flooded")
        connection = host.handler.connection
        assert host.call(connection.buffered) < host.limits.write_high + 40_000
        host.turn(host.limits.heartbeat * 2)
        host.until(lambda: host.server.statistics.open == 0, "it is dropped")
    assert host.handler.codes == [1006]


def test_plain_text_on_a_tls_port_goes_nowhere(host: Host, files: tuple[str, str]) -> None:
    with host.peer() as plain, secure(host, files) as peer:
        plain.send(request())
        plain.socket.recv(100)
        peer.open()
        peer.echo()
    assert len(host.upgrades) == 1
