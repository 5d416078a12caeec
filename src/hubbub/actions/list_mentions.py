"""Where the caller is mentioned."""

from typing import cast

from hubbub.actions import present
from hubbub.actions.references import read_cursor, write_cursor
from hubbub.domain.account import Principal
from hubbub.domain.receipt import Cursor
from hubbub.ports import Referring
from hubbub_protocol import rest


class ListMentions:
    """`list_mentions(principal, limit, cursor)`."""

    def __init__(self, referring: Referring) -> None:
        self._referring = referring

    async def __call__(
        self, principal: Principal, limit: int, cursor: str | None
    ) -> rest.MentionPage:
        """A page over all chats, newest first. Raises Refused `malformed`."""
        before = cast(tuple[int, int, int] | None, read_cursor(cursor, 3))
        page = await self._referring.mentions(principal.user_id, before, limit)
        nobody = Cursor(0, 0)  # that is for own messages, and nobody mentions himself
        messages = [
            present.stored(m.row, principal.user_id, nobody, m.own, m.replies)
            for m in page.mentions
        ]
        following = None if page.cursor is None else write_cursor(page.cursor)
        return rest.MentionPage(messages, following is not None, following)
