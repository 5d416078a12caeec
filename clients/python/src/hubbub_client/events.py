"""What an application hears, as a closed union of frozen values."""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from hubbub_client.settings import Settings
from hubbub_protocol.frames import Message, Privacy
from hubbub_protocol.rest import Role, Status


class State(StrEnum):
    """Where the connection stands."""

    CONNECTING = "connecting"
    AUTHENTICATING = "authenticating"
    RESUMING = "resuming"
    LIVE = "live"
    WAITING = "waiting"
    RENEWING = "renewing"
    CLOSED = "closed"


class ConnectionChanged(Struct, frozen=True):
    """The connection's new state, with a sentence for people. `retry_in`: seconds."""

    state: State
    text: str
    retry_in: float | None = None


class MessageArrived(Struct, frozen=True):
    """A message that was not known before, in its latest state."""

    message: Message


class MessageChanged(Struct, frozen=True):
    """The latest state of a message that lies before the place: edited, deleted, reacted to."""

    message: Message


class MessageHidden(Struct, frozen=True):
    """The user has deleted a message for himself, here or in another session: it is not held."""

    chat_id: str
    message_id: str
    seq: int


class MessageAccepted(Struct, frozen=True):
    """The server stored a message of the outbox (G1)."""

    client_id: str
    id: str
    chat_id: str
    created_at: str


class SendFailed(Struct, frozen=True):
    """The server refused a message of the outbox for good."""

    client_id: str
    code: str
    message: str


class Ticked(Struct, frozen=True):
    """These own messages reached this status. `seq`: the newest one's."""

    chat_id: str
    message_ids: tuple[str, ...]
    seq: int
    status: Status


class CursorMoved(Struct, frozen=True):
    """Another member has got, or with `read` read, everything in the chat up to `seq`.

    `Ticked` tells what follows for own messages in the window; `Client.status` answers for others.
    """

    chat_id: str
    user_id: str
    seq: int
    read: bool


class ReceiptsCounted(Struct, frozen=True):
    """In a group over 256: how many members have passed the newest message `seq`."""

    chat_id: str
    seq: int
    delivered: int
    read: int


class TypingChanged(Struct, frozen=True):
    """Somebody types, or stopped (also after 6 s of silence)."""

    chat_id: str
    user_id: str
    is_typing: bool


class PresenceChanged(Struct, frozen=True):
    """Whether somebody is here who is the peer of a direct chat on the screen (`Client.focus`).

    `last_seen_at` is told of who is offline, where it is known and may be.
    """

    user_id: str
    status: Literal["online", "offline"]
    last_seen_at: str | None = None


class ChatAdded(Struct, frozen=True):
    """The user is a member of a chat that was not known before."""

    chat_id: str
    role: Role = "member"


class ChatRemoved(Struct, frozen=True):
    """The user is no member any more; the chat and what was held of it are forgotten."""

    chat_id: str


class SettingsChanged(Struct, frozen=True):
    """A group's title or other settings are known now, or have changed."""

    chat_id: str
    settings: Settings


class MuteChanged(Struct, frozen=True):
    """The user does not want to be disturbed by a chat before this time; None: does not mind."""

    chat_id: str
    muted_until: str | None


class AccountChanged(Struct, frozen=True):
    """What the user is called or shows of himself was changed, here or in another session; all of
    it.
    """

    privacy: Privacy
    display_name: str


class BlockChanged(Struct, frozen=True):
    """The user has blocked another, or does not any more, here or in another session."""

    user_id: str
    blocked: bool


class ReadMoved(Struct, frozen=True):
    """The user's own read cursor moved, here or in another session."""

    chat_id: str
    read: int
    unread: int
    unread_mentions: int = 0


class GapFound(Struct, frozen=True):
    """Positions `first`..`last` were not pushed; `Client.missed` reads them when wanted.

    Messages older than `last` are no longer held in memory, since they may have changed.
    """

    chat_id: str
    first: int
    last: int


class ServerComplained(Struct, frozen=True):
    """The server refused something that was not a message, for instance a `read`."""

    code: str
    message: str


Event = (
    ConnectionChanged
    | MessageArrived
    | MessageChanged
    | MessageHidden
    | MessageAccepted
    | SendFailed
    | Ticked
    | CursorMoved
    | ReceiptsCounted
    | TypingChanged
    | PresenceChanged
    | ChatAdded
    | ChatRemoved
    | SettingsChanged
    | MuteChanged
    | AccountChanged
    | BlockChanged
    | ReadMoved
    | GapFound
    | ServerComplained
)
