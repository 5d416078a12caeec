"""The user's own log: what it tells of, one type a kind, and what is told there alone.

The latest event of a thing replaces earlier ones, since each is kept on the row that it speaks of,
with its position there (`me_rev`).
"""

from collections.abc import Iterable

from msgspec import Struct

from hubbub.domain.chat import Role
from hubbub.domain.relation import Privacy, Stance

# ── events ───────────────────────────────────────────────────────────────────────────────────


class _MeEvent(Struct, frozen=True, gc=False, array_like=True, tag_field="kind"):
    """What all share: whose log it is, and the position there."""

    user_id: int
    rev: int


class MyChat(_MeEvent, frozen=True, gc=False, array_like=True, tag="chat"):
    """His membership, its whole state; `present` False: he is a member no more.

    `muted_until`: Unix ms, 0: it is not muted.
    """

    chat_id: int
    present: bool
    role: Role
    since: int
    read: int
    unread: int
    muted_until: int = 0
    unread_mentions: int = 0


class MySettings(_MeEvent, frozen=True, gc=False, array_like=True, tag="settings"):
    """What he has set for himself, all of it."""

    privacy: Privacy
    display_name: str


class MyBlock(_MeEvent, frozen=True, gc=False, array_like=True, tag="block"):
    """He has blocked another user, or does not any more. `chat_id`: their direct chat, 0: none."""

    other_id: int
    blocked: bool
    chat_id: int


class MyHidden(_MeEvent, frozen=True, gc=False, array_like=True, tag="hidden"):
    """He has taken away a message from himself, for good: `seq` is its place in the chat."""

    chat_id: int
    message_id: int
    seq: int


MeEvent = MyChat | MySettings | MyBlock | MyHidden
"""An event of a user's own log: a union of all kinds."""


def newcomers(events: Iterable[MyChat], seq: int) -> list[int]:
    """Of those whom a change at position `seq` concerned, who came in by it."""
    return [e.user_id for e in events if e.present and e.since == seq]


# ── changes, and their outcome ───────────────────────────────────────────────────────────────


class Mute(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="mute"):
    """A member does not want to be disturbed by a chat `until` then (Unix ms); 0: any more."""

    chat_id: int
    user_id: int
    until: int


class SetMe(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="set_me"):
    """Gives some of a user's switches, by the names of `Privacy`, other values; or another name."""

    user_id: int
    wanted: dict[str, bool | str]
    display_name: str | None = None


class SetBlock(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="block"):
    """A user blocks another, or does not any more."""

    user_id: int
    other_id: int
    blocked: bool


class Told(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="told"):
    """The user's own log tells of it. None: it is as it was before.

    `stance`: how he stands to others now, where it is that what has changed.
    """

    me: MeEvent | None
    stance: Stance | None = None
