"""Scroll through a chat's messages."""

from typing import Final

from hubbub.actions import present
from hubbub.actions.references import chat_id, message_id, seen_chat, seen_message
from hubbub.domain.account import Principal
from hubbub.ports import OneChat
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused

DIRECTIONS: Final = ("before", "after", "around")


class ReadHistory:
    """`list_messages(principal, chat_id, direction, message_id, limit)`."""

    def __init__(self, reader: OneChat) -> None:
        self._reader = reader

    async def __call__(
        self, principal: Principal, chat: str, direction: str, message: str | None, limit: int
    ) -> rest.MessagePage:
        """A page, newest first, `before`, `after` or `around` a message, without one the newest.

        `has_more` speaks of the direction asked for; around: of older ones. Raises Refused:
        `not_found` for no such chat, or no such message in it; `malformed`.
        """
        if direction not in DIRECTIONS or (message is None and direction != "before"):
            raise Refused(
                Code.MALFORMED, "Ask for messages before, after or around a message by its id."
            )
        number = chat_id(chat)
        anchor = 0 if message is None else message_id(message)
        user = principal.user_id
        found = await self._reader.history(user, number, direction, anchor, limit)
        page = seen_message(found) if message is not None else seen_chat(found)
        messages = present.messages(page, user)
        return rest.MessagePage(messages, page.has_more, messages[-1].id if messages else None)
