"""The members of a chat."""

from hubbub.actions import present
from hubbub.actions.references import chat_id, read_cursor, seen_chat, write_cursor
from hubbub.domain.account import Principal
from hubbub.ports import OneChat
from hubbub_protocol import rest


class ListMembers:
    """`list_members(principal, chat_id, limit, cursor)`."""

    def __init__(self, reader: OneChat) -> None:
        self._reader = reader

    async def __call__(
        self, principal: Principal, chat: str, limit: int, cursor: str | None
    ) -> rest.MemberPage:
        """Present members by id. Raises Refused: `not_found`, `malformed`."""
        (after,) = read_cursor(cursor, 1) or (0,)
        found = await self._reader.members(principal.user_id, chat_id(chat), after, limit)
        page = seen_chat(found)
        members = [present.member(view) for view in page.members]
        following = write_cursor((page.members[-1].user.id,)) if page.has_more else None
        return rest.MemberPage(members, page.has_more, following)
