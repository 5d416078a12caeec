"""The message path on PostgreSQL: many processes commit at once, in one transaction a batch.

Chats are locked without waiting. Those that another process has just then are left out, and follow
in a transaction of their own that waits for one of them, so a chat that everybody writes to holds
up nobody who holds anything. Rules are domain's: what they need is loaded under the locks, and what
they say is saved.
"""

import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final, assert_never, cast

import asyncpg

from hubbub.adapters.postgres.advance import advance, place_me
from hubbub.adapters.postgres.amend import amend_message
from hubbub.adapters.postgres.database import Database
from hubbub.adapters.postgres.membership import change_group, create, fill
from hubbub.adapters.postgres.own import mute
from hubbub.adapters.postgres.post import post_all
from hubbub.adapters.postgres.reactions import WAITING
from hubbub.adapters.postgres.relations import set_block, set_me
from hubbub.adapters.postgres.replay import find, logs, places
from hubbub.adapters.postgres.rows import SILENT, between, columns
from hubbub.adapters.postgres.schema import DAY_IDS, DAY_MS, OPEN, day_of_id
from hubbub.adapters.postgres.sent import known_posts
from hubbub.adapters.postgres.work import Again, Plan, Work
from hubbub.domain.change import (
    Advance,
    Amend,
    Change,
    Create,
    Enrol,
    Fill,
    GroupChange,
    Hide,
    Join,
    Leave,
    NewChat,
    Outcome,
    Placed,
    PlaceMe,
    Post,
    Seen,
    SetChat,
    SetRole,
)
from hubbub.domain.chat import Found
from hubbub.domain.log import dedupe
from hubbub.domain.own import Mute, SetBlock, SetMe
from hubbub.domain.reading import Log
from hubbub.domain.receipt import Passed, passed
from hubbub.domain.view import Places
from hubbub.ports import (
    LogRead,
    Lookup,
    OutcomeUnknown,
    PassedRead,
    ReceiptCount,
    ResumeFrom,
    Unavailable,
)

TRIES: Final = 20
"""How often a transaction may begin anew for what it has learned."""

PAGE: Final = 20
CHAT_OF: Final = (
    "SELECT id, chat_id FROM messages JOIN unnest($1::bigint[]) AS k (wanted) ON id = k.wanted"
)
PASSED: Final = f"""
    SELECT k.n, m.seq, m.id, m.sender_id
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
        AS k (chat_id, before, after, n),
    LATERAL (SELECT min(first_id) AS first, max(first_id) + {DAY_IDS} AS last FROM spans
        WHERE chat_id = k.chat_id AND first_seq <= k.after AND last_seq > k.before) s,
    LATERAL (SELECT DISTINCT ON (sender_id) seq, id, sender_id FROM messages
        WHERE chat_id = k.chat_id AND seq > k.before AND seq <= k.after
        AND id >= s.first AND id < s.last AND type <> 'system' ORDER BY sender_id, seq DESC) m,
    members o WHERE o.chat_id = k.chat_id AND o.user_id = m.sender_id AND o.until IS NULL
"""
COUNT: Final = (
    "SELECT count(*) FILTER (WHERE delivered >= $1),"
    f" count(*) FILTER (WHERE read >= $1 AND NOT {SILENT.format('m.user_id')})"
    " FROM members m WHERE chat_id = $2 AND until IS NULL AND user_id <> $3"
    " AND (since <= $1 OR EXISTS (SELECT 1 FROM stays s WHERE s.chat_id = m.chat_id"
    " AND s.user_id = m.user_id AND s.since <= $1 AND s.until > $1))"
)


