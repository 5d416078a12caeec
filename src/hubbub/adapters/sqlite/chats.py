"""The message path on SQLite: one transaction a batch, and the reads that delivery needs.

Commits belong on the one writing connection, reads may use another. Rules are domain's: this
module loads what `assign` and `advance` need and saves what they say.
"""

from typing import assert_never, cast

import apsw

from hubbub.adapters.sqlite.advance import advance, place_me
from hubbub.adapters.sqlite.amend import amend_message
from hubbub.adapters.sqlite.caches import Caches
from hubbub.adapters.sqlite.database import snapshot, transaction
from hubbub.adapters.sqlite.membership import change_group, create, fill
from hubbub.adapters.sqlite.own import mute
from hubbub.adapters.sqlite.post import known_posts, post_all
from hubbub.adapters.sqlite.reactions import WAITING
from hubbub.adapters.sqlite.relations import SILENT, saw, set_block, set_me
from hubbub.adapters.sqlite.replay import find, log, places
from hubbub.domain.change import (
    Advance,
    Amend,
    Change,
    Create,
    Enrol,
    Fill,
    Join,
    Leave,
    Outcome,
    PlaceMe,
    Post,
    Seen,
    SetChat,
    SetRole,
)
from hubbub.domain.chat import Found
from hubbub.domain.log import Dedupe
from hubbub.domain.message import Row
from hubbub.domain.own import Mute, SetBlock, SetMe
from hubbub.domain.reading import Log
from hubbub.domain.receipt import Passed, passed
from hubbub.domain.view import Places
from hubbub.ports import LogRead, Lookup, PassedRead, ReceiptCount, ResumeFrom


class SqliteChatStore:
    """ChatStore on one connection, synchronous."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._caches = Caches()

    def commit(self, changes: list[Change]) -> list[Outcome]:
        """See the port. Posts are looked up as duplicates only when a unique index objects."""
        try:
            try:
                return self._apply(changes, {})
            except apsw.ConstraintError:
                self._caches.clear()
                return self._apply(changes, known_posts(self._connection, changes))
        except BaseException:
            self._caches.clear()  # they may hold what was rolled back
            raise

    def _apply(self, changes: list[Change], known: dict[Dedupe, Row]) -> list[Outcome]:
        self._caches.trim()
        with transaction(self._connection):
            outcomes: list[Outcome] = []
            start = 0
            while start < len(changes):
                kind = type(changes[start])
                end = start + 1
                while end < len(changes) and type(changes[end]) is kind:
                    end += 1
                outcomes += self._run(changes[start:end], known)
                start = end
        return outcomes

    def _run(self, run: list[Change], known: dict[Dedupe, Row]) -> list[Outcome]:
        """Changes of one kind, in order."""
        match run[0]:
            case Post():
                posts = cast(list[Post], run)
                return post_all(self._connection, self._caches, posts, known)
            case Advance():
                return advance(self._connection, self._caches, cast(list[Advance], run))
            case Amend():
                db, caches = self._connection, self._caches
                return [amend_message(db, caches, a, known) for a in cast(list[Amend], run)]
            case _:
                return [self._one(change) for change in run]

    def _one(self, change: Change) -> Outcome:
        db, caches = self._connection, self._caches
        match change:
            case Create():
                return create(db, caches, change)
            case Fill():
                return fill(db, caches, change)
            case Enrol() | Join() | Leave() | SetRole() | SetChat():
                return change_group(db, caches, change)
            case Mute():
                return mute(db, caches, change)
            case PlaceMe():
                return place_me(db, change)
            case SetMe():
                return set_me(db, caches, change)
            case SetBlock():
                return set_block(db, change)
            case Seen():
                return saw(db, change)
            case Post() | Advance() | Amend():
                return self._run([change], {})[0]
            case _:
                assert_never(change)

    def find(self, lookups: list[Lookup]) -> list[Found | None]:
        """See the port."""
        with snapshot(self._connection):
            return [find(self._connection, lookup) for lookup in lookups]

    def places(self, readers: list[ResumeFrom]) -> list[Places]:
        """See the port."""
        with snapshot(self._connection):
            return [places(self._connection, reader) for reader in readers]

    def logs(self, reads: list[LogRead]) -> list[Log | None]:
        """See the port."""
        with snapshot(self._connection):
            return [log(self._connection, read) for read in reads]

    def passed(self, reads: list[PassedRead]) -> list[list[Passed]]:
        """See the port."""
        query = (
            "SELECT seq, id, sender_id FROM messages m WHERE chat_id = ? AND seq > ? AND seq <= ?"
            " AND type <> 'system' AND EXISTS (SELECT 1 FROM members o"
            " WHERE o.chat_id = m.chat_id AND o.user_id = m.sender_id AND o.left IS NULL)"
        )
        return [
            passed(
                self._connection.execute(query, (r.chat_id, r.before, r.after)),
                r.before,
                r.after,
                r.reader_id,
            )
            for r in reads
        ]

    def counts(self, chat_ids: list[int]) -> list[ReceiptCount]:
        """See the port."""
        return [self._count(chat_id) for chat_id in chat_ids]

    def waiting(self, limit: int) -> list[tuple[int, int]]:
        """See the port."""
        found = self._connection.execute(WAITING, (limit,)).fetchall()
        return cast(list[tuple[int, int]], found)

    def _count(self, chat_id: int) -> ReceiptCount:
        newest = self._connection.execute(
            "SELECT seq, sender_id FROM messages WHERE chat_id = ? AND type <> 'system'"
            " ORDER BY seq DESC LIMIT 1",
            (chat_id,),
        ).get
        if newest is None:
            return ReceiptCount(chat_id, 0, 0, 0, 0)
        seq, sender_id = newest
        delivered, read = self._connection.execute(
            "SELECT count(*) FILTER (WHERE delivered >= ?1),"
            f" count(*) FILTER (WHERE read >= ?1 AND NOT {SILENT.format('m.user_id')})"
            " FROM members m WHERE chat_id = ?2 AND left IS NULL AND user_id <> ?3"
            " AND (since <= ?1 OR EXISTS (SELECT 1 FROM stays s WHERE s.chat_id = m.chat_id"
            " AND s.user_id = m.user_id AND s.since <= ?1 AND s.left > ?1))",
            (seq, chat_id, sender_id),
        ).get
        return ReceiptCount(chat_id, seq, delivered, read, sender_id)
