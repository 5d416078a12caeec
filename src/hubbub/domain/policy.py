"""Who may do what in a chat: decisions from roles and counts alone.

Each answers None for yes, or a `Denied` that says why not and what to do instead. Whoever is
not a member gets no answer from here: for him there is no such chat.
"""

from collections.abc import Sequence
from typing import Final

from hubbub.domain.change import Denied
from hubbub.domain.chat import LARGE, Chat, Role
from hubbub.domain.message import Row
from hubbub.domain.relation import MOST_BLOCKED, Relation
from hubbub.domain.settings import OWNERS, Settings, nameless

HEIRS: Final[tuple[Role, ...]] = ("admin", "member")
"""Who owns a group after its last owner: of the first of these roles that anybody has, the one
whose stay began first, of several the one with the least id. Stores follow it as they commit, so
that a group has an owner whoever leaves at the same time."""


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


def may_leave(chat: Chat) -> Denied | None:
    """Leave oneself. After the last owner another member owns the group (HEIRS)."""
    return _DIRECT if chat.type == "direct" else None


def may_change_role(chat: Chat, role: Role) -> Denied | None:
    """Give a member another role. Only owners may; that one is left, stores see to."""
    if chat.type == "direct":
        return _DIRECT
    if role != "owner":
        return Denied("forbidden", "Only owners change roles; ask one of them.")
    return None


def may_set(chat: Chat, role: Role, wanted: Settings) -> Denied | None:
    """Change settings of a group. Owners and admins may; who sees what, owners alone."""
    if chat.type == "direct":
        return Denied("conflict", "A direct chat has no settings. Create a group instead.")
    if role == "member":
        return Denied("forbidden", "Only owners and admins change a group; ask one of them.")
    if role != "owner" and (named := sorted(OWNERS & wanted.keys())):
        return Denied("forbidden", f"Only owners change {' and '.join(named)}; ask one of them.")
    return NAMELESS if nameless(chat, wanted) else None


def may_invite(chat: Chat, role: Role) -> Denied | None:
    """Make, see and end invites. Who may add members may."""
    return may_add(chat, role, 1, 0)


def may_come_in(chat: Chat, most: int, removed: bool, invited: bool | None) -> Denied | None:
    """Join a group oneself. `invited`: whether an invite is good; None: there is none.

    Who was removed comes back when an owner or admin adds him, no other way.
    """
    if invited is False or (invited and removed):
        return NO_INVITE
    if invited is None and not chat.is_open:
        return NO_GROUP
    if removed:
        return Denied("forbidden", "You were removed from this group. Ask an admin to add you.")
    if most and chat.size >= most:
        return Denied("conflict", f"The group is full: it has {chat.size} members.")
    return None


def may_post(chat: Chat, role: Role) -> Denied | None:
    """Send a message, as a member with this role."""
    if chat.posting == "admins" and role == "member":
        return Denied("forbidden", "Only owners and admins send messages to this group.")
    return None


def may_mention_all(chat: Chat, role: Role) -> Denied | None:
    """Mention everybody at once. In large groups, owners and admins may."""
    if chat.size > LARGE and role == "member":
        why = f"Above {LARGE} members only owners and admins mention everybody; name some."
        return Denied("forbidden", why)
    return None


def may_forward(row: Row) -> Denied | None:
    """Forward a message, as somebody who may see it."""
    if row.type == "system":
        return Denied("invalid", "What changed a group is nobody's message; it is not forwarded.")
    if row.deleted_at:
        return Denied("invalid", "The message was deleted; nothing is left of it to forward.")
    if row.type == "encrypted":
        why = "The server cannot copy an encrypted message: others have other keys. Send it anew."
        return Denied("invalid", why)
    return None


def wait_to_post(chat: Chat, role: Role, sent_at: int, now: int) -> int:
    """Slow mode: milliseconds until he who last sent at `sent_at` may send again. Unix ms."""
    return max(0, sent_at + chat.slow_seconds * 1000 - now) if role == "member" else 0


def may_write(relation: Relation) -> Denied | None:
    """Write to the other, or bring him into a group. Why not is nobody's business."""
    if relation.blocked or (relation.inbox == "contacts" and not relation.wrote):
        return CANNOT_WRITE
    return None


def may_block(user_id: int, other_id: int, blocked: int) -> Denied | None:
    """Block another; so many are `blocked` already."""
    if user_id == other_id:
        return Denied("invalid", "You cannot block yourself.")
    if blocked >= MOST_BLOCKED:
        why = f"You have blocked {MOST_BLOCKED} users; unblock one of them first."
        return Denied("conflict", why)
    return None


CANNOT_WRITE: Final = Denied("cannot_message", "This user takes no messages from you.")
NO_GROUP: Final = Denied("not_found", "There is no such public group. Check the chat's id.")
NO_INVITE: Final = Denied(
    "not_found", "This invite is not good, or not any more. Ask for another one."
)
LAST_OWNER: Final = Denied(
    "conflict", "A group keeps at least one owner. Make another member an owner first."
)
NAMELESS: Final = Denied(
    "invalid", "A public group is found by its title. Give it one, or make it private."
)
_DIRECT: Final = Denied(
    "conflict", "A direct chat keeps its two members. Create a group to talk to more people."
)


def _too_many(size: int, most: int) -> Denied | None:
    if most and size > most:
        return Denied(
            "invalid", f"A group has at most {most} members, this would be {size}; add fewer."
        )
    return None
