"""The user's own log in dictionaries, and what it alone tells."""

from hubbub.adapters.memory.hidden import hidden_log
from hubbub.adapters.memory.relations import stance_log
from hubbub.adapters.memory.state import State
from hubbub.domain.change import Missing
from hubbub.domain.own import MeEvent, Mute, Told


def own_log(state: State, user_id: int, after: int) -> list[MeEvent]:
    """The user's own log after a position, folded: each thing once, at its latest."""
    chats = [m for (_, user), m in state.members.items() if user == user_id and m.me_rev > after]
    events: list[MeEvent] = [state.me_event(member) for member in chats]
    events += stance_log(state, user_id, after)
    events += hidden_log(state, user_id, after)
    return sorted(events, key=lambda event: event.rev)


def mute(state: State, change: Mute) -> Told | Missing:
    """Mute a chat for one of its members."""
    member = state.present(change.chat_id, change.user_id)
    if member is None:
        return Missing()
    if member.muted_until == change.until:
        return Told(None)
    return Told(state.tell(state.change(member, muted_until=change.until)))
