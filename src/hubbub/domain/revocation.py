"""Sessions that were ended while their access tokens still lived."""

from collections.abc import Callable, Iterable


class Revocations:
    """Who was revoked lately, in memory: asked at every request, without a read of the store.

    `on_added` is told of each that was ended here, so that other nodes hear of it.

    A session is remembered for `keep_ms`, a token's lifetime: after that none of its tokens is
    good any more. `watch` is told of each, so that its connections close at once.
    """

    __slots__ = ("_keep_ms", "_watchers", "_when", "on_added")

    def __init__(self, keep_ms: int) -> None:
        self._keep_ms = keep_ms
        self._when: dict[int, int] = {}  # by session, in the order they were added
        self._watchers: list[Callable[[int], None]] = []
        self.on_added: Callable[[int], object] = lambda session_id: None

    def watch(self, on_revoked: Callable[[int], None]) -> None:
        """Call this with every session id that is added from now on."""
        self._watchers.append(on_revoked)

    def add(self, session_ids: Iterable[int], now: int) -> None:
        """These sessions were ended here. Those that were known already change nothing."""
        fresh = [session_id for session_id in session_ids if session_id not in self._when]
        self.heard(fresh, now)
        for session_id in fresh:
            self.on_added(session_id)

    def heard(self, session_ids: Iterable[int], now: int) -> None:
        """The same, of what the others know as well."""
        for session_id in session_ids:
            if session_id not in self._when:
                self._when[session_id] = now
                for watcher in self._watchers:
                    watcher(session_id)
        self._prune(now - self._keep_ms)

    def _prune(self, before: int) -> None:
        while self._when:
            oldest = next(iter(self._when))
            if self._when[oldest] >= before:
                break
            del self._when[oldest]

    def __contains__(self, session_id: int) -> bool:
        return session_id in self._when

    def __len__(self) -> int:
        return len(self._when)
