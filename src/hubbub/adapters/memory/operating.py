"""What whoever looks after the server may see of everybody, in dictionaries."""

from hubbub.adapters.memory.reader import MemoryReader
from hubbub.adapters.memory.state import State
from hubbub.domain.message import Row
from hubbub.domain.tracing import Traced, TracedMember


class MemoryOperating:
    """`Operating` on the state of a `MemoryChatStore`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._reader = MemoryReader(state)

    async def trace(self, message_id: int, after: int, limit: int) -> Traced | None:
        """`Operating.trace`."""
        row = self._state.messages.get(message_id)
        if row is None:
            return None
        users = sorted(
            user
            for chat, user in self._state.members
            if chat == row.chat_id and user > after and user != row.sender_id
        )
        members = [self._member(row, user) for user in users[:limit]]
        return Traced(
            *(row.id, row.chat_id, row.sender_id, row.seq, row.number, row.at, row.type),
            self._state.chats[row.chat_id].history,
            self._state.heads[row.chat_id].seq,
            members,
            len(users) > limit,
        )

    def _member(self, row: Row, user_id: int) -> TracedMember:
        member, user = self._state.members[row.chat_id, user_id], self._reader.user(user_id)
        stays = self._state.stays_of(member)
        delivered_at = read_at = None
        if member.present and any(stay.holds(row.seq) for stay in stays):
            passed = self._reader.recipient(member, row)
            delivered_at, read_at = passed.delivered_at, passed.read_at
        return TracedMember(
            user_id,
            user.username,
            user.display_name,
            stays,
            member.delivered,
            member.read,
            delivered_at,
            read_at,
        )
