"""Who may do what in a chat: decisions from roles and counts alone.

Each answers None for yes, or a `Denied` that says why not and what to do instead. Whoever is
not a member gets no answer from here: for him there is no such chat.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from hubbub.domain.chat import Chat, Role


class Denied(Struct, frozen=True):
    """A no. `kind` is the name of the error code: how the refusal is told apart."""

    kind: Literal["forbidden", "conflict", "invalid"]
    why: str


def may_create_group(others: int, most: int) -> Denied | None:
    """A group of its creator and `others`; `most` 0 is no limit."""
    return _too_many(others + 1, most)


def may_create_direct(creator: int, others: Sequence[int], title: str | None) -> Denied | None:
    """A direct chat of its creator with exactly one other user, and no name."""
    if len(others) != 1 or others[0] == creator:
        return Denied("invalid", "A direct chat has exactly one other member; name one.")
    if title is not None:
        return Denied("invalid", "A direct chat has no title; leave it out or create a group.")
    return None


def may_add(chat: Chat, role: Role, users: int, most: int) -> Denied | None:
    """Add `users` more. Owners and admins may."""
    if chat.type == "direct":
        return _DIRECT
    if role == "member":
        return Denied("forbidden", "Only owners and admins add members; ask one of them.")
    return _too_many(chat.size + users, most)


def may_remove(chat: Chat, role: Role, other: Role) -> Denied | None:
    """Remove another member. Owners remove everybody, admins ordinary members."""
    if chat.type == "direct":
        return _DIRECT
    if role == "owner" or (role == "admin" and other == "member"):
        return None
    if role == "admin":
        return Denied("forbidden", "Admins remove ordinary members only; ask an owner.")
    return Denied("forbidden", "Only owners and admins remove members; ask one of them.")


def may_leave(chat: Chat, role: Role, owners: int) -> Denied | None:
    """Leave oneself. The last owner hands over first, unless he is the last member too."""
    if chat.type == "direct":
        return _DIRECT
    if role == "owner" and owners <= 1 and chat.size > 1:
        return Denied(
            "conflict",
            "You are the only owner of this group. Make another member an owner, then leave.",
        )
    return None


def may_change_role(
    chat: Chat, role: Role, other: Role, wanted: Role, owners: int
) -> Denied | None:
    """Give a member (`other` is his role now) the role `wanted`. Only owners may."""
    if chat.type == "direct":
        return _DIRECT
    if role != "owner":
        return Denied("forbidden", "Only owners change roles; ask one of them.")
    if other == "owner" and wanted != "owner" and owners <= 1:
        return Denied(
            "conflict",
            "A group keeps at least one owner. Make another member an owner first.",
        )
    return None


_DIRECT: Final = Denied(
    "conflict", "A direct chat keeps its two members. Create a group to talk to more people."
)


def _too_many(size: int, most: int) -> Denied | None:
    if most and size > most:
        return Denied(
            "invalid", f"A group has at most {most} members, this would be {size}; add fewer."
        )
    return None
