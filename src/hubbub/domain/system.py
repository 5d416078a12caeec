"""What a `system` message says: structured fields, for clients to word in their language."""

from collections.abc import Sequence
from typing import Any, Final

from hubbub_protocol import ids

NAMED: Final = 100
"""Most users that one system message names; `count` is exact."""


def members_added(by: int, users: Sequence[int]) -> dict[str, Any]:
    """Users came into the group."""
    return {
        "kind": "members_added",
        "by": ids.text("user", by),
        "user_ids": [ids.text("user", u) for u in users[:NAMED]],
        "count": len(users),
    }


def member_left(by: int, user_id: int) -> dict[str, Any]:
    """A user left by himself, or was removed by another."""
    if by == user_id:
        return {"kind": "member_left", "user_id": ids.text("user", user_id)}
    return {
        "kind": "member_removed",
        "by": ids.text("user", by),
        "user_id": ids.text("user", user_id),
    }


def role_changed(by: int, user_id: int, role: str) -> dict[str, Any]:
    """A member got another role."""
    return {
        "kind": "role_changed",
        "by": ids.text("user", by),
        "user_id": ids.text("user", user_id),
        "role": role,
    }
