"""The frames of a WebSocket, as types: one object each, told apart by `type` (spec section 4).

Unknown fields are ignored; a field at its default is left out on the wire. The same types are
encoded as JSON and as MessagePack (`codec`), served by REST, and written to
`spec/frames.schema.json`.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from hubbub_protocol import ids


def _id(kind: ids.Kind) -> Meta:
    # Only for schemas: `ids.parse` checks at the edge, ten times faster than a pattern.
    return Meta(extra_json_schema={"pattern": ids.pattern(kind)})


UserId = Annotated[str, _id("user")]
SessionId = Annotated[str, _id("session")]
ChatId = Annotated[str, _id("chat")]
MessageId = Annotated[str, _id("msg")]
InviteId = Annotated[str, _id("invite")]
MediaId = Annotated[str, _id("media")]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Position = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Ref = Annotated[str, Meta(max_length=64, description="the client's own name for what it asks")]
LogName = Annotated[str, Meta(description="a chat's id, or \"me\" for the user's own log")]
MeKind = Annotated[str, Meta(examples=["chat"])]
MessageType = Literal["text", "image", "video", "audio", "file", "encrypted"]
AnyMessageType = Literal["text", "image", "video", "audio", "file", "encrypted", "system"]

Emoji = Annotated[str, Meta(max_length=64, description="one emoji", examples=["👍"])]
DeleteFor = Literal["everyone", "me"]

ME: Final = "me"
MAX_RECEIPTS: Final = 100


class Media(Struct, frozen=True, gc=False, omit_defaults=True):
    """A medium of a message: a link with its type, or an uploaded `media_id`."""

    type: Literal["image", "video", "audio", "file"] | None = None
    url: Annotated[str, Meta(max_length=2048)] | None = None
    media_id: MediaId | None = None


# ── client → server ──────────────────────────────────────────────────────────────────────────


class Auth(Struct, frozen=True, gc=False, tag="auth"):
    """Signs in, or renews the token of an open connection. Answer: `welcome`."""

    token: Annotated[str, Meta(max_length=8192)]


class Resume(Struct, frozen=True, gc=False, tag="resume", omit_defaults=True):
    """Asks for what happened since these positions, then for live frames.

    Without `positions`: from the session's own place. `more`: another part follows.
    `receipts`: chats whose members' cursors the client wants to hear again.
    """

    positions: dict[LogName, Position] | None = None
    more: bool = False
    receipts: Annotated[list[ChatId], Meta(max_length=MAX_RECEIPTS)] = []


class Send(Struct, frozen=True, gc=False, tag="send", omit_defaults=True):
    """Sends a message. Answer: `ack`, or `error` with `ref` = client_id.

    `mentions`: users whom it concerns, `mention_all`: everybody. `forward`: the message to copy,
    instead of a content.
    """

    client_id: Annotated[str, Meta(max_length=36)]
    chat_id: ChatId | None = None
    recipient_ids: list[str] | None = None
    content: str = ""
    message_type: MessageType = "text"
    media: list[Media] = []
    reply_to: MessageId | None = None
    mentions: list[str] = []
    mention_all: bool = False
    forward: MessageId | None = None


class Edit(Struct, frozen=True, gc=False, tag="edit", omit_defaults=True):
    """Changes what one's own message says; what is left out stays. Answer: `ack` or `error`."""

    message_id: MessageId
    content: str | None = None
    media: list[Media] | None = None
    mentions: list[str] | None = None
    mention_all: bool | None = None
    ref: Ref | None = None


class Delete(
    Struct, frozen=True, gc=False, tag="delete", omit_defaults=True, rename={"for_": "for"}
):
    """Takes a message away from everyone; its place stays. Or from the user alone (`me`).

    Answer: `ack` or `error`.
    """

    message_id: MessageId
    for_: DeleteFor = "everyone"
    ref: Ref | None = None


class Pin(Struct, frozen=True, gc=False, tag="pin", omit_defaults=True):
    """Pins a message in its chat, or with `pinned` false no more. Answer: `ack` or `error`."""

    message_id: MessageId
    pinned: bool = True
    ref: Ref | None = None


class React(Struct, frozen=True, gc=False, tag="react", omit_defaults=True):
    """Puts an emoji to a message, or with `on` false takes it away. Answer: `ack` or `error`."""

    message_id: MessageId
    emoji: Emoji
    on: bool = True
    ref: Ref | None = None


ChangeFrame = Edit | Delete | Pin | React
"""Changes of stored messages."""


class Received(Struct, frozen=True, gc=False, tag="received", omit_defaults=True):
    """This client has everything up to `seq` (any position, cumulative)."""

    chat_id: LogName | None = None
    seq: Position | None = None
    positions: dict[LogName, Position] | None = None


class Read(Struct, frozen=True, gc=False, tag="read", omit_defaults=True):
    """The user has read everything up to `seq`, or up to that message."""

    chat_id: ChatId | None = None
    seq: Position | None = None
    message_id: MessageId | None = None


class Typing(Struct, frozen=True, gc=False, tag="typing", omit_defaults=True):
    """The user types, or stopped. From the server with `user_id`; expires after 6 s."""

    chat_id: ChatId
    user_id: UserId | None = None
    is_typing: bool = True


class Focus(Struct, frozen=True, gc=False, tag="focus"):
    """Which chats are on the screen."""

    chat_ids: Annotated[list[ChatId], Meta(max_length=50)]


