"""The user's own log in dictionaries."""

from hubbub.adapters.memory.state import State
from hubbub.domain.own import MeEvent


def own_log(state: State, user_id: int, after: int) -> list[MeEvent]:
    """The user's own log after a position, folded: each thing once, at its latest."""
    chats = [m for (_, user), m in state.members.items() if user == user_id and m.me_rev > after]
    events: list[MeEvent] = [state.me_event(member) for member in chats]
    return sorted(events, key=lambda event: event.rev)
