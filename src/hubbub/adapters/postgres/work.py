"""One commit's working set: what is locked, what was loaded under the locks, what is to be saved.

Locks are taken in one order by everybody, so that nobody waits in a circle: new chats by key, then
chats, then users, by id each, then the rest. Chats are not waited for while another lock is held:
those that somebody else has are left for a later transaction. What turns out to be needed only
later begins the transaction anew (`Again`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from hubbub.adapters.postgres.mentions import unread_mentions
from hubbub.adapters.postgres.rows import CHAT, SILENT, chat_of, columns, hidden_in, words, write
from hubbub.adapters.postgres.schema import DAY_MS, OPEN, span_of
from hubbub.domain.change import NewChat
from hubbub.domain.chat import LARGE, Chat, Head, Role
from hubbub.domain.log import Dedupe
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat

POSITION: Final = (
    "role, since, delivered, read, read_number, received, muted_until, me_rev, sent_at"
)
LOCK_CHATS: Final = (
    f"SELECT {CHAT}, seq, number, at, mentioned, span FROM chats WHERE id = ANY($1) ORDER BY id"
    " FOR UPDATE SKIP LOCKED"
)
WAIT: Final = "SELECT 1 FROM chats WHERE id = ANY($1) ORDER BY id LIMIT 1 FOR UPDATE"
LOCK_USERS: Final = (
    "SELECT id, me_head, hidden FROM users WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
)
NEW_CHATS: Final = """
    INSERT INTO chats (id, type, key, title, history, created_by, created_at, size, at)
    SELECT k.* FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[],
        $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
        AS k (id, type, key, title, history, created_by, created_at, size, at)
    ORDER BY k.key, k.id ON CONFLICT DO NOTHING RETURNING id
"""
SAVE_HEADS: Final = """
    UPDATE chats c SET seq = k.seq, number = k.number, at = k.at, span = k.span,
        changed = greatest(c.changed, k.changed), mentioned = k.mentioned
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
        $6::bigint[], $7::bigint[]) AS k (id, seq, number, at, span, changed, mentioned)
    WHERE c.id = k.id
"""
SAVE_POSITIONS: Final = """
    UPDATE members m SET role = k.role, delivered = k.delivered, read = k.read,
        read_number = k.read_number, received = k.received, muted_until = k.muted_until,
        me_rev = k.me_rev, sent_at = k.sent_at
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
        $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])
        AS k (chat_id, user_id, role, delivered, read, read_number, received, muted_until, me_rev,
        sent_at) WHERE m.chat_id = k.chat_id AND m.user_id = k.user_id
"""
SAVE_USERS: Final = """
    UPDATE users u SET me_head = k.me_head FROM unnest($1::bigint[], $2::bigint[])
        AS k (id, me_head) WHERE u.id = k.id
"""
SAVE_PLACES: Final = """
    INSERT INTO places (session_id, chat_id, seq)
    SELECT k.session_id, k.chat_id, k.seq FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
        AS k (session_id, chat_id, seq) JOIN sessions s ON s.id = k.session_id AND s.own_places
    ORDER BY k.session_id, k.chat_id
    ON CONFLICT (session_id, chat_id) DO UPDATE SET seq = greatest(places.seq, excluded.seq)
"""
OPEN_SPANS: Final = f"""
    INSERT INTO spans AS s (chat_id, first_id, first_seq, last_seq)
    SELECT k.chat_id, k.first_id, k.seq, {OPEN}
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS k (chat_id, first_id, seq)
    ON CONFLICT (chat_id, first_id) DO UPDATE
        SET first_seq = least(s.first_seq, excluded.first_seq), last_seq = {OPEN}
"""
LATE_SPANS: Final = """
    INSERT INTO spans AS s (chat_id, first_id, first_seq, last_seq)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
    ON CONFLICT (chat_id, first_id) DO UPDATE SET last_seq = greatest(s.last_seq, excluded.last_seq)
"""
CLOSE_SPANS: Final = """
    UPDATE spans s SET last_seq = k.last_seq
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS k (chat_id, first_id, last_seq)
    WHERE s.chat_id = k.chat_id AND s.first_id = k.first_id
