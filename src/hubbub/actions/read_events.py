"""Read a log by pages, folded: what closes a gap."""

from collections.abc import Sequence

from hubbub import present
from hubbub.actions.references import chat_id, seen_chat
from hubbub.domain.account import Principal
from hubbub.domain.message import Row
from hubbub.ports import ChatStore, LogRead, OwnLog
from hubbub_protocol import frames, rest


class ReadEvents:
    """`list_events(principal, chat_id, after, limit)`."""

    def __init__(self, store: ChatStore) -> None:
        self._store = store

    async def __call__(
        self, principal: Principal, chat: str, after: int, limit: int
    ) -> rest.EventPage:
        """Events after a position, oldest first; a page may be short where some are hidden.

        Complete up to `position`, from where the caller goes on. Raises Refused `not_found`.
        """
        user = principal.user_id
        (found,) = await self._store.logs([LogRead(user, chat_id(chat), after, limit)])
        log = seen_chat(found)
        events = [_seen(row, log.members, user) for row in log.rows]
        return rest.EventPage([*events], log.position, log.has_more)


class ReadMyEvents:
    """`list_my_events(principal, after, limit)`."""

    def __init__(self, own_log: OwnLog) -> None:
        self._own_log = own_log

    async def __call__(self, principal: Principal, after: int, limit: int) -> rest.EventPage:
        """Events of the caller's own log after a position, oldest first."""
        events, position = await self._own_log.me(principal.user_id, after, limit + 1)
        has_more = len(events) > limit
        if has_more:
            events = events[:limit]
            position = events[-1].rev
        return rest.EventPage([present.me(event) for event in events], position, has_more)


def _seen(row: Row, members: Sequence[int], reader: int) -> frames.Message:
    """As its reader may see it: client_id is for the sender alone."""
    return present.message(
        row, members, present.client_ref(row) if row.sender_id == reader else None
    )
