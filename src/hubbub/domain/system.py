"""What a `system` message says: structured fields, for clients to word in their language."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from hubbub.domain.settings import Settings
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


def member_joined(user_id: int, invited_by: int | None) -> dict[str, Any]:
    """A user came in by himself, through somebody's invite or because the group is public."""
    said = {"kind": "member_joined", "user_id": ids.text("user", user_id)}
    if invited_by is not None:
        said["invited_by"] = ids.text("user", invited_by)
    return said


def member_left(by: int, user_id: int, heir: int | None) -> dict[str, Any]:
    """A user left by himself, or was removed by another; `heir` is the owner after him."""
    said: dict[str, Any] = {"kind": "member_left", "user_id": ids.text("user", user_id)}
    if by != user_id:
        said = {**said, "kind": "member_removed", "by": ids.text("user", by)}
    if heir is not None:
        said["owner"] = ids.text("user", heir)
    return said


def chat_changed(by: int, settings: Settings) -> dict[str, Any]:
    """Settings of the group have these values now."""
    said: dict[str, Any] = {"kind": "chat_changed", "by": ids.text("user", by), **settings}
    picture = settings.get("picture")
    if "picture" in said:
        said["picture"] = (
            msgspec.json.decode(picture) if isinstance(picture, str) and picture else None
        )
    return said


def role_changed(by: int, user_id: int, role: str) -> dict[str, Any]:
    """A member got another role."""
    return {
        "kind": "role_changed",
        "by": ids.text("user", by),
        "user_id": ids.text("user", user_id),
        "role": role,
    }
