"""Reactions in dictionaries."""

from msgspec.structs import replace

from hubbub.adapters.memory.state import State
from hubbub.domain.change import Denied, React
from hubbub.domain.message import Row
from hubbub.domain.reaction import due_at, may_react, tallied
from hubbub.domain.view import ReactionList, Reactor


def react(state: State, row: Row, by: int, do: React, at: int) -> Row | Denied:
    """The message with the reaction, or without it; the same where that is so already."""
    key = (row.id, by, do.emoji)
    if (key in state.reactions) == do.on:
        return row
    if do.on and (denied := may_react(row, do.emoji, len(_own(state, row.id, by)))) is not None:
        return denied
    if do.on:
        state.reactions[key] = at
    else:
        del state.reactions[key]
    users = sorted(u for m, u, emoji in state.reactions if (m, emoji) == (row.id, do.emoji))
    return replace(row, reactions=tallied(row.reactions, do.emoji, do.on, users))


def forget_reactions(state: State, message_id: int) -> None:
    """The message was deleted."""
    for key in [key for key in state.reactions if key[0] == message_id]:
        del state.reactions[key]


def wait(state: State, row: Row, at: int) -> None:
    """What the message has now waits for a position."""
    state.replace_row(row)
    state.waiting.setdefault(row.id, due_at(row, at))


def reaction_list(
    state: State, user_id: int, message_id: int, after: int, limit: int
) -> ReactionList:
    """Who has reacted to a message that the user sees."""
    found: dict[int, list[tuple[str, int]]] = {}
    for (message, user, emoji), at in sorted(state.reactions.items()):
        if message == message_id and user > after:
            found.setdefault(user, []).append((emoji, at))
    page = [Reactor(user, his) for user, his in found.items()]
    return ReactionList(_own(state, message_id, user_id), page[:limit], len(page) > limit)


def _own(state: State, message_id: int, user_id: int) -> list[str]:
    return sorted(e for m, user, e in state.reactions if (m, user) == (message_id, user_id))