"""
SAVE_SEEN: Final = """
    INSERT INTO last_seen AS s (user_id, at) SELECT * FROM unnest($1::bigint[], $2::bigint[])
    ON CONFLICT (user_id) DO UPDATE SET at = greatest(s.at, excluded.at)
"""
INSERT_MARKS: Final = """
    INSERT INTO marks (chat_id, user_id, kind, seq, at)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[])
"""


class Again(Exception):
    """The transaction must begin anew; what it learned is in its `Plan`."""


class Position(Struct):
    """Where a present member is, as his row says. `silent`: he tells nobody what he has read."""

    role: Role
    since: int
    delivered: int
    read: int
    read_number: int
    received: int
    muted_until: int
    me_rev: int
    sent_at: int
    silent: bool


class Plan(Struct):
    """What earlier tries of this commit have learned."""

    users: set[int]
    """Whose own logs go on."""
    days: set[int]
    """Whose partitions are written to."""
    check_ids: bool = False
    """Some message is stored already: those without a `client_id` are looked for by their id."""


class Work:
    """See the module. Used by one transaction."""

    def __init__(self, db: Any, plan: Plan, now: int) -> None:
        self.db = db
        self.plan = plan
        self.now = now
        self.chats: dict[int, Chat] = {}
        self.heads: dict[int, Head] = {}
        self.keys: dict[str, int] = {}
        self.unmade: set[int] = set()
        """Chats whose row is there for this commit to make: without members yet."""
        self.known: dict[Dedupe, Row] = {}
        self._spans: dict[int, int] = {}
        self._changed: dict[int, int] = {}
        self._positions: dict[tuple[int, int], Position | None] = {}
        self._me_heads: dict[int, int] = {}
        self.hidden: dict[int, int] = {}
        """How many messages users have hidden from themselves: those whose own logs go on."""
        self._users: set[int] = set()
        self._moved_heads: set[int] = set()
        self._moved: set[tuple[int, int]] = set()
        self._told: set[int] = set()
        self._places: dict[tuple[int, int], int] = {}
        self._seen: dict[int, int] = {}
        self._marks: list[tuple[int, int, int, int, int]] = []
        self._packed: defaultdict[tuple[int, int, int, int], list[int]] = defaultdict(list)

    # ── locks ──

    async def claim(self, new: Sequence[tuple[NewChat, int]]) -> None:
        """Find the chats with these keys or ids, or put their rows there, to be made later."""
        wanted: dict[str | int, tuple[NewChat, int]] = {}
        for chat, at in new:
            wanted.setdefault(chat.id if chat.key is None else chat.key, (chat, at))
        await self._find_keys([key for key in wanted if isinstance(key, str)])
        missing = [pair for key, pair in wanted.items() if key not in self.keys]
        if not missing:
            return
        rows = [new_row(chat, at) for chat, at in missing]
        made = {row[0] for row in await self.db.fetch(NEW_CHATS, *columns(rows, 9))}
        self.unmade |= made
        keys = [chat.key for chat, _ in missing if chat.key is not None]
        await self._find_keys(keys)
        if any(key not in self.keys for key in keys):
            raise Again  # made by somebody else meanwhile, and no longer found by it

    async def _find_keys(self, keys: list[str]) -> None:
        if keys:
            query = "SELECT key, id FROM chats WHERE key = ANY($1)"
            self.keys.update(await self.db.fetch(query, keys))

    async def lock_chats(self, chat_ids: Iterable[int], *, wait: bool) -> set[int]:
        """Lock and load; those that somebody else has. `wait`: for one of them at least."""
        wanted = list(chat_ids)
        if wait:
            await self.db.fetch(WAIT, wanted)
        for row in await self.db.fetch(LOCK_CHATS, wanted):
            chat = chat_of(row[:12])
            self.chats[chat.id], self.heads[chat.id] = chat, Head(*row[12:16])
            if row[16] is not None:
                self._spans[chat.id] = row[16]
        missing = [chat_id for chat_id in wanted if chat_id not in self.chats]
        if not missing:
            return set()
        found = await self.db.fetch("SELECT id FROM chats WHERE id = ANY($1)", missing)
        return {row[0] for row in found}

    def check_keys(self) -> None:
        """A chat that lost its key before it was locked is not the one that is meant."""
        for key, chat_id in self.keys.items():
            if chat_id in self.chats and self.chats[chat_id].key != key:
                raise Again

    async def lock_users(self, users: Iterable[int]) -> None:
        """So that their own logs can go on."""
        self._users = {*users, *self.plan.users}
        if self._users:
            for user_id, head, hidden in await self.db.fetch(LOCK_USERS, list(self._users)):
                self._me_heads[user_id], self.hidden[user_id] = head, hidden

    # ── chats ──

    def chat(self, chat_id: int) -> Chat | None:
        """A chat that is there."""
        return None if chat_id in self.unmade else self.chats.get(chat_id)

    def head(self, chat_id: int) -> Head | None:
        """Where its log ends."""
        return None if chat_id in self.unmade else self.heads.get(chat_id)

    def move_head(self, chat_id: int, head: Head, changed: int = 0) -> None:
        """Its log ends there now. `changed`: the position was taken by a change of a message."""
        self.heads[chat_id] = head
        self._moved_heads.add(chat_id)
        self._changed[chat_id] = max(changed, self._changed.get(chat_id, 0))

    async def resize(self, chat_id: int, by: int) -> int:
        """Another size; a group whose members changed is found by its member set no more."""
        chat = self.chats[chat_id]
        if chat.key is not None:
            self.keys.pop(chat.key, None)
        chat = self.chats[chat_id] = replace(chat, size=chat.size + by, key=None)
        query = "UPDATE chats SET size = $2, key = NULL WHERE id = $1"
        await self.db.execute(query, chat_id, chat.size)
        return chat.size

    async def note_rows(self, rows: Sequence[Row]) -> None:
        """Messages were stored: say in which day each chat's positions are."""
        opened: dict[tuple[int, int], int] = {}
        late: dict[tuple[int, int], tuple[int, int]] = {}
        closed: dict[tuple[int, int], int] = {}
        for row in rows:
            first_id, span = span_of(row.id), self._spans.get(row.chat_id)
            if span is None or first_id > span:
                if span is not None:
                    closed[row.chat_id, span] = row.seq - 1
                opened[row.chat_id, first_id] = row.seq
                self._spans[row.chat_id] = first_id
            elif first_id < span:
                first, _ = late.get((row.chat_id, first_id), (row.seq, 0))
                late[row.chat_id, first_id] = (first, row.seq)
        for query, spans in ((OPEN_SPANS, opened), (CLOSE_SPANS, closed)):
            if spans:
                values = [(*key, seq) for key, seq in spans.items()]
                await self.db.execute(query, *columns(values, 3))
        if late:
            ranges = [(*key, *seqs) for key, seqs in late.items()]
            await self.db.execute(LATE_SPANS, *columns(ranges, 4))

    # ── members ──

    async def load_positions(self, keys: Iterable[tuple[int, int]]) -> None:
        """What `position` will be asked for."""
        wanted = [key for key in dict.fromkeys(keys) if key not in self._positions]
        if not wanted:
            return
        self._positions.update(dict.fromkeys(wanted))
        rows = await self.db.fetch(
            f"SELECT m.chat_id, m.user_id, {POSITION}, {SILENT.format('m.user_id')} FROM members m"
            " JOIN unnest($1::bigint[], $2::bigint[]) AS k (chat_id, user_id)"
            " ON m.chat_id = k.chat_id AND m.user_id = k.user_id WHERE m.until IS NULL",
            *columns(wanted, 2),
        )
        for chat_id, user_id, *values in rows:
            self._positions[chat_id, user_id] = Position(*words(values, 0))

    async def position(self, chat_id: int, user_id: int) -> Position | None:
        """A present member's position, None for who is not one."""
        key = (chat_id, user_id)
        if key not in self._positions:
            await self.load_positions([key])
        return self._positions[key]

    def move(self, chat_id: int, user_id: int) -> None:
        """His position was changed."""
        self._moved.add((chat_id, user_id))

    def forget_positions(self, chat_id: int, users: Iterable[int]) -> None:
        """Their rows were written beside this."""
        for user_id in users:
            self._positions.pop((chat_id, user_id), None)
            self._moved.discard((chat_id, user_id))

    def silence(self, user_id: int, silent: bool) -> None:
        """He tells nobody what he reads from now on, or does again."""
        for (_, user), position in self._positions.items():
            if user == user_id and position is not None:
                position.silent = silent

    def next_me(self, user_id: int) -> int:
        """The next position of the user's own log. Raises Again when it is not locked yet."""
        if user_id not in self._users:
            self.plan.users.add(user_id)
            raise Again
        if user_id not in self._me_heads:
            return 0
        self._me_heads[user_id] += 1
        self._told.add(user_id)
        return self._me_heads[user_id]

    async def tell(self, chat_id: int, user_id: int, position: Position) -> MyChat:
        """A present member's own log speaks of him in this chat, as he is now."""
        position.me_rev = self.next_me(user_id)
        self.move(chat_id, user_id)
        head, read = self.heads[chat_id], position.read
        gone = await hidden_in(self.db, chat_id, user_id, read) if self.hidden.get(user_id) else []
        return MyChat(
            user_id,
            position.me_rev,
            chat_id,
            True,
            position.role,
            position.since,
            read,
            head.number - position.read_number - len(gone),
            position.muted_until,
            await unread_mentions(self.db, chat_id, user_id, read, head.mentioned),
        )

    def place(self, session_id: int, chat_id: int, seq: int) -> None:
        """A session's own place, where it keeps one."""
        key = (session_id, chat_id)
        self._places[key] = max(seq, self._places.get(key, 0))

    def saw(self, user_id: int, at: int) -> None:
        """The user was here."""
        self._seen[user_id] = max(at, self._seen.get(user_id, 0))

    def mark(self, chat_id: int, user_id: int, kind: int, seq: int, at: int) -> None:
        """A member's cursor passed a position. Raises Again where its day has no partition."""
        self.need_day(at // DAY_MS)
        if self.chats[chat_id].size > LARGE:
            self._packed[chat_id, seq, kind, at].append(user_id)
        else:
            self._marks.append((chat_id, user_id, kind, seq, at))

    def need_day(self, day: int) -> None:
        """Raises Again where the day has no partition yet."""
        if day not in self.plan.days:
            self.plan.days.add(day)
            raise Again

    # ── saving ──

    async def flush(self) -> None:
        """Write what has changed so far."""
        heads = [self._head_row(chat_id) for chat_id in sorted(self._moved_heads)]
        moved = [(*key, *self._position_row(key)) for key in sorted(self._moved)]
        told = [(user_id, self._me_heads[user_id]) for user_id in sorted(self._told)]
        await write(
            self.db,
            {
                SAVE_HEADS: heads,
                SAVE_POSITIONS: moved,
                SAVE_USERS: told,
                INSERT_MARKS: self._marks,
                SAVE_PLACES: [(*key, seq) for key, seq in self._places.items()],
                SAVE_SEEN: sorted(self._seen.items()),
            },
        )
        if self._packed:
            packed = [(*key, users) for key, users in self._packed.items()]
            await self.db.executemany("INSERT INTO large_marks VALUES ($1, $2, $3, $4, $5)", packed)
        for done in (self._moved_heads, self._moved, self._told, self._marks, self._places):
            done.clear()
        self._seen.clear()
        self._packed.clear()

    def _head_row(self, chat_id: int) -> tuple[int | None, ...]:
        head = self.heads[chat_id]
        span, changed = self._spans.get(chat_id), self._changed.get(chat_id, 0)
        return (chat_id, head.seq, head.number, head.at, span, changed, head.mentioned)

    def _position_row(self, key: tuple[int, int]) -> tuple[str | int, ...]:
        p = self._positions[key]
        assert p is not None
        cursors = (p.delivered, p.read, p.read_number, p.received)
        return (p.role, *cursors, p.muted_until, p.me_rev, p.sent_at)


def new_row(chat: NewChat, at: int) -> tuple[Any, ...]:
    """A chat's first row."""
    facts = (chat.id, chat.type, chat.key, chat.title, chat.history, chat.creator)
    return (*facts, at, len(chat.members), at)
