"""What the store of chats knows, in plain dictionaries, and the few steps that change it."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from msgspec.structs import replace

from hubbub.domain.account import User
from hubbub.domain.amend import moved
from hubbub.domain.chat import Chat, Head, Interval, Member, Role
from hubbub.domain.extra import mentions, unpack
from hubbub.domain.invite import ChatInvite
from hubbub.domain.log import Dedupe
from hubbub.domain.message import Row, Version
from hubbub.domain.own import MyChat, MyHidden
from hubbub.domain.reading import COUNTED, openings
from hubbub.domain.receipt import Cursor
from hubbub.domain.relation import Privacy


@dataclass
class Session:
    """A sign-in and its places: of its own where the user has several."""

    user_id: int
    own_places: bool
    me_place: int = 0
    places: dict[int, int] = field(default_factory=dict)


@dataclass
class State:
    """Everything. A member's `stays` are those that ended before he came back.

    `privacy` and `blocks` (whether a user has blocked another) are with their place in the own log.
    `hidden`: of each user, by message. `reactions`: when, by message, user and emoji; `waiting`:
    messages where some wait for a position, and when it is due.
    """

    users: dict[int, User] = field(default_factory=dict)
    me_heads: dict[int, int] = field(default_factory=dict)
    last_seen: dict[int, int] = field(default_factory=dict)
    privacy: dict[int, tuple[int, Privacy]] = field(default_factory=dict)
    blocks: dict[tuple[int, int], tuple[int, bool]] = field(default_factory=dict)
    hidden: dict[int, dict[int, MyHidden]] = field(default_factory=dict)
    sessions: dict[int, Session] = field(default_factory=dict)
    chats: dict[int, Chat] = field(default_factory=dict)
    heads: dict[int, Head] = field(default_factory=dict)
    members: dict[tuple[int, int], Member] = field(default_factory=dict)
    removed: set[tuple[int, int]] = field(default_factory=set)
    invites: dict[bytes, ChatInvite] = field(default_factory=dict)
    received: dict[tuple[int, int], int] = field(default_factory=dict)
    sent_at: dict[tuple[int, int], int] = field(default_factory=dict)
    stays: dict[tuple[int, int], list[Interval]] = field(default_factory=dict)
    logs: dict[int, list[Row]] = field(default_factory=dict)
    messages: dict[int, Row] = field(default_factory=dict)
    known: dict[Dedupe, Row] = field(default_factory=dict)
    edits: dict[int, list[Version]] = field(default_factory=dict)
    reactions: dict[tuple[int, int, str], int] = field(default_factory=dict)
    waiting: dict[int, int] = field(default_factory=dict)
    marks: dict[tuple[int, int, int], list[tuple[int, int]]] = field(default_factory=dict)

    def add_user(self, user: User) -> None:
        """A user, with an empty log of his own."""
        self.users[user.id] = user
        self.me_heads[user.id] = 0

    def add_session(self, session_id: int, user_id: int, own_places: bool) -> None:
        """A session; `own_places` where the user has several."""
        self.sessions[session_id] = Session(user_id, own_places)

    def name(self, user_id: int) -> str:
        """What the user is called."""
        return self.users[user_id].display_name if user_id in self.users else ""

    def silent(self, user_id: int) -> bool:
        """Whether the user tells nobody what he has read."""
        return user_id in self.privacy and self.privacy[user_id][1].silent

    def next_me(self, user_id: int) -> int:
        """The next position of the user's own log."""
        self.me_heads[user_id] += 1
        return self.me_heads[user_id]

    def present(self, chat_id: int, user_id: int) -> Member | None:
        """A member who is one now."""
        member = self.members.get((chat_id, user_id))
        return member if member is not None and member.present else None

    def present_members(self, chat_id: int) -> list[Member]:
        """All members now, by user id."""
        found = [m for (chat, _), m in self.members.items() if chat == chat_id and m.present]
        return sorted(found, key=lambda m: m.user_id)

    def first_members(self, chat_id: int) -> set[int]:
        """Whom a chat was made for."""
        members = [m for (chat, _), m in self.members.items() if chat == chat_id]
        return {m.user_id for m in members if self.stays_of(m)[0].since == 1}

    def stays_of(self, member: Member) -> list[Interval]:
        """All his stays, oldest first."""
        earlier = self.stays.get((member.chat_id, member.user_id), [])
        return [*earlier, Interval(member.since, member.left)]

    def openings(self, chat_id: int, user_id: int, all_: bool = False) -> list[Interval]:
        """The positions that the user may see; none where he is not a member.

        `all_`: those too that he has hidden from himself.
        """
        member = self.members.get((chat_id, user_id))
        if member is None:
            return []
        hidden = [] if all_ else self.hidden_in(chat_id, user_id)
        return openings(self.chats[chat_id], self.stays_of(member), hidden)

    def hidden_in(self, chat_id: int, user_id: int) -> list[int]:
        """Where the messages of a chat lie that the user has hidden from himself, in order."""
        his = self.hidden.get(user_id, {}).values()
        return sorted(me.seq for me in his if me.chat_id == chat_id)

    def join(self, chat_id: int, user_id: int, role: Role, since: int, at: int) -> MyChat:
        """A stay begins at position `since`."""
        key = (chat_id, user_id)
        before = self.members.get(key)
        if before is not None:
            self.stays.setdefault(key, []).append(Interval(before.since, before.left))
        start = since - 1
        number = self.number_at(chat_id, start)
        rev = self.next_me(user_id)
        self.members[key] = Member(
            chat_id, user_id, role, since, None, at, start, start, number, rev
        )
        self.received[key] = start
        self.removed.discard(key)
        for session in self.sessions.values():
            if session.user_id == user_id:
                session.places.pop(chat_id, None)
        return self.me_event(self.members[key])

    def change(self, member: Member, **fields: object) -> Member:
        """The member with other fields."""
        changed = replace(member, **fields)
        self.members[member.chat_id, member.user_id] = changed
        return changed

    def tell(self, member: Member) -> MyChat:
        """His own log speaks of him in this chat."""
        return self.me_event(self.change(member, me_rev=self.next_me(member.user_id)))

    def me_event(self, member: Member) -> MyChat:
        """His membership as his own log tells it."""
        return MyChat(
            member.user_id,
            member.me_rev,
            member.chat_id,
            member.present,
            member.role,
            member.since,
            member.read if member.present else 0,
            self.unread(member),
            member.muted_until if member.present else 0,
            self.unread_mentions(member),
        )

    def unread(self, member: Member) -> int:
        """How many messages he has not read, without those that he has hidden."""
        if not member.present:
            return 0
        return self.heads[member.chat_id].number - member.read_number - self.unread_hidden(member)

    def unread_hidden(self, member: Member) -> int:
        """How many he has hidden of those that he has not read."""
        hidden = self.hidden_in(member.chat_id, member.user_id)
        return sum(seq > member.read for seq in hidden)

    def unread_mentions(self, member: Member) -> int:
        """How many of them mention him."""
        if not member.present:
            return 0
        named = [
            row
            for row in self.logs[member.chat_id]
            if row.seq > member.read
            and row.id not in self.hidden.get(member.user_id, {})
            and mentions(row.extra, member.user_id)
            # Who was no member when he sent it may not have read it, where he named everybody.
            and (row.sender_id != member.user_id or unpack(row.extra).mention_all)
        ]
        return min(COUNTED, len(named))

    def number_at(self, chat_id: int, position: int) -> int:
        """The number of the newest message up to a position."""
        newest = self.newest(chat_id, position)
        return newest.number if newest is not None else 0

    def newest(self, chat_id: int, position: int) -> Row | None:
        """The newest message up to a position: not every position is one's."""
        log = self.logs[chat_id]
        index = bisect_right(log, position, key=lambda row: row.seq)
        return log[index - 1] if index else None

    def store(self, row: Row) -> None:
        """The next message of its chat."""
        self.logs[row.chat_id].append(row)
        self.messages[row.id] = row

    def amend(self, row: Row) -> None:
        """A message as it is now: its `rev` is the chat's newest position."""
        self.replace_row(row)
        self.heads[row.chat_id] = moved(self.heads[row.chat_id], row)
        self.waiting.pop(row.id, None)

    def replace_row(self, row: Row) -> None:
        """A message as it is now, at the position that it has."""
        log = self.logs[row.chat_id]
        log[bisect_left(log, row.seq, key=lambda other: other.seq)] = row
        self.messages[row.id] = row

    def resize(self, chat_id: int, by: int) -> int:
        """Another size; no member set finds the group any more."""
        chat = self.chats[chat_id]
        self.chats[chat_id] = replace(chat, size=chat.size + by, key=None)
        return chat.size + by

    def others(self, chat_id: int, user_id: int) -> Cursor:
        """The least cursors of all other members now, as they are told; zero without any."""
        others = [m for m in self.present_members(chat_id) if m.user_id != user_id]
        delivered = min((m.delivered for m in others), default=0)
        if self.silent(user_id):
            return Cursor(delivered, 0)
        read = [0 if self.silent(m.user_id) else m.read for m in others]
        return Cursor(delivered, min(read, default=0))
