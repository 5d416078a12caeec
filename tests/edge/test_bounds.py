"""Heartbeats, half-open sockets, floods, and peers that do not read."""

import resource
import socket

import pytest

from hubbub.entry.ws.limits import EdgeLimits
from tests.edge.host import Host
from tests.edge.peer import BINARY, PING, PONG, Frame, Peer, frame, request


def answer_ping(peer: Peer) -> None:
    got = peer.frame()
    assert got.opcode == PING
    peer.send(frame(got.payload, PONG))


def test_who_answers_pings_stays_and_who_does_not_is_dropped(host: Host) -> None:
    with host.opened() as alive, host.opened() as dead:
        for _ in range(3):
            host.turn(host.limits.heartbeat)
            answer_ping(alive)
            alive.echo()
        assert dead.frame().opcode == PING
        assert dead.ended()
    assert host.handlers[1].codes == [1006]
    assert host.server.statistics.dropped == {"half_open": 1}
    assert host.handlers[0].pongs == 0


def test_each_is_pinged_once_in_a_heartbeat(host: Host) -> None:
    with host.opened() as peer:
        host.turn(host.limits.heartbeat - 1)
        peer.echo()
        host.turn(1)
        answer_ping(peer)
        peer.echo()
        host.turn(host.limits.heartbeat - 1)
        peer.echo()
        host.turn(1)
        answer_ping(peer)


def test_a_process_that_was_stopped_does_not_take_its_peers_for_dead(host: Host) -> None:
    with host.opened() as peer:
        host.turn(host.limits.heartbeat)
        answer_ping(peer)
        peer.echo()
        host.now += 10_000
        host.call(host.server.sweep)
        answer_ping(peer)
        peer.echo()
        host.call(host.server.sweep)
        peer.echo()


@pytest.mark.parametrize("wrong", [b"", b"0", b"2", b"x", b"-1", b"9" * 20, "¹".encode()])
def test_other_pongs_are_no_sign_of_life(host: Host, wrong: bytes) -> None:
    with host.opened() as peer:
        host.turn(host.limits.heartbeat)
        assert peer.frame() == Frame(PING, b"1")
        peer.send(frame(wrong, PONG))
        peer.echo()
        host.turn(host.limits.heartbeat)
        assert peer.ended()


def test_the_answer_to_the_products_ping_reaches_it_and_no_other(host: Host) -> None:
    with host.opened() as peer:
        host.turn(host.limits.heartbeat)
        heartbeat = peer.frame()
        peer.send(frame(b"!ping"))
        asked = peer.frame()
        peer.send(frame(heartbeat.payload, PONG))
        peer.echo()
        assert host.handler.pongs == 0
        peer.send(frame(asked.payload, PONG))
        peer.echo()
        assert host.handler.pongs == 1
        peer.send(frame(asked.payload, PONG))
        peer.echo()
        assert host.handler.pongs == 1


def test_the_answer_to_a_later_ping_is_one_to_those_before(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"!ping") * 2)
        peer.frame()
        host.turn(host.limits.heartbeat)
        peer.frame()
        peer.send(frame(peer.frame().payload, PONG))
        peer.echo()
        assert host.handler.pongs == 1


def test_many_unanswered_pings_drop_the_peer(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"!ping") * 65)
        for _ in range(64):
            assert peer.frame().opcode == PING
        assert peer.ended()
    assert host.server.statistics.dropped == {"unanswered_pings": 1}


def test_what_is_written_soon_is_joined_and_stays_before_what_follows(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"!soon") * 2 + frame(b"d"))
        assert [peer.frame().payload for _ in range(7)] == [*(b"a", b"b", b"c") * 2, b"d"]
        peer.send(frame(b"!soon") + frame(b"!close 4000"))
        assert [peer.frame().payload for _ in range(3)] == [b"a", b"b", b"c"]
        assert peer.frame().code == 4000


