"""`resume` for clients without a WebSocket: a replay into a list, and waiting for news."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import LINES, Encoders
from hubbub.delivery.replay import Replays
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.revocation import Revocations
from hubbub.ports import Unavailable
from hubbub_protocol.codes import Code, Refused

MOST: Final = 10
"""Of one session at once, as of its WebSockets."""


class _Page:
    """A link that keeps what is written, and can be waited for."""

    def __init__(self) -> None:
        self._lines = bytearray()
        self.closed = False
        self.news = asyncio.Event()

    def write(self, frames: bytes, /) -> None:
        """See Link."""
        self._lines += frames
        self.news.set()

    def take(self) -> list[dict[str, Any]]:
        """The frames that were written since."""
        lines, self._lines = self._lines, bytearray()
        return [msgspec.json.decode(line) for line in lines.splitlines()]

    def buffered(self) -> int:
        """See Link. A page is bounded by the bounds of a replay."""
        return 0

    def close(self, code: int, reason: str = "") -> None:
        """See Link."""
        self.closed = True
        self.news.set()


class Poll:
    """One page of news for one reader. Whose session ends hears nothing more, at once."""

    def __init__(
        self, hub: Hub, replays: Replays, encoders: Encoders, revocations: Revocations
    ) -> None:
        self._hub = hub
        self._replays = replays
        self._encoders = encoders
        self._revocations = revocations
        self._open: dict[int, set[_Page]] = {}
        revocations.watch(self._revoked)

    def _revoked(self, session_id: int) -> None:
        for page in self._open.get(session_id, ()):
            page.news.set()

    def _check(self, session_id: int) -> None:
        if session_id in self._revocations:
            raise Refused(Code.UNAUTHORIZED, "This session was ended; sign in again.")

    async def __call__(
        self,
        user_id: int,
        session_id: int,
        positions: dict[int, int] | None,
        me: int,
        receipts: Sequence[int],
        wait: float,
    ) -> list[dict[str, Any]]:
        """The frames of a replay, `caught_up` last; with `wait`, seconds, not before there are any.

        Raises Unavailable; Refused: `unauthorized` when the session ends, `rate_limited` when it
        waits too often already. Cancelling is safe.
        """
        if len(self._open.get(session_id, ())) >= MOST:
            raise Refused(Code.RATE_LIMITED, f"This session waits {MOST} times already.", 1.0)
        page = _Page()
        self._open.setdefault(session_id, set()).add(page)
        reader = Subscriber(user_id, session_id, page, LINES, self._encoders, self._hub.mark_dirty)
        try:
            frames = await self._replay(reader, page, positions, me, receipts)
            if len(frames) == 1 and wait > 0 and await _news(page, wait):
                # Either there is something, or the session has ended: the replay says which.
                frames = await self._replay(reader, page, positions, me, receipts)
            return frames
        finally:
            self._hub.detach(reader)
            reader.replay = None
            pages = self._open[session_id]
            pages.discard(page)
            if not pages:
                del self._open[session_id]

    async def _replay(
        self,
        reader: Subscriber,
        page: _Page,
        positions: dict[int, int] | None,
        me: int,
        receipts: Sequence[int],
    ) -> list[dict[str, Any]]:
        page.take()
        self._check(reader.session_id)
        self._replays.resume(reader, positions, me, receipts)
        frames: list[dict[str, Any]] = []
        while True:
            await page.news.wait()
            page.news.clear()
            self._check(reader.session_id)
            if page.closed:
                raise Unavailable("The store is away.")
            for frame in page.take():
                if frames and frames[-1]["type"] == "caught_up":
                    page.news.set()  # live already
                    return frames
                frames.append(frame)
            if frames and frames[-1]["type"] == "caught_up":
                return frames


async def _news(page: _Page, wait: float) -> bool:
    try:
        async with asyncio.timeout(wait):
            await page.news.wait()
    except TimeoutError:
        return False
    return True
