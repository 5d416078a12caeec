"""What the inside needs from the world. Every port has a contract suite in tests/contract.

Identities come in as arguments and are checked by how things are loaded: a read names the user
who reads, and finds nothing where he may not see it (None stands for both). Unless a method
says otherwise, cancelling it is safe: a change may then be committed or not.

Failures of the world are `Unavailable`; whoever called may try again later.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from hubbub.domain.account import User
from hubbub.domain.change import Change, Outcome
from hubbub.domain.chat import Chat, Found
from hubbub.domain.invite import ChatInvite, Invitation, PublicList
from hubbub.domain.message import Row
from hubbub.domain.own import MeEvent
from hubbub.domain.reading import Log, ReplayBounds
from hubbub.domain.receipt import Cursor, Passed
from hubbub.domain.recent import Excerpt
from hubbub.domain.relation import Pair, Relation, Stance
from hubbub.domain.tracing import Traced
from hubbub.domain.view import (
    ChatList,
    ChatView,
    History,
    MemberList,
    MentionList,
    MessageView,
    Places,
    ReactionList,
    ReceiptList,
    ThreadView,
    Versions,
)
from hubbub.ports.accounts import Accounts as Accounts
from hubbub.ports.accounts import Answered as Answered
from hubbub.ports.accounts import HostAccounts as HostAccounts
from hubbub.ports.accounts import HostTokens as HostTokens
from hubbub.ports.accounts import Identities as Identities
from hubbub.ports.accounts import Invites as Invites
from hubbub.ports.accounts import Passwords as Passwords
from hubbub.ports.accounts import Providers as Providers
from hubbub.ports.accounts import ServerKeys as ServerKeys
from hubbub.ports.accounts import Tokens as Tokens


class Unavailable(Exception):
    """An engine cannot do it now (disk full, not reachable): nothing was stored. Try later."""


class OutcomeUnknown(Unavailable):
    """The engine went away while it was asked: it may be stored. Repeating a commit is safe."""


# ── questions ────────────────────────────────────────────────────────────────────────────────


class Lookup(Struct, frozen=True, array_like=True):
    """A chat by id, or by `key` where chat_id is 0, for this user, and what he replies to.

    `client_id`: what he sends, to be known again where not everybody may send at any time, or
    such a thing (`guarded`), where he is no member, or does not see what he replies to.
    """

    user_id: int
    chat_id: int
    key: str | None = None
    reply_to: int = 0
    client_id: bytes | None = None
    guarded: bool = False


class ResumeFrom(Struct, frozen=True, array_like=True):
    """Places by chat id and in the own log; `positions` None: those that the server keeps."""

    user_id: int
    session_id: int
    positions: dict[int, int] | None
    me: int


class LogRead(Struct, frozen=True, array_like=True):
    """A chat's folded log after a place, for this user, at most `limit` rows.

    `bounds` None: the oldest first, as `/events` pages. Else the newest, as a replay pushes,
    with the gap named; `now` is Unix ms. user_id 0: everything, for the server's own repair.
    """

    user_id: int
    chat_id: int
    after: int
    limit: int
    bounds: ReplayBounds | None = None
    now: int = 0


class SourceRead(Struct, frozen=True, array_like=True):
    """What this user forwards; `client_id`: of the forward, None where he gave none."""

    user_id: int
    message_id: int
    client_id: bytes | None


class PassedRead(Struct, frozen=True, array_like=True):
    """Whose messages lie in (before, after] of a chat, newest of each author."""

    chat_id: int
    reader_id: int
    before: int
    after: int


class ReceiptCount(Struct, frozen=True, array_like=True):
    """Members of a large chat that passed its newest countable message `seq`, as is told.

    All 0 where there is none.
    """

    chat_id: int
    seq: int
    delivered: int
    read: int
    author_id: int


class CursorState(Struct, frozen=True, array_like=True):
    """Another member's cursors, and the newest messages of the asking user that they passed."""

    chat_id: int
    user_id: int
    cursor: Cursor
    delivered: Passed | None
    read: Passed | None
    delivered_at: int
    read_at: int

    @property
    def unread(self) -> "CursorState":
        """As it is told where nobody is to know what was read."""
        return replace(self, cursor=self.cursor.unread, read=None, read_at=0)


# ── ports ────────────────────────────────────────────────────────────────────────────────────


class ChatStore(Protocol):
    """Chats, members, messages and cursors: the message path. Lists in, lists out, same order."""

    async def commit(self, changes: Sequence[Change]) -> list[Outcome]:
        """All of them in one durable transaction, in this order (G1).

        Raises Unavailable, or OutcomeUnknown: then nothing or all is stored. Repeating the list is
        safe, since posts are known again by sender and client_id, system messages and posts
        without one by their id, and cursors only move forward.
        """
        ...

    async def find(self, lookups: Sequence[Lookup]) -> list[Found | None]:
        """The chats; None where there is none."""
        ...

    async def places(self, readers: Sequence[ResumeFrom]) -> list[Places]:
        """What changed since each reader's places; the cost follows what changed (G4)."""
        ...

    async def logs(self, reads: Sequence[LogRead]) -> list[Log | None]:
        """Folded logs; None where the user is not a member now."""
        ...

    async def passed(self, reads: Sequence[PassedRead]) -> list[list[Passed]]:
        """The authors who hear of an advance: those who are members now."""
        ...

    async def counts(self, chat_ids: Sequence[int]) -> list[ReceiptCount]:
        """Receipt counts of the newest message of each chat."""
        ...

    async def waiting(self, limit: int) -> list[tuple[int, int]]:
        """Messages whose reactions wait for a position, and when it is due (Unix ms), in order."""
        ...


