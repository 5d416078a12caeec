"""What can be done to chats, as values: each change is committed whole or not at all.

A store takes a list of changes, commits them in one transaction in that order, and answers
with one outcome each. Everything here crosses a process boundary, so it is small and flat.
"""

from typing import Literal

from msgspec import Struct

from hubbub.domain.chat import ChatType, Head, History, Role
from hubbub.domain.message import Audience, Row
from hubbub.domain.own import Mute, MyChat, MyHidden, SetBlock, SetMe, Told
from hubbub.domain.settings import Settings


class NewChat(Struct, frozen=True, gc=False, array_like=True):
    """A chat to make, with up to a thousand members; `key` finds it again if it is there."""

    id: int
    type: ChatType
    key: str | None
    title: str | None
    history: History
    creator: int
    members: tuple[int, ...]


class Post(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="post"):
    """A message to append to `chat_id`, or to `new_chat`, which is made when it is not there.

    `client_id` are the UUID's 16 bytes, None where the sender gave none; `media` is JSON,
    empty where there is none; `at` is Unix ms. `thread_id` is the message that began the thread
    of a reply, 0 for others; `extra` as in the module `extra`. `changes`: of the chat when this was
    permitted (`Head.changes`); -1 where nobody but the server that permits it changes chats.
    """

    id: int
    chat_id: int
    new_chat: NewChat | None
    sender_id: int
    client_id: bytes | None
    at: int
    type: str
    content: str
    media: bytes
    reply_to: int
    thread_id: int = 0
    extra: bytes = b""
    changes: int = -1


class Fill(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="fill"):
    """More first members of a group that `Create` has just made: no position is taken.

    A group of 100,000 is made in slices, so that no commit holds up the messages of others.
    """

    chat_id: int
    members: tuple[int, ...]
    at: int


class Create(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="create"):
    """A chat without a message yet: a named group, or a direct chat found again by its key."""

    chat: NewChat
    at: int


class Enrol(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="enrol"):
    """Adds users to a group; `id` names the system message that says so."""

    id: int
    chat_id: int
    by: int
    users: tuple[int, ...]
    at: int


class Leave(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="leave"):
    """Ends a user's stay, by himself or by somebody else."""

    id: int
    chat_id: int
    by: int
    user_id: int
    at: int


class SetRole(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="role"):
    """Gives a member another role."""

    id: int
    chat_id: int
    by: int
    user_id: int
    role: Role
    at: int


class Join(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="join"):
    """A user comes into a group by himself: `invite` is the hash of a code, empty for a public one.

    `most`: members that a group may have, 0 is no limit.
    """

    id: int
    chat_id: int
    by: int
    invite: bytes
    most: int
    at: int


class SetChat(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="set"):
    """Gives settings of a group other values."""

    id: int
    chat_id: int
    by: int
    settings: Settings
    at: int


class Edit(Struct, frozen=True, gc=False, array_like=True, tag_field="do", tag="edit"):
    """Other content, media (JSON) or mentions; None: as it is. `since`: not of older messages
    (Unix ms).
    """

    content: str | None
    media: bytes | None
    since: int = 0
    mentions: tuple[int, ...] | None = None
    mention_all: bool | None = None


class Erase(Struct, frozen=True, gc=False, array_like=True, tag_field="do", tag="erase"):
    """Takes a message away from everybody; its place stays."""


class Pin(Struct, frozen=True, gc=False, array_like=True, tag_field="do", tag="pin"):
    """Pins a message in its chat, or not any more."""

    pinned: bool


class Hide(Struct, frozen=True, gc=False, array_like=True, tag_field="do", tag="hide"):
    """Takes a message away from him alone who asks: his own log tells, the chat's does not."""


class React(Struct, frozen=True, gc=False, array_like=True, tag_field="do", tag="react"):
    """Puts an emoji to a message, or takes one's own away."""

    emoji: str
    on: bool


class Announce(Struct, frozen=True, gc=False, array_like=True, tag_field="do", tag="announce"):
    """Takes the position that tells of reactions which wait for one; the server asks, no user."""


Amendment = Edit | Erase | Pin | Hide | React | Announce


