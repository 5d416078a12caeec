"""Read a thread: the replies to a message, and the replies to those."""

from hubbub.actions import present
from hubbub.actions.references import message_id, read_cursor, seen_message, write_cursor
from hubbub.domain.account import Principal
from hubbub.ports import Referring
from hubbub_protocol import rest


class ReadThread:
    """`get_thread(principal, message_id, newest_first, limit, cursor)`."""

    def __init__(self, referring: Referring) -> None:
        self._referring = referring

    async def __call__(
        self, principal: Principal, message: str, newest_first: bool, limit: int, cursor: str | None
    ) -> rest.ThreadPage:
        """A page of the thread that the message is part of, in whichever place.

        Raises Refused: `not_found`, `malformed`.
        """
        user = principal.user_id
        place = (read_cursor(cursor, 1) or (0,))[0]
        found = seen_message(
            await self._referring.thread(user, message_id(message), newest_first, place, limit)
        )
        root, rows = found.root, found.rows
        told = found.replies
        return rest.ThreadPage(
            present.stored(root, user, found.others, found.own, told) if root else None,
            present.replies(told),
            [present.stored(row, user, found.others, found.own) for row in rows],
            found.has_more,
            write_cursor((rows[-1].seq,)) if found.has_more else None,
        )
