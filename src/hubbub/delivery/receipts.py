"""How far others are in chats, for whoever resumes and asks."""

from collections.abc import Iterable, Sequence
from typing import Final

from hubbub import present
from hubbub.delivery.counting import Counting, as_frame
from hubbub.delivery.subscriber import Subscriber
from hubbub.ports import ChatReader, CursorState
from hubbub_protocol import frames
from hubbub_protocol.times import rfc3339

AT_ONCE: Final = 5
"""Chats that are read together: they may have 256 members each, and others read as well."""


class Receipts:
    """See the module."""

    def __init__(self, reader: ChatReader, counting: Counting) -> None:
        self._reader = reader
        self._counting = counting

    async def read(self, subscriber: Subscriber, chat_ids: Sequence[int]) -> list[object]:
        """The other members' cursors in these chats, as receipts for the user's own messages.

        Raises Unavailable.
        """
        user_id = subscriber.user_id
        answer: list[object] = []
        for start in range(0, len(chat_ids), AT_ONCE):
            for state in await self._reader.cursors(user_id, chat_ids[start : start + AT_ONCE]):
                # It may have changed meanwhile whether he is told of reads.
                answer += _receipts(state.unread if subscriber.silent else state)
        counted = [c for c in chat_ids if c in subscriber.large]
        found = await self._counting.read(counted, user_id)
        return answer + [as_frame(count, subscriber.silent) for count in found]


def _receipts(state: CursorState) -> Iterable[object]:
    for kind, passed, at in (
        (frames.DeliveryReceipt, state.delivered, state.delivered_at),
        (frames.ReadReceipt, state.read, state.read_at),
    ):
        if passed is not None:
            chat, message = present.chat_ref(state.chat_id), present.message_ref(passed.message_id)
            yield kind(chat, message, passed.seq, present.user_ref(state.user_id), rfc3339(at))