class PostgresChatStore:
    """`ChatStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def commit(self, changes: Sequence[Change]) -> list[Outcome]:
        """`ChatStore.commit`: in one transaction, or several where others hold some of the chats.

        Each chat's changes keep their order. Raises OutcomeUnknown also when some of several
        transactions are stored.
        """
        outcomes: list[Outcome | None] = [None] * len(changes)
        left = list(range(len(changes)))
        wait = False
        while left:
            try:
                found = await self._commit([changes[i] for i in left], wait)
            except OutcomeUnknown:
                raise
            except Unavailable as error:
                if len(left) == len(changes):
                    raise
                raise OutcomeUnknown(str(error)) from error
            for index, outcome in zip(left, found, strict=True):
                outcomes[index] = outcome
            left = [i for i in left if outcomes[i] is None]
            wait = True
        return cast(list[Outcome], outcomes)

    async def _commit(self, changes: list[Change], wait: bool) -> list[Outcome | None]:
        """One transaction. None: another process has the chat. `wait`: for one of them at least."""
        now = int(time.time() * 1000)
        plan = Plan(set(), days_of(changes, now))
        refused: Exception | None = None
        for _ in range(TRIES):
            await self._database.make_days(plan.days)
            try:
                async with self._database.transaction() as db:
                    return await _apply(Work(db, plan, now), changes, wait)
            except (Again, asyncpg.TransactionRollbackError) as error:
                refused = error
            except asyncpg.UniqueViolationError as error:
                plan.check_ids, refused = True, error
            except asyncpg.CheckViolationError as error:  # a partition that is gone
                self._database.forget_days()
                refused = error
        raise Unavailable("The database is too busy.") from refused

    async def find(self, lookups: Sequence[Lookup]) -> list[Found | None]:
        """`ChatStore.find`."""
        async with self._database.snapshot() as db:
            return await find(db, lookups)

    async def places(self, readers: Sequence[ResumeFrom]) -> list[Places]:
        """`ChatStore.places`."""
        async with self._database.snapshot() as db:
            return await places(db, readers)

    async def logs(self, reads: Sequence[LogRead]) -> list[Log | None]:
        """`ChatStore.logs`."""
        async with self._database.snapshot() as db:
            return await logs(db, reads)

    async def passed(self, reads: Sequence[PassedRead]) -> list[list[Passed]]:
        """`ChatStore.passed`."""
        found: list[list[tuple[int, int, int]]] = [[] for _ in reads]
        asked = [(read.chat_id, read.before, read.after) for read in reads]
        async with self._database.snapshot() as db:
            for n, *message in await db.fetch(PASSED, *columns(asked, 3)):
                found[n - 1].append(tuple(message))
        return [
            passed(messages, read.before, read.after, read.reader_id)
            for read, messages in zip(reads, found, strict=True)
        ]

    async def counts(self, chat_ids: Sequence[int]) -> list[ReceiptCount]:
        """`ChatStore.counts`."""
        async with self._database.snapshot() as db:
            return [await _count(db, chat_id) for chat_id in chat_ids]

    async def waiting(self, limit: int) -> list[tuple[int, int]]:
        """`ChatStore.waiting`."""
        async with self._database.snapshot() as db:
            return [(row[0], row[1]) for row in await db.fetch(WAITING, limit)]


async def _count(db: Any, chat_id: int) -> ReceiptCount:
    top = OPEN
    while rows := await between(db, chat_id, 1, top, PAGE, newest=True):
        newest = next((row for row in rows if row.type != "system"), None)
        if newest is not None:
            delivered, read = await db.fetchrow(COUNT, newest.seq, chat_id, newest.sender_id)
            return ReceiptCount(chat_id, newest.seq, delivered, read, newest.sender_id)
        top = rows[-1].seq
    return ReceiptCount(chat_id, 0, 0, 0, 0)


# ── a commit ──


async def _apply(work: Work, changes: list[Change], wait: bool) -> list[Outcome | None]:
    """Lock, load, change, save."""
    targets = await _targets(work, changes)
    wanted = sorted({target for target in targets if target is not None})
    busy = await work.lock_chats(wanted, wait=wait) if wanted else set()
    work.check_keys()
    taken = [i for i, target in enumerate(targets) if target not in busy]
    await work.lock_users({user for i in taken for user in _users(work, changes[i])})
    await work.load_positions(
        key for i in taken if (key := _position(changes[i], targets[i])) is not None
    )
    outcomes: list[Outcome | None] = [None] * len(changes)
    for _, run in groupby(taken, key=lambda i: type(changes[i])):
        indices = list(run)
        found = await _run(work, [changes[i] for i in indices])
        for index, outcome in zip(indices, found, strict=True):
            outcomes[index] = outcome
    await work.flush()
    return outcomes


async def _targets(work: Work, changes: list[Change]) -> list[int | None]:
    """The chat of each change; new ones are put there, to be made by it."""
    posts = [c for c in changes if isinstance(c, Post) and c.new_chat is not None]
    if posts:
        check = work.plan.check_ids
        work.known.update(await known_posts(work.db, posts, check_ids=check))
    new = [pair for c in changes if (pair := _new_chat(work, c)) is not None]
    await work.claim(new)
    amended = [c.message_id for c in changes if isinstance(c, Amend)]
    chat_of: dict[int, int | None] = {}
    if amended:
        chat_of.update(await work.db.fetch(CHAT_OF, amended))
    targets: list[int | None] = []
    for change in changes:
        target = _target(work, change, chat_of)
        if isinstance(change, Post | GroupChange):
            chat_of.setdefault(change.id, target)
        targets.append(target)
    return targets


def _new_chat(work: Work, change: Change) -> tuple[NewChat, int] | None:
    match change:
        case Create():
            return change.chat, change.at
        case Post(new_chat=NewChat() as chat) if dedupe(change) not in work.known:
            return chat, change.at
    return None


def _target(work: Work, change: Change, chat_of: dict[int, int | None]) -> int | None:
    match change:
        case Post(new_chat=NewChat() as new):
            known = work.known.get(dedupe(change))
            return _place_of(work, new) if known is None else known.chat_id
        case Create():
            return _place_of(work, change.chat)
        case Amend():
            return chat_of.get(change.message_id)
        case PlaceMe() | SetMe() | SetBlock() | Seen():
            return None
        case _:
            return change.chat_id


def _place_of(work: Work, new: NewChat) -> int:
    return new.id if new.key is None else work.keys[new.key]


def _users(work: Work, change: Change) -> Iterable[int]:
    """Whose own logs it goes on in, as far as it says so itself."""
    match change:
        case Post(new_chat=NewChat() as new) | Create(chat=new):
            return new.members if _target(work, change, {}) in work.unmade else ()
        case Fill():
            return change.members
        case Enrol():
            return change.users
        case Join():
            return (change.by,)
        case Amend(do=Hide()):
            return (change.by,)
        case Leave() | SetRole() | Mute() | SetMe() | SetBlock():
            return (change.user_id,)
        case Advance():
            return (change.user_id,) if change.read else ()
        case Post() | SetChat() | Amend() | PlaceMe() | Seen():
            return ()
        case _:
            assert_never(change)


def _position(change: Change, target: int | None) -> tuple[int, int] | None:
    """Whose place in which chat most changes need: all are loaded together."""
    match change:
        case Post() if target is not None:
            return target, change.sender_id
        case Advance():
            return change.chat_id, change.user_id
        case _:
            return None


async def _run(work: Work, run: list[Change]) -> list[Outcome]:
    """Changes of one kind, in order."""
    match run[0]:
        case Post():
            return await post_all(work, cast(list[Post], run))
        case Advance():
            return await advance(work, cast(list[Advance], run))
        case PlaceMe():
            return await place_me(work, cast(list[PlaceMe], run))
        case _:
            return [await _one(work, change) for change in run]


async def _one(work: Work, change: Change) -> Outcome:
    match change:
        case Create():
            return await create(work, change)
        case Fill():
            return await fill(work, change)
        case Enrol() | Join() | Leave() | SetRole() | SetChat():
            return await change_group(work, change)
        case Mute():
            return await mute(work, change)
        case SetMe():
            return await set_me(work, change)
        case SetBlock():
            return await set_block(work, change)
        case Amend():
            return await amend_message(work, change)
        case Seen():
            for user in change.users:
                work.saw(*user)
            return Placed()
        case Post() | Advance() | PlaceMe():
            return (await _run(work, [change]))[0]
        case _:
            assert_never(change)


def days_of(changes: Iterable[Change], now: int) -> set[int]:
    """The days that a commit writes to, as far as they can be told before."""
    days = {now // DAY_MS}
    for change in changes:
        match change:
            case Post() | Enrol() | Join() | Leave() | SetRole() | SetChat():
                days |= {day_of_id(change.id), change.at // DAY_MS}
            case Advance():
                days.add(change.at // DAY_MS)
            case _:
                pass
    return days