class Amend(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="amend"):
    """Changes a stored message: the chat's next position is its new `rev`, unless it is hidden.

    Whatever is so already takes no position, so an amendment may be repeated.
    """

    message_id: int
    by: int
    do: Amendment
    at: int


class Advance(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="advance"):
    """Moves a member's cursors forward, and his session's place where the server keeps it."""

    chat_id: int
    user_id: int
    session_id: int
    delivered: int
    read: int
    at: int


class PlaceMe(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="place_me"):
    """Moves a session's place in the user's own log forward."""

    session_id: int
    user_id: int
    rev: int


class Seen(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="seen"):
    """When users were last seen: (user, Unix ms). It only moves forward."""

    users: tuple[tuple[int, int], ...]


GroupChange = Enrol | Join | Leave | SetRole | SetChat
"""What a system message tells of."""
Change = (
    Post | Fill | Create | GroupChange | Amend | Advance | PlaceMe | Mute | SetMe | SetBlock | Seen
)


# ── outcomes ─────────────────────────────────────────────────────────────────────────────────


class Made(Struct, frozen=True, gc=False, array_like=True):
    """A chat that this change made (or found by its key), as the sender needs it."""

    chat_id: int
    type: ChatType
    size: int
    members: tuple[int, ...]
    events: list[MyChat]


class Posted(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="posted"):
    """The message is stored. `duplicate`: it was already; these are the earlier values.

    `read_before`: the sender's read cursor until now. Sending moved it, so he has read what lies
    between. `silent`: he tells nobody so.
    """

    id: int
    chat_id: int
    seq: int
    number: int
    at: int
    read_before: int = 0
    duplicate: bool = False
    made: Made | None = None
    silent: bool = False


class Mismatch(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="mismatch"):
    """Another content was sent under this client_id before: nothing was stored."""


class Stale(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="stale"):
    """The chat has changed since the post was permitted: nothing was stored. To be asked anew."""

    chat_id: int


class Missing(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="missing"):
    """The chat, or the member in it, is not there: nothing was stored."""


class Denied(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="denied"):
    """A no: nothing was stored. `kind` is the name of the error code, `why` says what to do."""

    kind: Literal["forbidden", "cannot_message", "conflict", "invalid", "not_found"]
    why: str


class Created(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="created"):
    """The chat is there. `made.events` is empty where it was there before."""

    made: Made


Seats = tuple[tuple[int, int], ...]
"""Members of a group, and the position at which the stay of each began."""


class Filled(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="filled"):
    """This slice of members is in; `size` is the group's new size, `seq` where its log ends.

    `seats` as in Logged.
    """

    size: int
    seq: int
    events: list[MyChat]
    seats: Seats = ()


class Placed(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="placed"):
    """It is stored, and concerns nobody else: a session's place, when users were seen."""


class Logged(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="logged"):
    """A system message took a position; `system` is its JSON, empty if nothing changed.

    `seats`: of a group that became large by it, all members and since when they see it.
    """

    id: int
    chat_id: int
    head: Head
    size: int
    by: int
    system: bytes
    events: list[MyChat]
    seats: Seats = ()


class Amended(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="amended"):
    """The message as it is now. Not `changed`: it was so already, and took no position.

    `told`: what the own log tells of it to him who has changed it. `waits`: reactions wait for the
    position that tells of them. `changes`: of the chat now, where it is `changed`.
    """

    row: Row
    changed: bool
    audience: Audience
    told: tuple[MyHidden | MyChat, ...] = ()
    waits: bool = False
    changes: int = 0


class Advanced(Struct, frozen=True, gc=False, array_like=True, tag_field="op", tag="advanced"):
    """Cursors before and after; equal where nothing moved. `me`: his own log's event of a read.

    `silent`: he tells nobody what he has read, only that it has arrived.
    """

    chat_id: int
    user_id: int
    delivered_before: int
    delivered: int
    read_before: int
    read: int
    at: int
    me: MyChat | None
    silent: bool = False


Outcome = (
    Posted
    | Mismatch
    | Stale
    | Missing
    | Denied
    | Created
    | Filled
    | Logged
    | Amended
    | Advanced
    | Placed
    | Told
)
