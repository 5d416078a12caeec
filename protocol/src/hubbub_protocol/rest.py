"""Bodies of the REST calls, as types. `frames` has what both edges share."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from hubbub_protocol.accounts import Exchange as Exchange
from hubbub_protocol.accounts import Invite as Invite
from hubbub_protocol.accounts import Login as Login
from hubbub_protocol.accounts import NamedUser as NamedUser
from hubbub_protocol.accounts import Provider as Provider
from hubbub_protocol.accounts import Providers as Providers
from hubbub_protocol.accounts import PutUser as PutUser
from hubbub_protocol.accounts import PutUsers as PutUsers
from hubbub_protocol.accounts import Refresh as Refresh
from hubbub_protocol.accounts import Register as Register
from hubbub_protocol.accounts import Session as Session
from hubbub_protocol.accounts import Sessions as Sessions
from hubbub_protocol.accounts import SignedIn as SignedIn
from hubbub_protocol.accounts import User as User
from hubbub_protocol.accounts import UserPage as UserPage
from hubbub_protocol.frames import (
    AnyMessageType,
    ChatId,
    InviteId,
    LogName,
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
Role = Literal["owner", "admin", "member"]
ChatType = Literal["direct", "group"]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Description = Annotated[str, Meta(max_length=1000)]
SlowSeconds = Annotated[int, Meta(ge=0, le=86_400)]
Posting = Literal["all", "admins"]
Visibility = Literal["private", "public"]


class Problem(Struct, omit_defaults=True):
    """An RFC 9457 problem document. `retry_after` is in seconds."""

    title: str
    status: int
    code: str
    detail: str
    type: str = "about:blank"
    retry_after: float | None = None
    request_id: str | None = None


# ── chats ────────────────────────────────────────────────────────────────────────────────────


class CreateChat(Struct, omit_defaults=True):
    """A named group, or with chat_type `direct` (`1to1`) and one member the direct chat."""

    chat_type: Literal["group", "direct", "1to1"] = "group"
    title: Title | None = None
    member_ids: Annotated[list[str], Meta(max_length=100_000)] = []
    history: Literal["joined", "all"] = "joined"


class ChangeChat(Struct, omit_defaults=True):
    """Settings of a group; what is left out stays as it is, null takes away.

    `posting`: who sends messages. `slow_seconds` lie between two messages of an ordinary member.
    """

    title: Title | UnsetType | None = UNSET
    description: Description | UnsetType = UNSET
    picture: Media | UnsetType | None = UNSET
    posting: Posting | UnsetType = UNSET
    slow_seconds: SlowSeconds | UnsetType = UNSET
    history: Literal["joined", "all"] | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET


class Receipts(Struct, omit_defaults=True):
    """How far all other members are: the least delivered and read positions among them."""

    delivered: Position = 0
    read: Position = 0


class Chat(Struct, omit_defaults=True):
    """A chat as one of its members sees it. `seq`: its newest position; `read`: his cursor."""

    id: ChatId
    chat_type: ChatType
    created_at: Time
    member_count: int
    role: Role
    seq: Position
    last_activity_at: Time
    unread: int = 0
    read: Position = 0
    joined_seq: Position = 0
    muted_until: Time | None = None
    title: str | None = None
    history: Literal["joined", "all"] = "joined"
    description: str = ""
    picture: Media | None = None
    posting: Posting = "all"
    slow_seconds: int = 0
    visibility: Visibility = "private"
    peer: User | None = None
    last_message: "StoredMessage | None" = None
    receipts: Receipts | None = None


class ChatPage(Struct):
    """Chats by last activity, newest first."""

    chats: list[Chat]
    has_more: bool
    cursor: str | None


class Member(Struct, omit_defaults=True):
    """A member of a chat and how far he is."""

    user: User
    role: Role
    joined_at: Time
    delivered: Position = 0
    read: Position = 0
    last_read_message_id: MessageId | None = None


class MemberPage(Struct):
    """Members in the order of their ids."""

    members: list[Member]
    has_more: bool
    cursor: str | None


class AddMembers(Struct):
    """Users to add to a group."""

    member_ids: Annotated[list[str], Meta(min_length=1, max_length=1000)]


class ChangeMember(Struct):
    """A member's new role."""

    role: Role


# ── coming in oneself ────────────────────────────────────────────────────────────────────────


class PublicChat(Struct, omit_defaults=True):
    """A public group, as it shows itself to who is not in it."""

    id: ChatId
    title: str
    member_count: int
    description: str = ""
    picture: Media | None = None


class PublicChatPage(Struct):
    """Public groups, the largest first. A page may be short where a search finds few."""

    chats: list[PublicChat]
    has_more: bool
    cursor: str | None


class CreateChatInvite(Struct, omit_defaults=True):
    """`expires_in` seconds, null: never. `max_uses`: people who may come in, null: any number."""

    expires_in: Annotated[int, Meta(ge=1, le=366 * 86_400)] | None = 7 * 86_400
    max_uses: Annotated[int, Meta(ge=1, le=100_000)] | None = None


class ChatInvite(Struct, omit_defaults=True):
    """An invite into a group, without its code, which nobody keeps."""

    id: InviteId
    created_by: UserId
    created_at: Time
    uses: int
    expires_at: Time | None = None
    max_uses: int | None = None


class NewChatInvite(Struct):
    """An invite and its code: this is the only time that it is told."""

    invite: ChatInvite
    code: str
    url: str


class ChatInvites(Struct):
    """A group's invites, newest first; at most 100."""

    invites: list[ChatInvite]


class InviteCode(Struct):
    """The code of an invite into a group."""

    code: Annotated[str, Meta(max_length=128)]


class Invitation(Struct, omit_defaults=True):
    """Where an invite leads: nothing more is told before one is in."""

    member_count: int
    invited_by: User
    title: str | None = None


class Mute(Struct):
    """Until when the user does not want to be disturbed by a chat; null: he does not mind."""

    until: Time | None


class Changed(Struct):
    """The position that the change took in the chat's log."""

    chat_id: ChatId
    seq: Position


# ── messages ─────────────────────────────────────────────────────────────────────────────────


class SendMessage(Struct, omit_defaults=True):
    """A message to a chat or to recipients. `client_id` may stand in Idempotency-Key instead."""

    chat_id: ChatId | None = None
    recipient_ids: list[str] | None = None
    content: str = ""
    message_type: MessageType = "text"
    media: list[Media] = []
    reply_to: MessageId | None = None
    client_id: Annotated[str, Meta(max_length=36)] | None = None


class EditMessage(Struct, omit_defaults=True):
    """What one's own message says from now on; what is left out stays."""

    content: str | None = None
    media: list[Media] | None = None


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


class StoredMessage(Struct, omit_defaults=True):
    """A message with its status; for its sender the least of all recipients."""

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


# ── sync ─────────────────────────────────────────────────────────────────────────────────────


class Sync(Struct, omit_defaults=True):
    """`resume` for clients without a WebSocket. `received` moves the delivered cursors first."""

    positions: dict[LogName, Position] | None = None
    received: dict[LogName, Position] = {}
    receipts: Annotated[list[ChatId], Meta(max_length=100)] = []


class Synced(Struct):
    """The frames of the replay, in order; the last is `caught_up`."""

    frames: list[dict[str, Any]]
