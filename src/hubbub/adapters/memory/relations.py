"""How users stand to each other, in dictionaries."""

from collections.abc import Sequence

from msgspec.structs import replace

from hubbub.adapters.memory.state import State
from hubbub.domain.account import User
from hubbub.domain.change import Denied, Missing, Placed, Seen
from hubbub.domain.chat import direct_key
from hubbub.domain.own import MeEvent, MyBlock, MySettings, SetBlock, SetMe, Told
from hubbub.domain.policy import may_block, may_write
from hubbub.domain.relation import PLAIN, Pair, Privacy, Relation, Stance


class MemoryRelations:
    """`Relations` on the state of a `MemoryChatStore`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def relations(self, pairs: Sequence[Pair]) -> list[Relation | None]:
        """`Relations.relations`."""
        return [relation(self._state, pair) for pair in pairs]

    async def stance(self, user_id: int) -> Stance:
        """`Relations.stance`."""
        return stance(self._state, user_id)

    async def blocked(self, user_id: int, after: int, limit: int) -> list[User]:
        """`Relations.blocked`."""
        others = [other for other in _blocked(self._state, user_id) if other > after]
        return [replace(self._state.users[o], password_hash="") for o in sorted(others)[:limit]]


def relation(state: State, pair: Pair) -> Relation | None:
    """How a user stands to another; None: there is no such user, or no such chat of his."""
    user, other = pair.user_id, pair.other_id or _peer(state, pair)
    if other not in state.users:
        return None
    chat_id, mine, theirs = (
        _direct(state, user, other),
        _privacy(state, user),
        _privacy(state, other),
    )
    return Relation(
        user,
        other,
        chat_id,
        state.sent_at.get((chat_id, other), 0) > 0,
        state.last_seen.get(other, 0),
        other in _blocked(state, user) or user in _blocked(state, other),
        theirs.inbox,
        mine.last_seen and theirs.last_seen,
    )


def is_shut(state: State, pair: Pair) -> bool:
    """Whether the user may not write to the other."""
    found = relation(state, pair)
    return found is not None and may_write(found) is not None


def stance(state: State, user_id: int) -> Stance:
    """How the user stands to others."""
    blocked = frozenset(_blocked(state, user_id))
    return Stance(state.me_heads.get(user_id, 0), _privacy(state, user_id), blocked)


def _privacy(state: State, user_id: int) -> Privacy:
    return state.privacy.get(user_id, (0, PLAIN.privacy))[1]


def _blocked(state: State, user_id: int) -> list[int]:
    blocks = state.blocks.items()
    return [other for (user, other), (_, blocked) in blocks if blocked and user == user_id]


def _direct(state: State, user: int, other: int) -> int:
    """Their direct chat, 0 where there is none."""
    key = direct_key(user, other)
    return next((chat.id for chat in state.chats.values() if chat.key == key), 0)


def _peer(state: State, pair: Pair) -> int:
    """The other one of a direct chat that the user is in, 0 where it is none."""
    chat = state.chats.get(pair.chat_id)
    members = [m.user_id for m in state.present_members(pair.chat_id)]
    if chat is None or chat.type != "direct" or pair.user_id not in members:
        return 0
    return next(member for member in members if member != pair.user_id)


# ── changes ──────────────────────────────────────────────────────────────────────────────────


def set_me(state: State, change: SetMe) -> Told:
    """Give a user's switches other values, or him another name; what is so already is no change."""
    user_id = change.user_id
    before, called = _privacy(state, user_id), state.name(user_id)
    privacy, name = replace(before, **change.wanted), change.display_name or called
    if (privacy, name) == (before, called):
        return Told(None)
    rev = state.next_me(user_id)
    state.privacy[user_id] = (rev, privacy)
    state.users[user_id] = replace(state.users[user_id], display_name=name)
    return Told(MySettings(user_id, rev, privacy, name), stance(state, user_id))


def set_block(state: State, change: SetBlock) -> Told | Missing | Denied:
    """Block a user, or do not any more."""
    user_id, other_id = change.user_id, change.other_id
    if other_id not in state.users:
        return Missing()
    blocked = _blocked(state, user_id)
    if (other_id in blocked) == change.blocked:
        return Told(None)
    if change.blocked and (denied := may_block(user_id, other_id, len(blocked))) is not None:
        return denied
    rev = state.next_me(user_id)
    state.blocks[user_id, other_id] = (rev, change.blocked)
    me = MyBlock(user_id, rev, other_id, change.blocked, _direct(state, user_id, other_id))
    return Told(me, stance(state, user_id))


def stance_log(state: State, user_id: int, after: int) -> list[MeEvent]:
    """The own log's events of the kinds `settings` and `block`, in no order."""
    events: list[MeEvent] = [
        MyBlock(user, rev, other, blocked, _direct(state, user, other))
        for (user, other), (rev, blocked) in state.blocks.items()
        if user == user_id and rev > after
    ]
    rev, privacy = state.privacy.get(user_id, (0, PLAIN.privacy))
    if rev > after:
        events.append(MySettings(user_id, rev, privacy, state.name(user_id)))
    return events


def saw(state: State, change: Seen) -> Placed:
    """Note when users were last seen; never back."""
    for user_id, at in change.users:
        state.last_seen[user_id] = max(at, state.last_seen.get(user_id, 0))
    return Placed()
