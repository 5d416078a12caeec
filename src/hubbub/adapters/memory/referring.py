"""Threads, mentions and what is forwarded, in dictionaries."""

from collections.abc import Sequence

from hubbub.adapters.memory.reader import MemoryReader, own_cursor
from hubbub.adapters.memory.state import State
from hubbub.domain.chat import Member
from hubbub.domain.extra import mentions, unpack
from hubbub.domain.message import Row
from hubbub.domain.reading import visible
from hubbub.domain.view import Mention, MentionList, ThreadView
from hubbub.ports import SourceRead


class MemoryReferring:
    """`Referring` on the state of a `MemoryChatStore`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._reader = MemoryReader(state)

    async def thread(
        self, user_id: int, message_id: int, newest_first: bool, place: int, limit: int
    ) -> ThreadView | None:
        """`Referring.thread`."""
        view = await self._reader.message(user_id, message_id)
        if view is None:
            return None
        root_id = view.row.thread_id or view.row.id
        root = await self._reader.message(user_id, root_id)
        rows = self._reader.thread(user_id, view.row.chat_id, root_id)
        if newest_first:
            left = [row for row in rows[::-1] if not place or row.seq < place]
        else:
            left = [row for row in rows if row.seq > place]
        return ThreadView(
            None if root is None else root.row,
            left[:limit],
            len(left) > limit,
            view.others,
            view.own,
            self._reader.replies(user_id, view.row.chat_id, root_id),
        )

    async def mentions(
        self, user_id: int, before: tuple[int, int, int] | None, limit: int
    ) -> MentionList:
        """`Referring.mentions`."""
        mine = [m for (_, user), m in self._state.members.items() if user == user_id and m.present]
        found = [(_place(row), row, m) for m in mine for row in self._mentioning(m)]
        found.sort(key=lambda each: each[0], reverse=True)
        left = [each for each in found if before is None or each[0] < before]
        page = [
            Mention(row, own_cursor(m), self._reader.replies(user_id, row.chat_id, row.id))
            for _, row, m in left[:limit]
        ]
        return MentionList(page, left[limit - 1][0] if len(left) > limit else None)

    def _mentioning(self, member: Member) -> list[Row]:
        """Messages of others that named him while he was there."""
        openings = self._state.openings(member.chat_id, member.user_id)
        stays = self._state.stays_of(member)
        return [
            row
            for row in self._state.logs[member.chat_id]
            if mentions(row.extra, member.user_id)
            and row.sender_id != member.user_id
            and any(stay.holds(row.seq) for stay in stays)
            and visible(row, openings)
        ]

    async def sources(self, reads: Sequence[SourceRead]) -> list[Row | None]:
        """`Referring.sources`."""
        return [await self._source(read) for read in reads]

    async def _source(self, read: SourceRead) -> Row | None:
        known = self._state.known.get((read.user_id, read.client_id or b""))
        if known is not None and unpack(known.extra).forward == read.message_id:
            return self._state.messages[known.id]
        view = await self._reader.message(read.user_id, read.message_id)
        return None if view is None else view.row


def _place(row: Row) -> tuple[int, int, int]:
    return row.at, row.chat_id, row.seq
