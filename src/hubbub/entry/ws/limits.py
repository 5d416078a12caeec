"""The bounds of the network edge."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Bounds and times of the edge; seconds and bytes."""

    connections: int = 18_000
    """WebSockets open at once; more are refused with 503. Each takes a file descriptor."""
    handshakes: int = 2_000
    """Sockets that have not finished their first request head; one more ends the oldest."""
    http_connections: int = 1_000
    """Sockets that speak plain HTTP; one more ends one that is idle, or is refused with 503."""
    head: int = 16_384
    """Bytes of a request's head: request line and headers."""
    message: int = 65_536
    """Bytes of a WebSocket frame and of a whole message."""
    fragments: int = 128
    """Frames of one message."""
    pings: int = 600
    """Pings of one peer in one heartbeat. Each is answered, so this also bounds the answers."""
    heartbeat: float = 30.0
    """Between two pings to a peer; one that has not answered by the next is dropped."""
    handshake_timeout: float = 10.0
    """For a request's head, and for the TLS handshake."""
    close_timeout: float = 5.0
    """For the peer to finish closing."""
    http_stall: float = 30.0
    """Without a byte of a request's body, or of an answer taken by the peer."""
    http_keep_alive: int = 75
    """Between two HTTP requests on one connection."""
    send_buffer: int = 131_072
    """SO_SNDBUF of a socket. By itself the kernel takes 4 MB for a peer that never reads."""
    receive_buffer: int = 65_536
    """SO_RCVBUF of a socket. Bounds one read, and so the parser's buffer."""
    write_high: int = 65_536
    """Buffered bytes beyond the kernel's at which the product should stop writing."""
    write_low: int = 16_384
    """Buffered bytes at which `Handler.writable` is called."""
    backlog: int = 4_096
    """Connections the kernel holds until they are accepted."""
    retry_after: int = 5
    """Seconds in the Retry-After header when full."""