class Changes(Protocol):
    """The one queue in front of the store: how actions change chats."""

    async def do(self, change: Change) -> Outcome:
        """Commit the change, and tell those who are connected of it.

        Raises Refused: `overloaded` when the queue is full, `unavailable` when the store does
        not answer; the outcome is then unknown.
        """
        ...


class OneChat(Protocol):
    """Views of one chat for one user. None: there is no such thing for him.

    What somebody has read is told only where both he and the user show that (`Privacy.silent`):
    else it is as if he had read nothing.
    """

    async def chat(self, user_id: int, chat_id: int) -> ChatView | None:
        """One chat."""
        ...

    async def members(
        self, user_id: int, chat_id: int, after: int, limit: int
    ) -> MemberList | None:
        """Present members with ids above `after`."""
        ...

    async def history(
        self, user_id: int, chat_id: int, direction: str, anchor: int, limit: int
    ) -> History | None:
        """Messages `before`, `after` or `around` the message `anchor` (0: the newest)."""
        ...


class ChatReader(OneChat, Protocol):
    """The same of all his chats, and of what is in them."""

    async def chats(self, user_id: int, before: tuple[int, int] | None, limit: int) -> ChatList:
        """His chats by last activity, those after the cursor `before`."""
        ...

    async def message(self, user_id: int, message_id: int) -> MessageView | None:
        """One message."""
        ...

    async def receipts(
        self, user_id: int, message_id: int, after: int, limit: int
    ) -> ReceiptList | None:
        """Who passed the message, recipients with ids above `after`."""
        ...

    async def cursors(self, user_id: int, chat_ids: Sequence[int]) -> list[CursorState]:
        """The other members' cursors in those of his chats that are not large."""
        ...


class Excerpts(Protocol):
    """What a node reads to have it in memory."""

    async def excerpts(self, chat_ids: Sequence[int]) -> list[Excerpt]:
        """Those of the chats that are there and not large, in any order. Raises Unavailable."""
        ...


class MessageReader(Protocol):
    """What became of messages, for one user. None: there is no such thing for him."""

    async def versions(self, user_id: int, message_id: int) -> Versions | None:
        """A message and what it said before it was edited."""
        ...

    async def pins(self, user_id: int, chat_id: int) -> History | None:
        """The pinned messages of a chat, those pinned last first."""
        ...

    async def reactions(
        self, user_id: int, message_id: int, after: int, limit: int
    ) -> ReactionList | None:
        """Who has reacted to a message, users with ids above `after`."""
        ...


class Referring(Protocol):
    """What leads from one message to others, for one user. None: there is no such thing for him."""

    async def thread(
        self, user_id: int, message_id: int, newest_first: bool, place: int, limit: int
    ) -> ThreadView | None:
        """The thread that the message began or belongs to.

        Replies beyond the position `place`, in their order; 0: from the beginning, or the end.
        """
        ...

    async def mentions(
        self, user_id: int, before: tuple[int, int, int] | None, limit: int
    ) -> MentionList:
        """Messages that named him while he was there, those after the cursor `before`."""
        ...

    async def sources(self, reads: Sequence[SourceRead]) -> list[Row | None]:
        """What forwards copy, in the same order; None: he may not see it.

        What was forwarded already under this client_id is as it was copied then (G2).
        """
        ...


class Joining(Protocol):
    """How people come into groups by themselves: public groups, and invites."""

    async def public_chats(
        self, text: str, before: tuple[int, int] | None, limit: int
    ) -> PublicList:
        """Public groups with the text in title or description, those after the cursor `before`."""
        ...

    async def public_chat(self, chat_id: int) -> Chat | None:
        """One public group."""
        ...

    async def add_chat_invite(self, invite: ChatInvite) -> bool:
        """Store an invite. False: the group has too many. Repeating it is safe."""
        ...

    async def chat_invites(self, chat_id: int) -> list[ChatInvite]:
        """A group's invites, newest first: those that can be used, and some that no longer can."""
        ...

    async def end_chat_invite(self, chat_id: int, invite_id: int) -> None:
        """Nobody comes in by it from now on."""
        ...

    async def invitation(self, code_hash: bytes, user_id: int, now: int) -> Invitation | None:
        """What the invite leads this user to; None where it does not let him in.

        To a member it still says so when it is used up: by himself, as it may be.
        """
        ...


class Operating(Protocol):
    """What whoever looks after the server may see of everybody: never what was said."""

    async def trace(self, message_id: int, after: int, limit: int) -> Traced | None:
        """A message, and those who were ever in its chat, with ids above `after`, by id."""
        ...


class Relations(Protocol):
    """What there is between users."""

    async def relations(self, pairs: Sequence[Pair]) -> list[Relation | None]:
        """Of each pair; None: there is no such user, or no such direct chat of his."""
        ...

    async def stance(self, user_id: int) -> Stance:
        """How he stands to others; PLAIN where there is no such user."""
        ...

    async def blocked(self, user_id: int, after: int, limit: int) -> list[User]:
        """Whom he has blocked, those with ids above `after`, by id."""
        ...


class OwnLog(Protocol):
    """The user's own log, by pages."""

    async def me(self, user_id: int, after: int, limit: int) -> tuple[list[MeEvent], int]:
        """Folded events after the position in order, and up to where they are complete."""
        ...


class Clock(Protocol):
    """Time. Simulations turn it."""

    def now_ms(self) -> int:
        """Unix milliseconds, for what is stored and shown."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for durations."""
        ...
