"""The user's own log: what it tells of, one type a kind. The latest event of a thing replaces
earlier ones, since each is kept on the row that it speaks of (`me_rev`).
"""

from msgspec import Struct

from hubbub.domain.chat import Role


class _MeEvent(Struct, frozen=True, gc=False, array_like=True, tag_field="kind"):
    """What all share: whose log it is, and the position there."""

    user_id: int
    rev: int


class MyChat(_MeEvent, frozen=True, gc=False, array_like=True, tag="chat"):
    """His membership, its whole state; `present` False: he is a member no more."""

    chat_id: int
    present: bool
    role: Role
    since: int
    read: int
    unread: int


MeEvent = MyChat
"""An event of a user's own log: a union of all kinds."""
