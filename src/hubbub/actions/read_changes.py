"""What became of messages: earlier versions, which are pinned, who has reacted."""

from hubbub.actions import present
from hubbub.actions.references import (
    chat_id,
    check,
    message_id,
    read_cursor,
    seen_chat,
    seen_message,
    write_cursor,
)
from hubbub.domain.account import Principal
from hubbub.domain.amend import may_see_versions
from hubbub.ports import MessageReader
from hubbub_protocol import ids, rest


class ReadChanges:
    """Its methods are the verbs."""

    def __init__(self, messages: MessageReader) -> None:
        self._messages = messages

    async def edits(self, principal: Principal, message: str) -> rest.Edits:
        """What a message said before. Raises Refused: `not_found`, `forbidden`."""
        user = principal.user_id
        found = seen_message(await self._messages.versions(user, message_id(message)))
        check(may_see_versions(found.row, user, found.chat, found.role))
        versions = [present.version(each) for each in found.earlier]
        return rest.Edits(ids.text("msg", found.row.id), versions)

    async def pins(self, principal: Principal, chat: str) -> rest.Pins:
        """A chat's pinned messages. Raises Refused `not_found`."""
        user = principal.user_id
        page = seen_chat(await self._messages.pins(user, chat_id(chat)))
        return rest.Pins(present.messages(page, user))

    async def reactions(
        self, principal: Principal, message: str, limit: int, cursor: str | None
    ) -> rest.ReactionPage:
        """Who has reacted to a message. Raises Refused: `not_found`, `malformed`."""
        (after,) = read_cursor(cursor, 1) or (0,)
        number = message_id(message)
        found = await self._messages.reactions(principal.user_id, number, after, limit)
        page = seen_message(found)
        return rest.ReactionPage(
            message,
            page.own,
            [present.reactor(each) for each in page.page],
            page.has_more,
            write_cursor((page.page[-1].user_id,)) if page.has_more else None,
        )
