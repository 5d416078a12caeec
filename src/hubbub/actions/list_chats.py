"""The caller's chats by last activity."""

from typing import cast

from hubbub.actions import present
from hubbub.actions.references import read_cursor, write_cursor
from hubbub.domain.account import Principal
from hubbub.ports import ChatReader
from hubbub_protocol import rest


class ListChats:
    """`list_chats(principal, limit, cursor)`."""

    def __init__(self, reader: ChatReader) -> None:
        self._reader = reader

    async def __call__(self, principal: Principal, limit: int, cursor: str | None) -> rest.ChatPage:
        """A page. A chat that moves up meanwhile is on an earlier one. Raises `malformed`."""
        before = cast(tuple[int, int] | None, read_cursor(cursor, 2))
        page = await self._reader.chats(principal.user_id, before, limit)
        chats = [present.chat(view) for view in page.chats]
        following = None if page.cursor is None else write_cursor(page.cursor)
        return rest.ChatPage(chats, page.has_more, following)
