"""What there is between users, in dictionaries."""

from collections.abc import Sequence

from hubbub.adapters.memory.state import State
from hubbub.domain.change import Placed, Seen
from hubbub.domain.chat import direct_key
from hubbub.domain.relation import Pair, Relation


class MemoryRelations:
    """`Relations` on the state of a `MemoryChatStore`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def relations(self, pairs: Sequence[Pair]) -> list[Relation | None]:
        """`Relations.relations`."""
        return [self._relation(pair) for pair in pairs]

    def _relation(self, pair: Pair) -> Relation | None:
        other = pair.other_id or self._peer(pair)
        if other not in self._state.users:
            return None
        key = direct_key(pair.user_id, other)
        chats = [chat.id for chat in self._state.chats.values() if chat.key == key]
        seen = self._state.last_seen.get(other, 0)
        return Relation(pair.user_id, other, chats[0] if chats else 0, seen)

    def _peer(self, pair: Pair) -> int:
        """The other one of a direct chat that the user is in, 0 where it is none."""
        chat = self._state.chats.get(pair.chat_id)
        members = [m.user_id for m in self._state.present_members(pair.chat_id)]
        if chat is None or chat.type != "direct" or pair.user_id not in members:
            return 0
        return next(member for member in members if member != pair.user_id)


def saw(state: State, change: Seen) -> Placed:
    """Note when users were last seen; never back."""
    for user_id, at in change.users:
        state.last_seen[user_id] = max(at, state.last_seen.get(user_id, 0))
    return Placed()
