"""The store of chats in dictionaries: one change after the other, nothing clever."""

from collections.abc import Sequence
from typing import Any, assert_never

import msgspec
from msgspec.structs import replace

from hubbub.adapters.memory.amend import amend_message
from hubbub.adapters.memory.own import mute
from hubbub.adapters.memory.relations import saw, set_block, set_me
from hubbub.adapters.memory.replay import count, find, log, places
from hubbub.adapters.memory.state import State
from hubbub.domain.change import (
    Advance,
    Advanced,
    Amend,
    Change,
    Create,
    Created,
    Denied,
    Enrol,
    Fill,
    Filled,
    GroupChange,
    Join,
    Leave,
    Logged,
    Made,
    Mismatch,
    Missing,
    NewChat,
    Outcome,
    Placed,
    PlaceMe,
    Post,
    Seats,
    Seen,
    SetChat,
    SetRole,
)
from hubbub.domain.chat import LARGE, Chat, Found, Head, Member, outgrew
from hubbub.domain.log import append, assign, dedupe, placed
from hubbub.domain.message import Row
from hubbub.domain.own import Mute, MyChat, SetBlock, SetMe, Told, newcomers
from hubbub.domain.policy import HEIRS, LAST_OWNER, NAMELESS, may_come_in
from hubbub.domain.reading import Log
from hubbub.domain.receipt import DELIVERED, READ, Cursor, Passed, passed
from hubbub.domain.settings import changed, nameless
from hubbub.domain.system import (
    chat_changed,
    member_joined,
    member_left,
    members_added,
    role_changed,
)
from hubbub.domain.view import Places
from hubbub.ports import LogRead, Lookup, PassedRead, ReceiptCount, ResumeFrom


