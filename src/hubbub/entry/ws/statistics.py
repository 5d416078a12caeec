"""What the edge counts."""

from collections import Counter


class EdgeStatistics:
    """Counts of the edge, read by the metrics. Plain numbers, written on the loop's thread."""

    __slots__ = ("accepted", "closed", "dropped", "http", "limit", "open", "pending", "refused")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """WebSockets that may be open at once."""
        self.open = 0
        """WebSockets whose socket exists, those that are closing included."""
        self.pending = 0
        """Sockets that have not finished their first request head."""
        self.http = 0
        """Sockets that were given to HTTP, ever."""
        self.accepted = 0
        """Handshakes answered with 101."""
        self.refused: Counter[str] = Counter()
        """Handshakes answered otherwise, by reason."""
        self.closed: Counter[int] = Counter()
        """WebSockets that ended, by close code."""
        self.dropped: Counter[str] = Counter()
        """Sockets ended by the server's own decision, by reason."""
