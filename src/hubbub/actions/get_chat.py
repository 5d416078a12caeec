"""One chat of the caller's."""

from hubbub.actions import present
from hubbub.actions.references import chat_id, seen_chat
from hubbub.domain.account import Principal
from hubbub.ports import OneChat
from hubbub_protocol import rest


class GetChat:
    """`get_chat(principal, chat_id)`."""

    def __init__(self, reader: OneChat) -> None:
        self._reader = reader

    async def __call__(self, principal: Principal, chat: str) -> rest.Chat:
        """The chat as the caller sees it. Raises Refused `not_found`."""
        view = await self._reader.chat(principal.user_id, chat_id(chat))
        return present.chat(seen_chat(view))
