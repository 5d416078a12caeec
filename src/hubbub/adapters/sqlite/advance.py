"""Cursors: forward only, with the time of each advance kept as a mark."""

import json
from array import array
from collections import defaultdict
from collections.abc import Sequence

import apsw

from hubbub.adapters.sqlite.caches import Caches, Position
from hubbub.adapters.sqlite.own import tell
from hubbub.adapters.sqlite.relations import is_silent
from hubbub.adapters.sqlite.rows import (
    INSERT_MARK,
    MARK_ROW,
    NEAR,
    load_head,
    load_position,
)
from hubbub.domain.change import Advance, Advanced, Missing, Outcome, Placed, PlaceMe
from hubbub.domain.chat import LARGE, Head
from hubbub.domain.own import MyChat
from hubbub.domain.receipt import DELIVERED, READ, Cursor

OWN_PLACES = "SELECT s.id FROM carray(?) JOIN sessions s ON s.id = value WHERE s.own_places"
KEEP_PLACE = (
    "INSERT INTO places (session_id, chat_id, seq) VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)"
)
PART = 5_000
"""Most users in one packed row of marks."""


def advance(db: apsw.Connection, caches: Caches, moves: Sequence[Advance]) -> list[Outcome]:
    """Move the cursors; who is not a member now is `Missing`."""
    flush = _Flush(db, caches)
    outcomes = [flush.move(move) for move in moves]
    flush.write()
    return outcomes


def place_me(db: apsw.Connection, change: PlaceMe) -> Placed:
    """Move a session's place in the user's own log."""
    db.execute(
        "UPDATE sessions SET me_place = max(me_place, min(?, (SELECT me_head FROM users"
        " WHERE id = ?))) WHERE id = ? AND user_id = ?",
        (change.rev, change.user_id, change.session_id, change.user_id),
    )
    return Placed()


class _Flush:
    """The rows of one list of advances, gathered and then written by statement."""

    def __init__(self, db: apsw.Connection, caches: Caches) -> None:
        self._db, self._caches = db, caches
        self._moved: dict[tuple[int, int], Position] = {}
        self._marks: list[tuple[int, int, int, int, int]] = []
        self._rows: dict[tuple[int, int, int], tuple[int | None, int | None]] = {}
        self._packed: defaultdict[tuple[int, int, int, int], list[int]] = defaultdict(list)
        self._places: list[tuple[int, int, int]] = []

    def move(self, move: Advance) -> Outcome:
        head = load_head(self._db, self._caches, move.chat_id)
        position = load_position(self._db, self._caches, move.chat_id, move.user_id)
        if head is None or position is None:
            return Missing()
        before = Cursor(position.delivered, position.read)
        after = before.advance(move.delivered, move.read, head.seq)
        received = min(move.delivered, head.seq)
        if received > position.received or after != before:
            position.received = max(position.received, received)
            self._moved[move.chat_id, move.user_id] = position
        if received and move.session_id:
            self._places.append((move.session_id, move.chat_id, received))
        me = None
        if after != before:
            position.delivered, position.read = after.delivered, after.read
            if after.delivered > before.delivered:
                self._mark(move, DELIVERED, before.delivered, after.delivered)
            if after.read > before.read:
                self._mark(move, READ, before.read, after.read)
                me = self._read(move, head, position)
        return Advanced(
            move.chat_id,
            move.user_id,
            before.delivered,
            after.delivered,
            before.read,
            after.read,
            move.at,
            me,
            me is not None and is_silent(self._db, self._caches, move.user_id),
        )

    def _mark(self, move: Advance, kind: int, before: int, seq: int) -> None:
        if move.chat_id in self._caches.direct and seq - before <= NEAR:
            # The other's message: one's own moves both cursors up to it. It was written a moment
            # ago, so its page is at hand; those of `marks` lie all over the database.
            key = (move.chat_id, seq, move.user_id)
            delivered_at, read_at = self._rows.get(key, (None, None))
            self._rows[key] = (delivered_at, move.at) if kind == READ else (move.at, read_at)
        elif self._caches.sizes[move.chat_id] > LARGE:
            self._packed[move.chat_id, seq, kind, move.at].append(move.user_id)
        else:
            self._marks.append((move.chat_id, move.user_id, kind, seq, move.at))

    def _read(self, move: Advance, head: Head, position: Position) -> MyChat:
        """A read is an event of the reader's own log."""
        if position.read == head.seq:
            position.read_number = head.number
        else:
            position.read_number = (
                self._db.execute(
                    "SELECT number FROM messages WHERE chat_id = ? AND seq <= ?"
                    " ORDER BY seq DESC LIMIT 1",
                    (move.chat_id, position.read),
                ).get
                or 0
            )
        return tell(self._db, move.chat_id, move.user_id, head, position)

    def write(self) -> None:
        self._db.executemany(
            "UPDATE members SET delivered = ?, read = ?, read_number = ?, received = ?"
            " WHERE chat_id = ? AND user_id = ?",
            [
                (p.delivered, p.read, p.read_number, p.received, *key)
                for key, p in self._moved.items()
            ],
        )
        if self._marks:
            self._db.executemany(INSERT_MARK, self._marks)
        if self._rows:
            self._mark_rows()
        for (chat_id, seq, kind, at), users in self._packed.items():
            self._write_packed(chat_id, seq, kind, at, users)
        if self._places:
            self._keep_places()

    def _keep_places(self) -> None:
        """Of sessions that have their own; most have not."""
        sessions = apsw.carray(array("q", [session_id for session_id, _, _ in self._places]))
        own = {session_id for (session_id,) in self._db.execute(OWN_PLACES, (sessions,))}
        if own:
            self._db.executemany(KEEP_PLACE, [place for place in self._places if place[0] in own])

    def _mark_rows(self) -> None:
        rows = [(*times, *key) for key, times in self._rows.items()]
        before = self._db.total_changes()
        self._db.executemany(MARK_ROW, rows)
        if self._db.total_changes() - before == len(rows):
            return
        for *times, chat_id, seq, user_id in rows:  # some positions are changes, not messages
            self._db.execute(MARK_ROW, (*times, chat_id, seq, user_id))
            if not self._db.changes():
                marks = zip((DELIVERED, READ), times, strict=True)
                self._db.executemany(
                    INSERT_MARK,
                    [(chat_id, user_id, kind, seq, at) for kind, at in marks if at is not None],
                )

    def _write_packed(self, chat_id: int, seq: int, kind: int, at: int, users: list[int]) -> None:
        used: int = self._db.execute(
            "SELECT count(*) FROM large_marks WHERE chat_id=? AND seq=? AND kind=? AND at=?",
            (chat_id, seq, kind, at),
        ).get
        self._db.executemany(
            "INSERT INTO large_marks (chat_id, seq, kind, at, part, users) VALUES (?,?,?,?,?,?)",
            [
                (chat_id, seq, kind, at, used + part, json.dumps(users[i : i + PART]))
                for part, i in enumerate(range(0, len(users), PART))
            ],
        )
