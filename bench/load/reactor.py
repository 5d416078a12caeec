"""An epoll loop for thousands of client sockets: no tasks, no transports, one write per turn.

An event loop's callbacks, transports and futures would cost more than the work itself: with
1,000 pairs at 15,000 messages a second there are 66 µs for everything that both ends of a
message do, most of it system calls.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.load import wire

clock = time.perf_counter
_READ = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Hubbub is. `tls` when its URL begins with https; `place` is looked up once."""

    host: str
    port: int
    tls: bool
    family: int
    place: tuple[object, ...]

    @classmethod
    def of(cls, url: str) -> "Address":
        """From `http://host:port` or `https://…`. Raises ValueError and OSError."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not a URL like http://127.0.0.1:8080")
        tls = parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        return cls(parts.hostname, port, tls, found[0][0], found[0][4])

    def connect(self, source: str | None = None) -> socket.socket:
        """A connected socket, from this address of ours if one is given. Raises OSError."""
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.settimeout(30)
        if source:
            sock.bind((source, 0))
        sock.connect(self.place)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self.host)
        return sock

    @property
    def netloc(self) -> str:
        """For the Host header."""
        return f"{self.host}:{self.port}"


class Connection:
    """A client's socket. Subclasses take what was read in `on_data`.

    `on_data` is an attribute, so that a connection can change its handler from phase to phase.
    """

    __slots__ = ("closed", "on_data", "out", "reactor", "rest", "sock")

    def __init__(self, reactor: "Reactor", sock: socket.socket) -> None:
        self.reactor = reactor
        self.sock = sock
        self.out = b""
        self.rest = b""
        self.closed = False
        self.on_data: Callable[[bytes], None] = self.received

    def received(self, data: bytes) -> None:
        """Bytes from the server."""
        raise NotImplementedError

    def lost(self) -> None:
        """The server closed the connection, or it broke."""

    def write(self, data: bytes) -> None:
        """Send at the end of this turn, together with everything else written in it."""
        if self.out:
            self.out += data
        else:
            self.out = data
            self.reactor.dirty.append(self)

    def control(self, opcode: int, payload: bytes) -> None:
        """A frame that is not text: answers a ping."""
        if opcode == wire.PING:
            self.write(wire.frame(payload, 0x8A))

    def close(self) -> None:
        """Close without a word; the server sees the end of the stream, or a reset."""
        if not self.closed:
            self.closed = True
            self.reactor.forget(self)
            self.sock.close()


class Reactor:
    """Waits, reads, lets connections answer, writes. Not for several threads.

    Connections in the background are read in slices of `slice_size` per turn, so that ten
    thousand of them do not delay what the others are measured by.

    A `patient` one sleeps while it waits: for several that share a core.
    """

    def __init__(self, slice_size: int = 32, read_size: int = 32768, patient: bool = False) -> None:
        self._patient = patient
        self.dirty: list[Connection] = []
        self.broken: list[str] = []
        self._slice = slice_size
        self._read_size = read_size
        self._front = select.epoll()
        self._back = select.epoll()
        self._connections: dict[int, Connection] = {}
        self.idle = 0.0
        """Seconds spent looking in vain; not work, though it uses the processor."""
        self._background: set[int] = set()

    def add(self, connection: Connection, background: bool = False) -> None:
        """Watch this connection's socket."""
        fd = connection.sock.fileno()
        connection.sock.setblocking(False)
        self._connections[fd] = connection
        if background:
            self._background.add(fd)
        self._epoll(fd).register(fd, select.EPOLLIN)

    def forget(self, connection: Connection) -> None:
        """Stop watching; before the socket is closed."""
        fd = connection.sock.fileno()
        if self._connections.pop(fd, None) is not None:
            self._epoll(fd).unregister(fd)
            self._background.discard(fd)

    def close(self) -> None:
        """Close all connections and the loop."""
        for connection in list(self._connections.values()):
            connection.close()
        self._front.close()
        self._back.close()

    def _await(self, wait: float) -> list[tuple[int, int]]:
        """Look again and again for up to `wait` seconds, without sleeping.

        A process that sleeps is woken by the core that writes to it, which on a virtual machine
        costs the server several microseconds a write. Clients elsewhere cost it nothing.
        """
        began = now = clock()
        events: list[tuple[int, int]] = []
        while not events and now < began + wait:
            events = self._front.poll(0, 1024)
            if self._background:
                events += self._back.poll(0, self._slice)
            now = clock()
        self.idle += now - began
        return events

    def turn(self, wait: float) -> None:
        """Wait up to `wait` seconds for something to read, then read, answer and write once."""
        if self.dirty:
            self.flush()
        background = self._background
        events = self._front.poll(0, 1024)
        if background:
            events += self._back.poll(0, self._slice)
        if not events and wait > 0:
            events = self._front.poll(wait, 1024) if self._patient else self._await(wait)
        connections, size = self._connections, self._read_size
        for fd, mask in events:
            connection = connections.get(fd)
            if connection is None:
                continue
            if mask & select.EPOLLOUT:
                self._write_on(connection)
            if mask & _READ:
                try:
                    data = connection.sock.recv(size)
                except (BlockingIOError, ssl.SSLWantReadError):
                    continue
                except OSError:
                    data = b""
                if data:
                    connection.on_data(data)
                    if isinstance(connection.sock, ssl.SSLSocket):
                        self._drain_tls(connection)
                else:
                    self._lost(connection)
        if self.dirty:
            self.flush()

    def run_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Turn until `done()`, at most so long. Says whether it was done."""
        end = clock() + seconds
        while not done():
            if clock() > end:
                return False
            self.turn(0.005)
        return True

    def flush(self) -> None:
        """Write what was written in this turn, one system call a connection."""
        dirty, self.dirty = self.dirty, []
        for connection in dirty:
            out = connection.out
            try:
                sent = connection.sock.send(out)
            except (BlockingIOError, ssl.SSLWantWriteError):
                sent = 0
            except OSError:
                self._lost(connection)
                continue
            if sent == len(out):
                connection.out = b""
            else:
                connection.out = out[sent:]
                fd = connection.sock.fileno()
                self._epoll(fd).modify(fd, select.EPOLLIN | select.EPOLLOUT)

    def _write_on(self, connection: Connection) -> None:
        fd = connection.sock.fileno()
        self._epoll(fd).modify(fd, select.EPOLLIN)
        if connection.out:
            self.dirty.append(connection)

    def _drain_tls(self, connection: Connection) -> None:
        sock = connection.sock
        while isinstance(sock, ssl.SSLSocket) and not connection.closed and sock.pending():
            connection.on_data(sock.recv(self._read_size))

    def _lost(self, connection: Connection) -> None:
        if not connection.closed:
            connection.out = b""
            connection.lost()
            connection.close()

    def _epoll(self, fd: int) -> select.epoll:
        return self._back if fd in self._background else self._front
