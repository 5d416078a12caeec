"""Bodies of the REST calls, as types. `frames` has what both edges share."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from hubbub_protocol.accounts import Account as Account
from hubbub_protocol.accounts import BlockPage as BlockPage
from hubbub_protocol.accounts import ChangeMe as ChangeMe
from hubbub_protocol.accounts import ChangePrivacy as ChangePrivacy
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
    ChatId,
    InviteId,
    LogName,
    Media,
    MessageId,
    Position,
    Time,
    UserId,
)
from hubbub_protocol.messages import (
    Accepted as Accepted,
)
from hubbub_protocol.messages import (
    ChangedMessage as ChangedMessage,
)
from hubbub_protocol.messages import (
    EditMessage as EditMessage,
)
from hubbub_protocol.messages import (
    Edits as Edits,
)
from hubbub_protocol.messages import (
    EventPage as EventPage,
)
from hubbub_protocol.messages import (
    MentionPage as MentionPage,
)
from hubbub_protocol.messages import (
    MessagePage as MessagePage,
)
from hubbub_protocol.messages import (
    Pins as Pins,
)
from hubbub_protocol.messages import (
    Reaction as Reaction,
)
from hubbub_protocol.messages import (
    ReactionPage as ReactionPage,
)
from hubbub_protocol.messages import (
    Reactor as Reactor,
)
from hubbub_protocol.messages import (
    ReadDone as ReadDone,
)
from hubbub_protocol.messages import (
    Receipt as Receipt,
)
from hubbub_protocol.messages import (
    ReceiptPage as ReceiptPage,
)
from hubbub_protocol.messages import (
    Replies as Replies,
)
from hubbub_protocol.messages import (
    SendMessage as SendMessage,
)
from hubbub_protocol.messages import (
    Status as Status,
)
from hubbub_protocol.messages import (
    StoredMessage as StoredMessage,
)
from hubbub_protocol.messages import (
    ThreadPage as ThreadPage,
)
from hubbub_protocol.messages import (
    Version as Version,
)

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
    """A chat as one of its members sees it. `seq`: its newest position; `read`: his cursor.

    `number`: of its newest countable message.
    """

    id: ChatId
    chat_type: ChatType
    created_at: Time
    member_count: int
    role: Role
    seq: Position
    last_activity_at: Time
    unread: int = 0
    unread_mentions: int = 0
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
    number: Position = 0


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


# ── sync ─────────────────────────────────────────────────────────────────────────────────────


class Sync(Struct, omit_defaults=True):
    """`resume` for clients without a WebSocket. `received` moves the delivered cursors first."""

    positions: dict[LogName, Position] | None = None
    received: dict[LogName, Position] = {}
    receipts: Annotated[list[ChatId], Meta(max_length=100)] = []


class Synced(Struct):
    """The frames of the replay, in order; the last is `caught_up`."""

    frames: list[dict[str, Any]]
