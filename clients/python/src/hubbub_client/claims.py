"""Which logs moved since the server heard how far they are held (protocol 6.1.2). Pure."""

from collections.abc import Iterable
from typing import Final

OWN_SECONDS: Final = 1.0
"""How long a log is not said in which only own messages came: nobody waits to hear of those."""


class Claims:
    """Logs to be said in the next `received`. `by`: when to call `tick` at the latest."""

    def __init__(self, logs: Iterable[str]) -> None:
        self._moved = set(logs)
        self._own: set[str] = set()
        self._said: set[str] = set()  # on this connection
        self.by: float | None = None

    def moved(self, log: str) -> None:
        """It is held further than was said."""
        self._moved.add(log)

    def moved_by_own(self, log: str, now: float) -> None:
        """It moved, by one message of the user's own; that can wait for something to go with."""
        if log not in self._moved:
            self._own.add(log)
            if self.by is None:
                self.by = now + OWN_SECONDS

    def tick(self, now: float) -> None:
        """Let no log wait too long."""
        if self.by is not None and self.by <= now:
            self._all()

    def take(self) -> list[str]:
        """The logs to be said now, if any is pressing."""
        if not self._moved:
            return []
        self._all()
        self._said |= self._moved
        taken, self._moved = sorted(self._moved), set()
        return taken

    def lost(self) -> None:
        """The connection is gone: what was said on it may not have been stored."""
        self._all()
        self._moved |= self._said
        self._said = set()

    def forget(self, log: str) -> None:
        """There is no such log any more."""
        for logs in (self._moved, self._own, self._said):
            logs.discard(log)

    def _all(self) -> None:
        self._moved |= self._own
        self._own, self.by = set(), None
