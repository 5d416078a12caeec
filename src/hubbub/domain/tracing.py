"""Why somebody has a message or not: the answer to whoever looks after the server."""

from typing import Any, Literal

from msgspec import Struct

from hubbub.domain.chat import History, Interval

Fate = Literal[
    "read", "delivered", "not_member", "in_history", "left", "offline", "blocked", "behind", "sent"
]


class Sight(Struct, frozen=True):
    """What this process sees of a user: connections; which take nothing, which re-read."""

    connections: int
    blocked: int
    behind: int


class TracedMember(Struct, frozen=True, array_like=True):
    """Somebody who is or was in the chat, with his cursors, and when he passed the message.

    Times are Unix ms, None: not passed, or no longer known.
    """

    user_id: int
    username: str
    display_name: str
    stays: list[Interval]
    delivered: int
    read: int
    delivered_at: int | None
    read_at: int | None


class Traced(Struct, frozen=True, array_like=True):
    """A message without what it says, and a page of everybody who was ever in its chat.

    `head`: where the chat's log ends. The sender is not among the members.
    """

    id: int
    chat_id: int
    sender_id: int
    seq: int
    number: int
    at: int
    type: str
    history: History
    head: int
    members: list[TracedMember]
    has_more: bool


def fate(traced: Traced, member: TracedMember, sight: Sight) -> tuple[Fate, str]:
    """What became of the message for this member, and a sentence that says why."""
    present = bool(member.stays) and member.stays[-1].left is None
    if not any(stay.holds(traced.seq) for stay in member.stays):
        return _stranger(traced, member, present)
    if member.read >= traced.seq:
        return "read", "has read it"
    if member.delivered >= traced.seq:
        return "delivered", "has it, and has not read it"
    if not present:
        return "left", f"left at position {member.stays[-1].left}, before it had reached them"
    return _on_the_way(traced, member, sight)


def _stranger(traced: Traced, member: TracedMember, present: bool) -> tuple[Fate, str]:
    stays = ", ".join(
        f"{stay.since} to {'now' if stay.left is None else stay.left - 1}" for stay in member.stays
    )
    if present and traced.history == "all":
        return "in_history", f"came later (positions {stays}), and finds it in the open history"
    return "not_member", f"was not a member at position {traced.seq}, only from {stays}"


def _on_the_way(traced: Traced, member: TracedMember, sight: Sight) -> tuple[Fate, str]:
    so_far = f"has everything up to position {member.delivered} of {traced.head}"
    if not sight.connections:
        return "offline", f"is not connected; it waits for their return ({so_far})"
    if sight.blocked == sight.connections:
        return "blocked", f"is connected, and takes nothing of what is written ({so_far})"
    if sight.behind:
        return "behind", f"is connected, and still reading what came before ({so_far})"
    return "sent", f"is connected and was sent it; their client has not said so ({so_far})"


class Connected(Struct, frozen=True):
    """A connection of the user: `unread_bytes` were written and not taken, `behind` are logs."""

    session_id: int
    blocked: bool
    catching_up: bool
    unread_bytes: int
    behind: int


class Heard(Struct, frozen=True):
    """What a tail heard since it was asked last; `dropped` more did not fit."""

    number: int
    frames: list[dict[str, Any]]
    dropped: int
    connections: list[Connected]
