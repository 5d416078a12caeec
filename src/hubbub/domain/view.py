"""What reads give back: chats, members and messages as one member may see them."""

from msgspec import Struct
from msgspec.structs import replace

from hubbub.domain.account import User
from hubbub.domain.chat import Chat, Head, Member, Role
from hubbub.domain.message import Row, Version
from hubbub.domain.own import MeEvent
from hubbub.domain.receipt import Cursor
from hubbub.domain.relation import PLAIN, Stance


class ChatView(Struct, frozen=True, array_like=True):
    """A chat as this member sees it.

    `others`: the least cursors of all other members (chats up to LARGE; else zero).
    `peer`: the other user of a direct chat. `last`: the newest visible message.
    `unread_mentions`: of this member, up to COUNTED. `hidden`: of his unread messages those that
    he has hidden from himself.
    """

    chat: Chat
    head: Head
    member: Member
    others: Cursor
    peer: User | None
    last: Row | None
    unread_mentions: int = 0
    hidden: int = 0


class ChatList(Struct, frozen=True, array_like=True):
    """Chats by last activity, newest first; `cursor` = (at, chat id) of the last one."""

    chats: list[ChatView]
    has_more: bool
    cursor: tuple[int, int] | None


class MemberView(Struct, frozen=True, array_like=True):
    """A member, who he is, and the message at his read cursor (0: none)."""

    user: User
    member: Member
    last_read_id: int

    @property
    def unread(self) -> "MemberView":
        """As it is told where nobody is to know what was read."""
        return MemberView(self.user, replace(self.member, read=0), 0)


class MemberList(Struct, frozen=True, array_like=True):
    """Present members by user id."""

    members: list[MemberView]
    has_more: bool


class Replies(Struct, frozen=True, array_like=True):
    """What a reader may see of the replies to a message: how many, up to COUNTED.

    `seq` and `at` (Unix ms) are those of the newest.
    """

    count: int
    seq: int
    at: int


class History(Struct, frozen=True, array_like=True):
    """Messages, newest first, with what their status follows from: all others, and the reader.

    `has_more`: there are more in the direction asked for; `around`: older ones. `replies`: of
    those of the messages that began a thread, by their ids.
    """

    rows: list[Row]
    has_more: bool
    others: Cursor
    own: Cursor = Cursor(0, 0)
    replies: dict[int, Replies] = {}


class MessageView(Struct, frozen=True, array_like=True):
    """One message that the reader may see; `replies` where it began a thread."""

    row: Row
    others: Cursor
    own: Cursor = Cursor(0, 0)
    replies: Replies | None = None


class ThreadView(Struct, frozen=True, array_like=True):
    """A thread as its reader may see it: a page of the replies, in the order asked for.

    `root` None: he may not see the message that began it.
    """

    root: Row | None
    rows: list[Row]
    has_more: bool
    others: Cursor
    own: Cursor
    replies: Replies | None


class Mention(Struct, frozen=True, array_like=True):
    """A message that mentions the reader, and how far he is in its chat."""

    row: Row
    own: Cursor
    replies: Replies | None


class MentionList(Struct, frozen=True, array_like=True):
    """Mentions, newest first; `cursor` = (at, chat id, seq) of the last one where more follow."""

    mentions: list[Mention]
    cursor: tuple[int, int, int] | None


class Versions(Struct, frozen=True, array_like=True):
    """A message that the reader may see, with his role in its chat, and what it said before.

    `earlier`: those of its versions that he may see (G6), newest first.
    """

    row: Row
    chat: Chat
    role: Role
    earlier: list[Version]


class Reactor(Struct, frozen=True, array_like=True):
    """A user, and the emoji that he has put to a message, each with when (Unix ms)."""

    user_id: int
    reactions: list[tuple[str, int]]


class ReactionList(Struct, frozen=True, array_like=True):
    """The reader's own emoji at a message, and a page of users by id."""

    own: list[str]
    page: list[Reactor]
    has_more: bool


class RecipientView(Struct, frozen=True, array_like=True):
    """When a recipient passed the message, Unix ms; None: not yet, or it is not told."""

    user_id: int
    delivered_at: int | None
    read_at: int | None

    @property
    def unread(self) -> "RecipientView":
        """As it is told where nobody is to know what was read."""
        return RecipientView(self.user_id, self.delivered_at, None)


class ReceiptList(Struct, frozen=True, array_like=True):
    """Counts over all recipients, and a page of them by user id."""

    recipients: int
    delivered: int
    read: int
    page: list[RecipientView]
    has_more: bool


class Place(Struct, frozen=True, array_like=True):
    """Where a reader is in a chat's log, and where the log ends.

    `since`: where the stay begins that he is known to be in.
    """

    chat_id: int
    place: int
    head: int
    at: int
    large: bool
    since: int


class Places(Struct, frozen=True, array_like=True):
    """All that a resume needs before it reads a log.

    `changed`: chats whose head is beyond the reader's place, by last activity.
    `heads`: where the log ends of every chat that he is in. `large`: the large ones among them,
    and from which position he sees them. `me`: his own log after `me_place`, folded,
    complete up to `me_head`. `stance`: how he stands to others then.
    """

    changed: list[Place]
    heads: dict[int, int]
    large: dict[int, int]
    me: list[MeEvent]
    me_place: int
    me_head: int
    stance: Stance = PLAIN
