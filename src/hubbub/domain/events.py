"""What happened, for whoever is connected: crosses the bus, which may lose, repeat, reorder."""

from msgspec import Struct

from hubbub.domain.message import EVERYBODY, Audience, Row
from hubbub.domain.own import MeEvent
from hubbub.domain.relation import Stance


class _Event(Struct, frozen=True, gc=False, array_like=True, tag_field="event"):
    """What all events share: how they cross the bus."""


class RowEvent(_Event, frozen=True, gc=False, array_like=True, tag="row"):
    """A chat's log has a new position. `members`: who were members there; empty if large.

    `audience`: who of them may see it, where it is a change of an earlier message.
    """

    row: Row
    members: tuple[int, ...]
    large: bool
    audience: Audience = EVERYBODY


class OwnEvent(_Event, frozen=True, gc=False, array_like=True, tag="own"):
    """A user's own log has a new position."""

    me: MeEvent


class ReceiptEvent(
    Struct, frozen=True, gc=False, array_like=True, tag_field="event", tag="receipt"
):
    """A member passed an author's message, up to `seq`. `read`: read it, else received it."""

    chat_id: int
    author_id: int
    message_id: int
    seq: int
    member_id: int
    read: bool
    at: int


class CountsEvent(_Event, frozen=True, gc=False, array_like=True, tag="counts"):
    """How many passed the newest message of a large chat, for its author.

    Of all cursors that the process `origin` has moved; those of others it does not know. Not
    `sure`: it has not counted them all. `author_id` and `seq` are 0 where it does not know which
    message that is.
    """

    chat_id: int
    author_id: int
    seq: int
    delivered: int
    read: int
    origin: int = 0
    sure: bool = False


class TypingEvent(_Event, frozen=True, gc=False, array_like=True, tag="typing"):
    """A member types. `members` as in RowEvent; `hidden_from`: whom he has blocked."""

    chat_id: int
    user_id: int
    is_typing: bool
    members: tuple[int, ...]
    large: bool
    hidden_from: frozenset[int] = frozenset()


class PresenceEvent(_Event, frozen=True, gc=False, array_like=True, tag="presence"):
    """A user is here, or is gone since `at` (Unix ms)."""

    user_id: int
    online: bool
    at: int


class StanceEvent(_Event, frozen=True, gc=False, array_like=True, tag="stance"):
    """A user stands to others in another way than before."""

    user_id: int
    stance: Stance


class RevokedEvent(_Event, frozen=True, gc=False, array_like=True, tag="revoked"):
    """A session was ended."""

    session_id: int


class UnsureEvent(_Event, frozen=True, gc=False, array_like=True, tag="unsure"):
    """A commit may be stored, or not, and nobody is told of what it held: posts and cursors of
    `chats`, members and settings of those that are `changed`, how `users` stand to others and what
    they have hidden from themselves, changes of `messages`.
    """

    chats: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()
    users: tuple[int, ...] = ()
    messages: tuple[int, ...] = ()


class AwayEvent(_Event, frozen=True, gc=False, array_like=True, tag="away"):
    """The store does not answer a node, which asks whether it answers others."""


class ReachedEvent(_Event, frozen=True, gc=False, array_like=True, tag="reached"):
    """It has just answered one."""


class JoinedLarge(
    Struct, frozen=True, gc=False, array_like=True, tag_field="event", tag="joined_large"
):
    """These users see a large chat from position `since` on; they hear of it from `rev` on."""

    chat_id: int
    users: tuple[int, ...]
    since: int
    rev: int


class LeftLarge(
    Struct, frozen=True, gc=False, array_like=True, tag_field="event", tag="left_large"
):
    """This user left a large chat; user_id 0: the chat is large no more."""

    chat_id: int
    user_id: int


Event = (
    RowEvent
    | OwnEvent
    | ReceiptEvent
    | CountsEvent
    | TypingEvent
    | PresenceEvent
    | StanceEvent
    | RevokedEvent
    | UnsureEvent
    | AwayEvent
    | ReachedEvent
    | JoinedLarge
    | LeftLarge
)