def test_what_was_written_soon_goes_before_the_close_for_a_violation(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"!soon") + frame(b"x", rsv=1))
        assert [peer.frame().payload for _ in range(3)] == [b"a", b"b", b"c"]
        peer.fails_with(1002)


def test_writable_is_called_when_the_peer_reads_again(host: Host) -> None:
    with host.peer(receive_buffer=4096) as peer:
        peer.open()
        peer.send(frame(b"!flood"))
        host.until(
            lambda: host.handler.connection.buffered() > host.limits.write_high, "it is full"
        )
        assert host.handler.writables == 0
        size = 0
        while host.handler.writables == 0:
            got = peer.frame()
            assert got == Frame(BINARY, bytes(16_000))
            size += 16_000
        assert size < 1_000_000


def test_a_flood_of_pings_ends_with_1008(host: Host) -> None:
    with host.opened() as peer:
        peer.send(frame(b"x" * 125, PING) * host.limits.pings)
        for _ in range(host.limits.pings):
            assert peer.frame().opcode == PONG
        host.turn(host.limits.heartbeat)
        answer_ping(peer)
        peer.echo()
        peer.send(frame(b"", PING) * (host.limits.pings + 1))
        for _ in range(host.limits.pings):
            assert peer.frame().opcode == PONG
        peer.fails_with(1008)
    assert host.server.statistics.dropped == {"ping_flood": 1}


def test_who_floods_pings_and_never_reads_is_dropped_and_costs_little(host: Host) -> None:
    with host.peer(receive_buffer=2048) as peer:
        peer.open()
        peer.send(frame(b"!flood"))
        connection = host.handler.connection
        host.until(lambda: connection.buffered() > host.limits.write_high, "it is full")
        before = host.call(connection.buffered)
        peer.send(frame(b"x" * 125, PING) * (host.limits.pings + 1))
        host.until(lambda: host.handler.codes == [1008], "it is given up")
        assert host.call(connection.buffered) - before < host.limits.pings * 130
        host.turn(host.limits.close_timeout)
        host.until(lambda: host.server.statistics.open == 0, "it is gone")


def test_the_sockets_buffers_are_set(serve) -> None:
    host = serve(EdgeLimits(send_buffer=40_000, receive_buffer=30_000))

    def size(option: int) -> int:
        transport = host.handler.connection._transport
        return transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, option)

    with host.opened():
        # The kernel doubles what it is told, for its own bookkeeping.
        assert host.call(lambda: size(socket.SO_SNDBUF)) == 80_000
        assert host.call(lambda: size(socket.SO_RCVBUF)) == 60_000


def resident() -> int:
    """Kilobytes of memory that this process has."""
    with open("/proc/self/status") as status:  # noqa: PTH123 - not a file
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1])


def test_a_thousand_that_never_read_are_bounded_and_others_are_served(host: Host) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
    peers: list[Peer] = []
    try:
        before = resident()
        for _ in range(1000):
            peer = host.peer(receive_buffer=2048)
            peers.append(peer)
            peer.send(request() + frame(b"!flood") * 3)
        host.until(lambda: len(host.handlers) == 1000, "all are there")
        host.until(lambda: all(len(h.messages) == 3 for h in host.handlers), "all flooded")
        high = host.limits.write_high
        sizes = host.call(lambda: [h.connection.buffered() for h in host.handlers])
        assert min(sizes) > high
        assert max(sizes) < high + 20_000
        # At most 85 KB wait for each, and a little for the connection itself.
        assert resident() - before < 120_000
        with host.opened() as peer:
            for _ in range(100):
                peer.echo()
            host.turn(host.limits.heartbeat)
            answer_ping(peer)
            peer.echo()
            host.turn(host.limits.heartbeat)
            answer_ping(peer)
            peer.echo()
            host.until(lambda: host.server.statistics.open == 1, "only the reader is left")
        assert host.server.statistics.dropped == {"half_open": 1000}
    finally:
        for peer in peers:
            peer.socket.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
