"""One message by its id."""

from hubbub.actions import present
from hubbub.actions.references import message_id, seen_message
from hubbub.domain.account import Principal
from hubbub.ports import ChatReader
from hubbub_protocol import rest


class GetMessage:
    """`get_message(principal, message_id)`."""

    def __init__(self, reader: ChatReader) -> None:
        self._reader = reader

    async def __call__(self, principal: Principal, message: str) -> rest.StoredMessage:
        """The message with its status for the caller. Raises Refused `not_found`."""
        found = await self._reader.message(principal.user_id, message_id(message))
        view = seen_message(found)
        return present.stored(view.row, principal.user_id, view.others, view.own, view.replies)
