"""Who has received and read a message, and when."""

from hubbub.actions import present
from hubbub.actions.references import message_id, read_cursor, seen_message, write_cursor
from hubbub.domain.account import Principal
from hubbub.ports import ChatReader
from hubbub_protocol import rest


class GetReceipts:
    """`get_receipts(principal, message_id, limit, cursor)`."""

    def __init__(self, reader: ChatReader) -> None:
        self._reader = reader

    async def __call__(
        self, principal: Principal, message: str, limit: int, cursor: str | None
    ) -> rest.ReceiptPage:
        """Counts over all recipients and a page of them by id. Whoever sees the message may ask.

        Recipients are the members who were there when it was sent and are still. Raises
        Refused: `not_found`, `malformed`.
        """
        (after,) = read_cursor(cursor, 1) or (0,)
        number = message_id(message)
        found = await self._reader.receipts(principal.user_id, number, after, limit)
        page = seen_message(found)
        return rest.ReceiptPage(
            message,
            page.recipients,
            page.delivered,
            page.read,
            [present.receipt(view) for view in page.page],
            page.has_more,
            write_cursor((page.page[-1].user_id,)) if page.has_more else None,
        )
