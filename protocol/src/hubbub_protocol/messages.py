"""Bodies of the calls about messages; `rest` has them all."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hubbub_protocol.frames import (
    AnyMessageType,
    ChatId,
    Me,
    Media,
    Message,
    MessageId,
    MessageType,
    Position,
    Time,
    UserId,
)

Status = Literal["queued", "sent", "delivered", "read"]


class SendMessage(Struct, omit_defaults=True):
    """A message to a chat or to recipients. `client_id` may stand in Idempotency-Key instead."""

    chat_id: ChatId | None = None
    recipient_ids: list[str] | None = None
    content: str = ""
    message_type: MessageType = "text"
    media: list[Media] = []
    reply_to: MessageId | None = None
    mentions: list[str] = []
    mention_all: bool = False
    forward: MessageId | None = None
    client_id: Annotated[str, Meta(max_length=36)] | None = None


class EditMessage(Struct, omit_defaults=True):
    """What one's own message says from now on; what is left out stays."""

    content: str | None = None
    media: list[Media] | None = None
    mentions: list[str] | None = None
    mention_all: bool | None = None


class ChangedMessage(Struct):
    """The message is changed; `rev` is the position of its latest change."""

    id: MessageId
    chat_id: ChatId
    rev: Position


class Version(Struct, omit_defaults=True):
    """What a message said from `at`, and from position `rev`, until it was edited."""

    rev: Position
    at: Time
    content: str = ""
    media: list[Media] = []
    mentions: list[UserId] = []
    mention_all: bool = False


class Edits(Struct):
    """Earlier versions of a message, newest first: the first one, and at most 99 of the others."""

    message_id: MessageId
    edits: list[Version]


class Accepted(Struct):
    """The message is on stable storage (G1)."""

    id: MessageId
    created_at: Time
    chat_id: ChatId
    status: Literal["queued"] = "queued"


class Replies(Struct):
    """The replies of a thread that the caller may see, up to 1,000 of them.

    `seq` and `last_at` are those of the newest.
    """

    count: int
    seq: Position
    last_at: Time


class StoredMessage(Struct, omit_defaults=True):
    """A message with its status; for its sender the least of all recipients.

    `replies`: where it began a thread.
    """

    id: MessageId
    chat_id: ChatId
    seq: Position
    rev: Position
    number: Position
    created_at: Time
    status: Status
    sender_id: UserId | None = None
    content: str = ""
    message_type: AnyMessageType = "text"
    media: list[Media] = []
    reply_to: MessageId | None = None
    edited_at: Time | None = None
    is_deleted: bool = False
    reactions: dict[str, int] = {}
    pinned: bool = False
    system: dict[str, Any] | None = None
    client_id: str | None = None
    thread_id: MessageId | None = None
    mentions: list[UserId] = []
    mention_all: bool = False
    forwarded_from: UserId | None = None
    reacted_by: dict[str, list[UserId]] = {}
    replies: Replies | None = None


class ThreadPage(Struct, omit_defaults=True):
    """A page of the replies of a thread. `root` began it, null: the caller may not see it."""

    root: StoredMessage | None
    replies: Replies | None
    messages: list[StoredMessage]
    has_more: bool
    cursor: str | None


class MentionPage(Struct):
    """Messages of all chats that mention the caller, newest first."""

    messages: list[StoredMessage]
    has_more: bool
    cursor: str | None


class MessagePage(Struct):
    """History, newest first. `cursor` is the oldest message's id, for `before_id`."""

    messages: list[StoredMessage]
    has_more: bool
    cursor: MessageId | None


class Pins(Struct):
    """A chat's pinned messages, at most 100; those pinned last come first."""

    messages: list[StoredMessage]


class EventPage(Struct):
    """The folded log after a position, in the order of `rev`; complete up to `position`."""

    events: list[Message | Me]
    position: Position
    has_more: bool


class ReadDone(Struct):
    """The caller's read cursor is at least there."""

    status: Literal["read"] = "read"


class Receipt(Struct, omit_defaults=True):
    """When one recipient passed the message."""

    user_id: UserId
    delivered_at: Time | None = None
    read_at: Time | None = None


class ReceiptPage(Struct):
    """Counts over all recipients, and one page of them by id."""

    message_id: MessageId
    recipients: int
    delivered: int
    read: int
    receipts: list[Receipt]
    has_more: bool
    cursor: str | None


class Reaction(Struct):
    """An emoji, and when it was put there."""

    emoji: str
    at: Time


class Reactor(Struct):
    """A user, and what he has put to a message."""

    user_id: UserId
    reactions: list[Reaction]


class ReactionPage(Struct):
    """Who has reacted to a message, by id; `own`: the caller's emoji."""

    message_id: MessageId
    own: list[str]
    reactors: list[Reactor]
    has_more: bool
    cursor: str | None
