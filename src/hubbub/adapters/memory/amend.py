"""Changing stored messages in dictionaries."""

from msgspec.structs import replace

from hubbub.adapters.memory.hidden import hide, hiders
from hubbub.adapters.memory.reactions import forget_reactions, react, wait
from hubbub.adapters.memory.relations import is_shut
from hubbub.adapters.memory.state import State
from hubbub.domain.amend import amend, amended, audience, moved_to, surplus, version
from hubbub.domain.change import Amend, Amended, Announce, Denied, Hide, Missing, React
from hubbub.domain.log import forget
from hubbub.domain.message import EVERYBODY, Audience, Row
from hubbub.domain.policy import CANNOT_WRITE
from hubbub.domain.reaction import is_due, waits
from hubbub.domain.reading import visible
from hubbub.domain.relation import Pair


def amend_message(state: State, change: Amend) -> Amended | Denied | Missing:
    """Change a message; what who changes it does not see is `Missing`."""
    row = state.messages.get(change.message_id)
    if row is not None and isinstance(change.do, Announce):
        return _announce(state, row, change.at)
    hiding = isinstance(change.do, Hide)
    if row is None or not visible(row, state.openings(row.chat_id, change.by, all_=hiding)):
        return Missing()
    role = state.members[row.chat_id, change.by].role
    pins = sum(other.pinned > 0 for other in state.logs[row.chat_id])
    head = state.heads[row.chat_id]
    after = amend(row, change, state.chats[row.chat_id], role, head, pins)
    if isinstance(after, Denied):
        return after
    if hiding:
        return hide(state, row, change.by)
    if after == row:
        return Amended(row, False, EVERYBODY)
    if not after.deleted_at and is_shut(state, Pair(change.by, 0, row.chat_id)):
        return CANNOT_WRITE
    if isinstance(change.do, React):
        found = _react(state, row, change, change.do)
        if not isinstance(found, Row):
            return found
        after = replace(after, reactions=found.reactions)
    if after.edited > row.edited:
        _keep_version(state, row)
    if after.deleted_at:
        state.edits.pop(row.id, None)
        forget_reactions(state, row.id)
        forget(state.known, after)
    state.amend(after)
    return amended(after, state.heads[row.chat_id], _audience(state, row))


def _react(state: State, row: Row, change: Amend, do: React) -> Row | Amended | Denied:
    """The message with its new reactions, where a position is to tell of them now."""
    reacted = react(state, row, change.by, do, change.at)
    if reacted == row:
        return Amended(row, False, EVERYBODY)
    if isinstance(reacted, Row) and waits(state.chats[row.chat_id], row, change.at):
        wait(state, reacted, change.at)
        return Amended(reacted, False, EVERYBODY, waits=True)
    return reacted


def _announce(state: State, row: Row, at: int) -> Amended:
    due = state.waiting.get(row.id)
    if due is None:
        return Amended(row, False, EVERYBODY)
    if not is_due(state.chats[row.chat_id], due, at):
        return Amended(row, False, EVERYBODY, waits=True)
    after = moved_to(row, state.heads[row.chat_id], at)
    state.amend(after)
    return amended(after, state.heads[row.chat_id], _audience(state, row))


def _keep_version(state: State, row: Row) -> None:
    kept = state.edits.setdefault(row.id, [])
    kept.append(version(row))
    drop = surplus([each.rev for each in kept])
    kept[:] = [each for each in kept if each.rev not in drop]


def _audience(state: State, row: Row) -> Audience:
    late = [m for m in state.present_members(row.chat_id) if m.since > row.seq]
    returned = [m.user_id for m in late if any(i.holds(row.seq) for i in state.stays_of(m))]
    late_ids = [m.user_id for m in late]
    return audience(state.chats[row.chat_id], late_ids, returned, hiders(state, row))