ClientFrame = Auth | Resume | Send | ChangeFrame | Received | Read | Typing | Focus


# ── server → client ──────────────────────────────────────────────────────────────────────────


class Limits(Struct, frozen=True):
    """What the server takes: bytes, counts."""

    content_bytes: int
    frame_bytes: int
    media: int
    recipients: int
    mentions: int = 50


class Welcome(Struct, frozen=True, gc=False, tag="welcome"):
    """Signed in. `heartbeat`: seconds between the server's pings."""

    user_id: UserId
    session_id: SessionId
    server_time: Time
    heartbeat: float
    limits: Limits


class Ack(Struct, frozen=True, gc=False, tag="ack"):
    """On stable storage (G1): the send with this `client_id`, or the change with this `ref`.

    `rev`: the position of the message's latest change.
    """

    id: MessageId
    chat_id: ChatId
    created_at: Time
    status: Literal["queued"] = "queued"
    client_id: str | UnsetType = UNSET
    ref: Ref | UnsetType = UNSET
    rev: Position | UnsetType = UNSET


class Message(Struct, frozen=True, gc=False, tag="message", omit_defaults=True):
    """A message in its latest state. `rev` = `seq` until it is changed.

    `thread_id`: of a reply, the message that began its thread. `forwarded_from`: who wrote what
    was forwarded. `reactions`: how many have reacted with each emoji; `reacted_by`: who, where
    they are no more than ten.
    """

    id: MessageId
    chat_id: ChatId
    seq: Position
    rev: Position
    number: Position
    created_at: Time
    sender_id: UserId | None = None
    recipient_ids: list[UserId] = []
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


class Privacy(Struct, frozen=True, gc=False):
    """What a user shows: what he has read, when he was last here; he sees of others only that.

    `inbox` says who may begin to write to him; contacts are those to whom he has written.
    """

    read_receipts: bool
    last_seen: bool
    inbox: Literal["everyone", "contacts"]


class Me(Struct, frozen=True, gc=False, tag="me", omit_defaults=True):
    """One event of the user's own log. A client passes over kinds that it does not know.

    kind `chat`: the whole state of his membership in `chat_id`: whether he is a member, from
    which position he sees it, up to where he has read, and until when he has muted it.
    kind `settings`: what he has set for himself, all of it. kind `block`: whether he has blocked
    the user `user_id`. kind `hidden`: he has deleted a message for himself, which lies at `seq`.
    """

    rev: Position
    kind: MeKind
    chat_id: ChatId | None = None
    member: bool = True
    role: Literal["owner", "admin", "member"] = "member"
    joined_seq: Position = 0
    read: Position = 0
    unread: Position = 0
    muted_until: Time | None = None
    unread_mentions: int = 0
    privacy: Privacy | None = None
    display_name: str | None = None
    user_id: UserId | None = None
    blocked: bool = True
    message_id: MessageId | None = None
    seq: Position = 0


class DeliveryReceipt(Struct, frozen=True, gc=False, tag="delivery_receipt"):
    """`delivered_to` has everything in the chat up to `seq`, the author's `message_id`."""

    chat_id: ChatId
    message_id: MessageId
    seq: Position
    delivered_to: UserId
    at: Time


class ReadReceipt(Struct, frozen=True, gc=False, tag="read_receipt"):
    """`read_by` has read everything in the chat up to `seq`, the author's `message_id`."""

    chat_id: ChatId
    message_id: MessageId
    seq: Position
    read_by: UserId
    at: Time


class ReceiptCounts(Struct, frozen=True, gc=False, tag="receipt_counts"):
    """How many members have passed the newest message `seq`; for groups over 256."""

    chat_id: ChatId
    seq: Position
    delivered: int
    read: int


class Presence(Struct, frozen=True, gc=False, tag="presence", omit_defaults=True):
    """Whether a user is here, to who focuses on the direct chat with him.

    `last_seen_at` is of who is offline, where it is known and may be.
    """

    user_id: UserId
    status: Literal["online", "offline"]
    last_seen_at: Time | None = None


class Skip(Struct, frozen=True, gc=False, tag="skip", rename={"from_": "from"}):
    """Positions `from`..`to` (inclusive) hold nothing that this user may see."""

    chat_id: LogName
    from_: Position
    to: Position


class Gap(Struct, frozen=True, gc=False, tag="gap", rename={"from_": "from"}):
    """Positions `from`..`to` (inclusive) are not pushed: read them from `/events` when wanted."""

    chat_id: LogName
    from_: Position
    to: Position


class CaughtUp(Struct, frozen=True, gc=False, tag="caught_up"):
    """The replay is complete up to these positions; what follows is live."""

    positions: dict[LogName, Position]


class TokenExpiring(Struct, frozen=True, gc=False, tag="token_expiring"):
    """The token ends at this time; without a new `auth` the connection closes with 4401."""

    expires_at: Time


class Error(Struct, frozen=True, gc=False, tag="error", omit_defaults=True):
    """Something was refused. `retry_after`: seconds.

    `ref`: the client_id of a send, the ref of a change.
    """

    code: str
    message: str
    ref: str | None = None
    retry_after: float | None = None


ServerFrame = (
    Welcome
    | Ack
    | Message
    | Me
    | DeliveryReceipt
    | ReadReceipt
    | ReceiptCounts
    | Typing
    | Presence
    | Skip
    | Gap
    | CaughtUp
    | TokenExpiring
    | Error
)
