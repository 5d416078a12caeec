"""All signed-in connections by session: for revocation, expiry and the bound of tabs."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

MAX_CONNECTIONS: Final = 10
"""Connections of one session (spec section 1)."""


class Tab(Protocol):
    """A connection of a session, as the registry needs it."""

    def tick(self, now_ms: int, now: float) -> None:
        """Look at deadlines: Unix ms and monotonic seconds."""

    def revoked(self) -> None:
        """The session was revoked: close at once."""

    def going_away(self, reason: str) -> None:
        """The server drains: close with 1001."""


class Registry:
    """Connections before and after they sign in."""

    def __init__(self, now_ms: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._strangers: dict[Tab, None] = {}
        self._sessions: dict[int, Tab | tuple[Tab, ...]] = {}

    def __iter__(self) -> Iterator[Tab]:
        yield from list(self._strangers)
        for session_id in list(self._sessions):
            yield from self._tabs(session_id)

    def arrived(self, tab: Tab) -> None:
        """Open, not signed in."""
        self._strangers[tab] = None

    def signed_in(self, session_id: int, tab: Tab) -> bool:
        """False: the session has too many connections already."""
        tabs = self._tabs(session_id)
        if len(tabs) >= MAX_CONNECTIONS:
            return False
        self._strangers.pop(tab, None)
        self._sessions[session_id] = (*tabs, tab) if tabs else tab
        return True

    def gone(self, session_id: int, tab: Tab) -> None:
        """Closed."""
        self._strangers.pop(tab, None)
        left = tuple(t for t in self._tabs(session_id) if t is not tab)
        if left:
            self._sessions[session_id] = left[0] if len(left) == 1 else left
        else:
            self._sessions.pop(session_id, None)

    def revoke(self, session_id: int) -> None:
        """Close the session's connections at once."""
        for tab in self._tabs(session_id):
            tab.revoked()

    def _tabs(self, session_id: int) -> tuple[Tab, ...]:
        tabs = self._sessions.get(session_id, ())  # most have one, which lies there alone
        return tabs if isinstance(tabs, tuple) else (tabs,)

    def tick_strangers(self) -> None:
        """Deadlines of those not signed in; to be called every second."""
        now_ms, now = self._now_ms(), self._monotonic()
        for tab in list(self._strangers):
            tab.tick(now_ms, now)

    def tick(self) -> None:
        """Deadlines of all; to be called every few seconds."""
        now_ms, now = self._now_ms(), self._monotonic()
        for tab in self:
            tab.tick(now_ms, now)
