"""Which chats are on the screen, and whether their peers are here. Pure."""

from collections.abc import Sequence
from typing import Final

from hubbub_client.events import PresenceChanged
from hubbub_protocol.frames import Focus, Presence

MOST: Final = 50


class Screen:
    """The focus, said again on each connection, and what the server says of peers.

    `peers`: how they were last told of on this connection, by user.
    """

    def __init__(self) -> None:
        self._chat_ids: list[str] = []
        self.peers: dict[str, Presence] = {}

    def focus(self, chat_ids: Sequence[str]) -> Focus | None:
        """These chats are on the screen now. None: they were already. Raises ValueError."""
        chosen = list(dict.fromkeys(chat_ids))
        if len(chosen) > MOST:
            raise ValueError(f"{len(chosen)} chats are more than a screen has, {MOST}")
        if chosen == self._chat_ids:
            return None
        self._chat_ids = chosen
        self.peers.clear()
        return Focus(chosen)

    def again(self) -> Focus | None:
        """For a new connection."""
        return Focus(self._chat_ids) if self._chat_ids else None

    def heard(self, frame: Presence) -> list[PresenceChanged]:
        """What the server says. One that looks away just now does not hear of it any more."""
        if not self._chat_ids or self.peers.get(frame.user_id) == frame:
            return []
        self.peers[frame.user_id] = frame
        return [PresenceChanged(frame.user_id, frame.status, frame.last_seen_at)]

    def lost(self) -> None:
        """The connection is gone: nothing is known of anybody."""
        self.peers.clear()
