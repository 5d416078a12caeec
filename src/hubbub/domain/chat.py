"""Chats, members and what is known of them: plain values.

A chat is a log with dense positions. A membership is one stay [since, left) of positions; a
user who comes back has several. Sizes: above `LARGE` members a chat's receipts, typing and
routing change shape (spec section 6).
"""

from typing import Final, Literal

from msgspec import Struct

LARGE: Final = 256
"""Chats with more members than this are large: routed by subscription, receipts as counts."""

NAMED: Final = 32
"""Messages name their recipients in chats up to this size."""

ChatType = Literal["direct", "group"]
Role = Literal["owner", "admin", "member"]
History = Literal["joined", "all"]
Posting = Literal["all", "admins"]
Visibility = Literal["private", "public"]


class Head(Struct, array_like=True):
    """The end of a chat's log: newest position, newest number, newest time (Unix ms).

    `mentioned`: no position beyond it mentions anybody.
    """

    seq: int = 0
    number: int = 0
    at: int = 0
    mentioned: int = 0

    @property
    def changes(self) -> int:
        """Positions that are no messages. While it is the same, members and settings are."""
        return self.seq - self.number


class Chat(Struct, frozen=True, array_like=True):
    """What does not change with every message. `key` finds a direct or ad-hoc chat again.

    `picture` is a medium as JSON, empty where there is none. `posting`: who may send.
    `slow_seconds`: what lies at least between two messages of an ordinary member; 0: nothing.
    """

    id: int
    type: ChatType
    key: str | None
    title: str | None
    history: History
    created_at: int
    size: int
    description: str = ""
    picture: str = ""
    posting: Posting = "all"
    slow_seconds: int = 0
    visibility: Visibility = "private"

    @property
    def free(self) -> bool:
        """Whether every member may send at any time."""
        return self.posting == "all" and not self.slow_seconds

    @property
    def is_open(self) -> bool:
        """Whether everybody may come in. Where nobody is left nobody could own it."""
        return self.visibility == "public" and self.size > 0


class Interval(Struct, frozen=True, array_like=True):
    """Positions from `since` up to, not including, `left` (None: still there)."""

    since: int
    left: int | None = None

    def holds(self, position: int) -> bool:
        """Whether the position lies inside."""
        return self.since <= position and (self.left is None or position < self.left)


class Member(Struct, frozen=True, array_like=True):
    """A user in a chat: his latest stay, his cursors, and when his own log last spoke of it.

    `muted_until`: Unix ms, 0: he has not muted it.
    """

    chat_id: int
    user_id: int
    role: Role
    since: int
    left: int | None
    joined_at: int
    delivered: int
    read: int
    read_number: int
    me_rev: int
    muted_until: int = 0

    @property
    def present(self) -> bool:
        """Whether he is a member now."""
        return self.left is None


class Found(Struct, frozen=True, array_like=True):
    """Answer to a look-up before a send: the chat, its people, and the sender's place in it.

    `members` is filled for chats up to `LARGE`; `role` is None for who is not a member now.
    `thread_id`: the thread of the message to be replied to, if it is one that he may see here.
    `sent_at`: when he last sent one here, in Unix ms (0: never). `known`: the message that is to
    be sent is stored in this chat already. `open`: in a direct chat, whether both may write to the
    other as far as people say themselves; `shut`: whether he may not.
    """

    chat: Chat
    head: Head
    members: tuple[int, ...]
    role: Role | None
    thread_id: int
    sent_at: int = 0
    known: bool = False
    open: bool = True
    shut: bool = False

    @property
    def free(self) -> bool:
        """Whether every member may send at any time."""
        return self.chat.free and self.open


def outgrew(size: int, joined: int) -> bool:
    """Whether a group became large when so many joined, after which it has this size."""
    return size - joined <= LARGE < size


def direct_key(first: int, second: int) -> str:
    """The key under which the one direct chat of two users is unique."""
    return f"d:{min(first, second)}:{max(first, second)}"


def group_key(members: frozenset[int]) -> str:
    """The key under which the ad-hoc group of exactly these users is unique."""
    return "g:" + ":".join(map(str, sorted(members)))
