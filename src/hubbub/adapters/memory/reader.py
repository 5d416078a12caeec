"""Views of chats in dictionaries: the model that other readers are compared with."""

from collections.abc import Sequence

from hubbub.adapters.memory.own import own_log
from hubbub.adapters.memory.reactions import reaction_list
from hubbub.adapters.memory.state import State
from hubbub.domain.account import User
from hubbub.domain.chat import LARGE, Member
from hubbub.domain.message import Row
from hubbub.domain.own import MeEvent
from hubbub.domain.reading import COUNTED, is_open, visible
from hubbub.domain.receipt import DELIVERED, READ, Cursor, Passed
from hubbub.domain.view import (
    ChatList,
    ChatView,
    History,
    MemberList,
    MemberView,
    MessageView,
    ReactionList,
    ReceiptList,
    RecipientView,
    Replies,
    Versions,
)
from hubbub.ports import CursorState


class MemoryReader:
    """`ChatReader`, `MessageReader` and `OwnLog` on the state of a `MemoryChatStore`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def chat(self, user_id: int, chat_id: int) -> ChatView | None:
        """`ChatReader.chat`."""
        member = self._state.present(chat_id, user_id)
        if member is None:
            return None
        return self._view(member)

    async def chats(self, user_id: int, before: tuple[int, int] | None, limit: int) -> ChatList:
        """`ChatReader.chats`."""
        mine = [m for (_, user), m in self._state.members.items() if user == user_id and m.present]
        places = {(self._state.heads[m.chat_id].at, m.chat_id): m for m in mine}
        order = sorted((p for p in places if before is None or p < before), reverse=True)
        page, has_more = order[:limit], len(order) > limit
        views = [self._view(places[p]) for p in page]
        return ChatList(views, has_more, page[-1] if has_more else None)

    async def members(
        self, user_id: int, chat_id: int, after: int, limit: int
    ) -> MemberList | None:
        """`ChatReader.members`."""
        if self._state.present(chat_id, user_id) is None:
            return None
        rows = self._visible(user_id, chat_id)
        found = [m for m in self._state.present_members(chat_id) if m.user_id > after]
        views = [
            MemberView(self.user(m.user_id), m, self._last_read(m, rows)) for m in found[:limit]
        ]
        views = [v.unread if self._hides(user_id, v.user.id) else v for v in views]
        return MemberList(views, len(found) > limit)

    async def history(
        self, user_id: int, chat_id: int, direction: str, anchor: int, limit: int
    ) -> History | None:
        """`ChatReader.history`."""
        member = self._state.present(chat_id, user_id)
        if member is None:
            return None
        rows = self._visible(user_id, chat_id)
        index = len(rows)
        if anchor:
            found = [i for i, row in enumerate(rows) if row.id == anchor]
            if not found:
                return None
            index = found[0]
        if direction == "before":
            start, end = max(0, index - limit), index
            has_more = start > 0
        elif direction == "after":
            start, end = index + 1, min(len(rows), index + 1 + limit)
            has_more = end < len(rows)
        else:
            newer = min(len(rows) - index - 1, max(limit // 2, limit - index - 1)) if anchor else 0
            end = min(len(rows), index + 1 + newer)
            start = max(0, end - limit)
            has_more = start > 0
        page = rows[start:end][::-1]
        return self._history(member, page, has_more)

    async def message(self, user_id: int, message_id: int) -> MessageView | None:
        """`ChatReader.message`."""
        row = self._state.messages.get(message_id)
        if row is None or not visible(row, self._state.openings(row.chat_id, user_id)):
            return None
        member = self._state.members[row.chat_id, user_id]
        replies = self.replies(user_id, row.chat_id, row.id)
        return MessageView(row, self._others(member), own_cursor(member), replies)

    async def versions(self, user_id: int, message_id: int) -> Versions | None:
        """`MessageReader.versions`."""
        view = await self.message(user_id, message_id)
        if view is None:
            return None
        row = view.row
        openings = self._state.openings(row.chat_id, user_id)
        kept = reversed(self._state.edits.get(row.id, []))
        earlier = [each for each in kept if is_open(each.rev, openings)]
        role = self._state.members[row.chat_id, user_id].role
        return Versions(row, self._state.chats[row.chat_id], role, earlier)

    async def pins(self, user_id: int, chat_id: int) -> History | None:
        """`MessageReader.pins`."""
        member = self._state.present(chat_id, user_id)
        if member is None:
            return None
        rows = [row for row in self._visible(user_id, chat_id) if row.pinned]
        rows.sort(key=lambda row: -row.pinned)
        return self._history(member, rows, False)

    async def reactions(
        self, user_id: int, message_id: int, after: int, limit: int
    ) -> ReactionList | None:
        """`MessageReader.reactions`."""
        if await self.message(user_id, message_id) is None:
            return None
        return reaction_list(self._state, user_id, message_id, after, limit)

    async def receipts(
        self, user_id: int, message_id: int, after: int, limit: int
    ) -> ReceiptList | None:
        """`ChatReader.receipts`."""
        if await self.message(user_id, message_id) is None:
            return None
        row = self._state.messages[message_id]
        recipients = [
            m
            for m in self._state.present_members(row.chat_id)
            if m.user_id != row.sender_id and any(i.holds(row.seq) for i in self._state.stays_of(m))
        ]
        views = [self.recipient(m, row) for m in recipients]
        silent = self._state.silent
        views = [v.unread if silent(user_id) or silent(v.user_id) else v for v in views]
        page = [view for view in views if view.user_id > after]
        return ReceiptList(
            len(recipients),
            sum(view.delivered_at is not None for view in views),
            sum(view.read_at is not None for view in views),
            page[:limit],
            len(page) > limit,
        )

    async def cursors(self, user_id: int, chat_ids: Sequence[int]) -> list[CursorState]:
        """`ChatReader.cursors`."""
        states = []
        for chat_id in dict.fromkeys(chat_ids):
            asking = self._state.present(chat_id, user_id)
            if asking is None or self._state.chats[chat_id].size > LARGE:
                continue
            others = self._state.present_members(chat_id)
            states += [self._cursor(user_id, m) for m in others if m.user_id != user_id]
        return [s.unread if self._hides(user_id, s.user_id) else s for s in states]

    async def me(self, user_id: int, after: int, limit: int) -> tuple[list[MeEvent], int]:
        """`OwnLog.me`."""
        states = own_log(self._state, user_id, after)
        if len(states) > limit:
            return states[:limit], states[limit - 1].rev
        return states, self._state.me_heads.get(user_id, 0)

    # ── what the views are made of ──

    def _hides(self, asking: int, user_id: int) -> bool:
        """Whether it is not told what the user has read."""
        silent = self._state.silent
        return user_id != asking and (silent(asking) or silent(user_id))

    def _visible(self, user_id: int, chat_id: int) -> list[Row]:
        openings = self._state.openings(chat_id, user_id)
        return [row for row in self._state.logs[chat_id] if visible(row, openings)]

    def _last_read(self, member: Member, seen: list[Row]) -> int:
        """The id of the message at his read cursor, for who has `seen` these."""
        newest = self._state.newest(member.chat_id, member.read)
        return newest.id if newest in seen and newest is not None else 0

    def _history(self, member: Member, rows: list[Row], has_more: bool) -> History:
        replies = {row.id: self.replies(member.user_id, member.chat_id, row.id) for row in rows}
        known = {root: found for root, found in replies.items() if found is not None}
        return History(rows, has_more, self._others(member), own_cursor(member), known)

    def thread(self, user_id: int, chat_id: int, root_id: int) -> list[Row]:
        """The replies that he may see."""
        return [row for row in self._visible(user_id, chat_id) if row.thread_id == root_id]

    def replies(self, user_id: int, chat_id: int, root_id: int) -> Replies | None:
        """How many they are; None without any."""
        rows = self.thread(user_id, chat_id, root_id)
        return Replies(min(COUNTED, len(rows)), rows[-1].seq, rows[-1].at) if rows else None

    def user(self, user_id: int) -> User:
        """A user, without his password."""
        user = self._state.users[user_id]
        return User(user.id, user.username, user.display_name, "", user.is_admin, user.created_at)

    def _others(self, member: Member) -> Cursor:
        if self._state.chats[member.chat_id].size > LARGE:
            return Cursor(0, 0)
        return self._state.others(member.chat_id, member.user_id)

    def _view(self, member: Member) -> ChatView:
        chat = self._state.chats[member.chat_id]
        peer = None
        if chat.type == "direct":
            both = self._state.present_members(chat.id)
            peer = next(self.user(m.user_id) for m in both if m.user_id != member.user_id)
        rows = self._visible(member.user_id, chat.id)
        last = rows[-1] if rows else None
        head = self._state.heads[chat.id]
        mentions = self._state.unread_mentions(member)
        hidden = self._state.unread_hidden(member)
        return ChatView(chat, head, member, self._others(member), peer, last, mentions, hidden)

    def _passed_at(self, member: Member, row: Row, kind: int) -> int:
        """When he passed the message: by his first mark there, else at its own time."""
        kinds = (READ,) if kind == READ else (DELIVERED, READ)
        times = []
        for each in kinds:
            marks = self._state.marks.get((member.chat_id, member.user_id, each), [])
            times += [at for seq, at in marks if seq >= row.seq][:1]
        return min(times, default=row.at)

    def recipient(self, member: Member, row: Row) -> RecipientView:
        """When a member passed a message."""
        delivered = read = None
        if member.delivered >= row.seq:
            delivered = self._passed_at(member, row, DELIVERED)
        if member.read >= row.seq:
            read = self._passed_at(member, row, READ)
        return RecipientView(member.user_id, delivered, read)

    def _cursor(self, author: int, member: Member) -> CursorState:
        got, got_at = self._newest(author, member, DELIVERED, member.delivered)
        seen, seen_at = self._newest(author, member, READ, member.read)
        cursor = Cursor(member.delivered, member.read)
        return CursorState(member.chat_id, member.user_id, cursor, got, seen, got_at, seen_at)

    def _newest(
        self, author: int, member: Member, kind: int, position: int
    ) -> tuple[Passed | None, int]:
        there = self._state.stays_of(member)
        own = [
            row
            for row in self._state.logs[member.chat_id]
            if row.sender_id == author and row.type != "system" and row.seq <= position
            if any(stay.holds(row.seq) for stay in there)  # sent to those who were there
        ]
        if not own:
            return None, 0
        row = own[-1]
        return Passed(author, row.id, row.seq), self._passed_at(member, row, kind)


def own_cursor(member: Member) -> Cursor:
    """How far he is."""
    return Cursor(member.delivered, member.read)