class MemoryChatStore:
    """`ChatStore`, for one process's lifetime. Nothing waits, so each commit is whole."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def commit(self, changes: Sequence[Change]) -> list[Outcome]:
        """`ChatStore.commit`."""
        return [self._apply(change) for change in changes]

    async def find(self, lookups: Sequence[Lookup]) -> list[Found | None]:
        """`ChatStore.find`."""
        return [find(self._state, lookup) for lookup in lookups]

    async def places(self, readers: Sequence[ResumeFrom]) -> list[Places]:
        """`ChatStore.places`."""
        return [places(self._state, reader) for reader in readers]

    async def logs(self, reads: Sequence[LogRead]) -> list[Log | None]:
        """`ChatStore.logs`."""
        return [log(self._state, read) for read in reads]

    async def passed(self, reads: Sequence[PassedRead]) -> list[list[Passed]]:
        """`ChatStore.passed`."""
        return [self._passed(read) for read in reads]

    async def counts(self, chat_ids: Sequence[int]) -> list[ReceiptCount]:
        """`ChatStore.counts`."""
        return [count(self._state, chat_id) for chat_id in chat_ids]

    async def waiting(self, limit: int) -> list[tuple[int, int]]:
        """`ChatStore.waiting`."""
        waiting = self._state.waiting.items()
        return sorted(waiting, key=lambda each: (each[1], each[0]))[:limit]

    def _passed(self, read: PassedRead) -> list[Passed]:
        rows = self._state.logs.get(read.chat_id, [])
        here = {m.user_id for m in self._state.present_members(read.chat_id)}
        told = [r for r in rows if r.type != "system" and r.sender_id in here]
        messages = [(r.seq, r.id, r.sender_id) for r in told]
        return passed(messages, read.before, read.after, read.reader_id)

    def _apply(self, change: Change) -> Outcome:
        match change:
            case Post():
                return self._post(change)
            case Create():
                return Created(self._make(change.chat, change.at))
            case Fill():
                return self._fill(change)
            case Enrol() | Join() | Leave() | SetRole() | SetChat():
                return self._change_group(change)
            case Amend():
                return amend_message(self._state, change)
            case Advance():
                return self._advance(change)
            case Mute() | SetMe() | SetBlock():
                return self._tell(change)
            case PlaceMe() | Seen():
                return self._note(change)
            case _:
                assert_never(change)

    # ── messages ──

    def _post(self, post: Post) -> Outcome:
        state, made = self._state, None
        if post.new_chat is not None:
            if dedupe(post) in state.known:
                chat_id = state.known[dedupe(post)].chat_id
                if state.first_members(chat_id) != set(post.new_chat.members):
                    return Mismatch()
            else:
                made = self._make(post.new_chat, post.at)
                chat_id = made.chat_id
            post = replace(post, chat_id=chat_id)
        if post.chat_id not in state.chats:
            return Missing()
        (row,) = assign([post], state.heads, state.known)
        if not isinstance(row, Row):
            return row
        state.store(row)
        sender = state.present(row.chat_id, row.sender_id)
        before = row.seq - 1
        if sender is not None:
            before = sender.read
            if before < row.seq - 1:
                key = (row.chat_id, row.sender_id, READ)
                state.marks.setdefault(key, []).append((row.seq, row.at))
            state.sent_at[row.chat_id, row.sender_id] = row.at
            state.change(sender, delivered=row.seq, read=row.seq, read_number=row.number)
        silent = before < row.seq - 1 and state.silent(row.sender_id)
        return replace(placed(row, before, silent=silent), made=made)

    def _find(self, new: NewChat) -> int | None:
        for chat in self._state.chats.values():
            if chat.id == new.id if new.key is None else chat.key == new.key:
                return chat.id
        return None

    def _make(self, new: NewChat, at: int) -> Made:
        state = self._state
        chat_id = self._find(new)
        if chat_id is not None:
            chat = state.chats[chat_id]
            members = tuple(m.user_id for m in state.present_members(chat_id))
            return Made(chat.id, chat.type, chat.size, members if chat.size <= LARGE else (), [])
        size = len(new.members)
        state.chats[new.id] = Chat(new.id, new.type, new.key, new.title, new.history, at, size)
        state.heads[new.id], state.logs[new.id] = Head(0, 0, at), []
        events = [
            state.join(
                new.id,
                user_id,
                "owner" if new.type == "group" and user_id == new.creator else "member",
                1,
                at,
            )
            for user_id in new.members
        ]
        return Made(new.id, new.type, size, new.members, events)

    # ── members ──

    def _fill(self, change: Fill) -> Filled | Missing:
        state = self._state
        if change.chat_id not in state.chats:
            return Missing()
        fresh = [u for u in change.members if (change.chat_id, u) not in state.members]
        events = [state.join(change.chat_id, u, "member", 1, change.at) for u in fresh]
        size = state.resize(change.chat_id, len(fresh))
        seq = state.heads[change.chat_id].seq
        return Filled(size, seq, events, self._seats(change.chat_id, size, len(fresh)))

    def _change_group(self, change: GroupChange) -> Logged | Missing | Denied:
        match change:
            case Enrol():
                return self._enrol(change)
            case Join():
                return self._join(change)
            case Leave():
                return self._leave(change)
            case SetRole():
                return self._set_role(change)
            case SetChat():
                return self._set_chat(change)
            case _:
                assert_never(change)

    def _enrol(self, change: Enrol) -> Logged | Missing:
        state, chat_id = self._state, change.chat_id
        if chat_id not in state.chats:
            return Missing()
        users = dict.fromkeys(change.users)
        fresh = [u for u in users if state.present(chat_id, u) is None]
        if not fresh or change.id in state.messages:
            return self._unchanged(change)
        position = state.heads[chat_id].seq + 1
        events = [state.join(chat_id, u, "member", position, change.at) for u in fresh]
        state.resize(chat_id, len(fresh))
        return self._say(change, members_added(change.by, fresh), events)

    def _join(self, change: Join) -> Logged | Missing | Denied:
        state, chat = self._state, self._state.chats.get(change.chat_id)
        if chat is None:
            return Missing()
        if state.present(chat.id, change.by) is not None or change.id in state.messages:
            return self._unchanged(change)
        invite = state.invites.get(change.invite)
        invited = False if change.invite else None
        if invite is not None and invite.chat_id == chat.id:
            maker = state.present(chat.id, invite.created_by)
            invited = invite.opens(None if maker is None else maker.role, change.at)
        removed = (chat.id, change.by) in state.removed
        if (denied := may_come_in(chat, change.most, removed, invited)) is not None:
            return denied
        if invite is not None:
            state.invites[change.invite] = replace(invite, uses=invite.uses + 1)
        event = state.join(chat.id, change.by, "member", state.heads[chat.id].seq + 1, change.at)
        state.resize(chat.id, 1)
        invited_by = None if invite is None else invite.created_by
        return self._say(change, member_joined(change.by, invited_by), [event])

    def _leave(self, change: Leave) -> Logged | Missing:
        state, chat_id = self._state, change.chat_id
        if change.id in state.messages:
            return self._unchanged(change)
        member = state.present(chat_id, change.user_id)
        if member is None:
            return Missing()
        events = [state.tell(state.change(member, left=state.heads[chat_id].seq + 1))]
        if change.by != change.user_id:
            state.removed.add((chat_id, change.user_id))
        state.resize(chat_id, -1)
        heir = None
        if member.role == "owner" and not self._owners(chat_id):
            heir = self._heir(chat_id)
        if heir is not None:
            events.append(state.tell(state.change(heir, role="owner")))
        system = member_left(change.by, change.user_id, None if heir is None else heir.user_id)
        return self._say(change, system, events)

    def _owners(self, chat_id: int) -> int:
        return sum(m.role == "owner" for m in self._state.present_members(chat_id))

    def _heir(self, chat_id: int) -> Member | None:
        members = sorted(self._state.present_members(chat_id), key=lambda m: (m.since, m.user_id))
        return next((m for role in HEIRS for m in members if m.role == role), None)

    def _set_role(self, change: SetRole) -> Logged | Missing | Denied:
        state = self._state
        member = state.present(change.chat_id, change.user_id)
        if member is None:
            return Missing()
        if member.role == change.role or change.id in state.messages:
            return self._unchanged(change)
        if member.role == "owner" and self._owners(change.chat_id) == 1:
            return LAST_OWNER
        event = state.tell(state.change(member, role=change.role))
        return self._say(change, role_changed(change.by, change.user_id, change.role), [event])

    def _set_chat(self, change: SetChat) -> Logged | Missing | Denied:
        chat = self._state.chats.get(change.chat_id)
        if chat is None:
            return Missing()
        fresh = changed(chat, change.settings)
        if not fresh or change.id in self._state.messages:
            return self._unchanged(change)
        if nameless(chat, fresh):
            return NAMELESS
        self._state.chats[chat.id] = replace(chat, **fresh)
        return self._say(change, chat_changed(change.by, fresh), [])

    def _unchanged(self, change: GroupChange) -> Logged:
        chat = self._state.chats[change.chat_id]
        return Logged(change.id, chat.id, self._state.heads[chat.id], chat.size, change.by, b"", [])

    def _say(self, change: GroupChange, system: dict[str, Any], events: list[MyChat]) -> Logged:
        state, chat_id = self._state, change.chat_id
        head = state.heads[chat_id] = append(state.heads[chat_id], change.at, countable=False)
        body = msgspec.json.encode(system)
        place = (head.seq, head.seq, head.number)
        state.store(
            Row(change.id, chat_id, *place, change.by, None, head.at, "system", "", b"", 0, body)
        )
        size = state.chats[chat_id].size
        seats = self._seats(chat_id, size, len(newcomers(events, head.seq)))
        return Logged(change.id, chat_id, head, size, change.by, body, events, seats)

    def _seats(self, chat_id: int, size: int, joined: int) -> Seats:
        if not outgrew(size, joined):
            return ()
        return tuple((m.user_id, m.since) for m in self._state.present_members(chat_id))

    # ── cursors ──

    def _advance(self, move: Advance) -> Advanced | Missing:
        state, key = self._state, (move.chat_id, move.user_id)
        member = state.present(*key)
        if member is None:
            return Missing()
        head = state.heads[move.chat_id].seq
        before = Cursor(member.delivered, member.read)
        after = before.advance(move.delivered, move.read, head)
        received = min(move.delivered, head)
        state.received[key] = max(state.received[key], received)
        session = state.sessions.get(move.session_id)
        if session is not None and session.own_places and received:
            session.places[move.chat_id] = max(session.places.get(move.chat_id, 0), received)
        member = state.change(member, delivered=after.delivered, read=after.read)
        if after.delivered > before.delivered:
            state.marks.setdefault((*key, DELIVERED), []).append((after.delivered, move.at))
        me = None
        if after.read > before.read:
            state.marks.setdefault((*key, READ), []).append((after.read, move.at))
            number = state.number_at(move.chat_id, after.read)
            me = state.tell(state.change(member, read_number=number))
        moved = (before.delivered, after.delivered, before.read, after.read)
        return Advanced(*key, *moved, move.at, me, me is not None and state.silent(move.user_id))

    def _tell(self, change: Mute | SetMe | SetBlock) -> Told | Missing | Denied:
        """What the user's own log alone tells."""
        match change:
            case Mute():
                return mute(self._state, change)
            case SetMe():
                return set_me(self._state, change)
            case SetBlock():
                return set_block(self._state, change)
            case _:
                assert_never(change)

    def _note(self, change: PlaceMe | Seen) -> Placed:
        if isinstance(change, Seen):
            return saw(self._state, change)
        session = self._state.sessions.get(change.session_id)
        if session is not None and session.user_id == change.user_id:
            rev = min(change.rev, self._state.me_heads.get(change.user_id, 0))
            session.me_place = max(session.me_place, rev)
        return Placed()
