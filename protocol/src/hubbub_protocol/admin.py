"""Answers of the calls for who looks after the server (spec section 3.6)."""

from typing import Any, Literal

from msgspec import Struct

from hubbub_protocol.frames import ChatId, MessageId, Position, SessionId, Time, UserId

Fate = Literal[
    "read", "delivered", "not_member", "in_history", "left", "offline", "blocked", "behind", "sent"
]


class TraceRecipient(Struct, omit_defaults=True):
    """What became of the message for one user; `why` is a sentence."""

    user_id: UserId
    username: str
    display_name: str
    fate: Fate
    why: str
    connections: int
    delivered_at: Time | None = None
    read_at: Time | None = None


class Trace(Struct):
    """A message without what it says. `head`: where its chat's log ends now."""

    message_id: MessageId
    chat_id: ChatId
    sender_id: UserId | None
    message_type: str
    seq: Position
    number: Position
    head: Position
    history: Literal["joined", "all"]
    accepted_at: Time
    node: int
    recipients: list[TraceRecipient]
    has_more: bool
    cursor: str | None


class TailConnection(Struct):
    """A connection: whether it takes nothing or re-reads, bytes it did not take, logs behind."""

    session_id: SessionId
    blocked: bool
    catching_up: bool
    unread_bytes: int
    behind: int


class TailChat(Struct):
    """How far the user is in a chat: where its log ends, both cursors, unread messages."""

    chat_id: ChatId
    seq: Position
    delivered: Position
    read: Position
    unread: int


class Tail(Struct):
    """What a user is pushed, without what is said. `chats` come with the first answer alone."""

    user_id: UserId
    connections: list[TailConnection]
    chats: list[TailChat]
    frames: list[dict[str, Any]]
    dropped: int
    cursor: str
