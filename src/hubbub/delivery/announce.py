"""From committed changes to events on the bus; only what is stored is ever announced."""

from collections.abc import Callable, Sequence
from typing import Final, assert_never, get_args

from hubbub.delivery.cursors import by_sending, ranges
from hubbub.delivery.flight import Flight
from hubbub.delivery.moves import large_moves, members_after, seated, system_row
from hubbub.delivery.unsure import unsure
from hubbub.domain.change import (
    Advanced,
    Amended,
    Change,
    Create,
    Created,
    Denied,
    Fill,
    Filled,
    GroupChange,
    Logged,
    Made,
    Mismatch,
    Missing,
    Outcome,
    Placed,
    Post,
    Posted,
    SetChat,
    Stale,
)
from hubbub.domain.chat import LARGE, direct_key
from hubbub.domain.events import (
    Event,
    JoinedLarge,
    LeftLarge,
    OwnEvent,
    ReceiptEvent,
    RowEvent,
    StanceEvent,
    UnsureEvent,
)
from hubbub.domain.message import Row
from hubbub.domain.own import MeEvent, MyBlock, MySettings, Told
from hubbub.domain.receipt import Passed
from hubbub.domain.roster import KnownChat, Roster
from hubbub.ports import ChatStore, Lookup, PassedRead, Unavailable

MEMBERSHIP: Final = (*get_args(GroupChange), Fill)
"""Changes of who hears."""
_CHANGE_WHO_HEARS: Final = frozenset[type](MEMBERSHIP)

Publish = Callable[[Sequence[Event]], None]


class Announcer:
    """Turns outcomes into events, and keeps the roster in step. Never raises."""

    def __init__(
        self,
        roster: Roster,
        store: ChatStore,
        publish: Publish,
        count: Callable[[KnownChat, Advanced], None],
        flight: Flight,
        begin_anew: Callable[[UnsureEvent], None],
        flush: Callable[[], None],
    ) -> None:
        self._roster = roster
        self._store = store
        self._publish = publish
        self._count = count
        self._flight = flight
        self._begin_anew = begin_anew
        self._flush = flush
        self.is_large: Callable[[int], bool] = lambda chat_id: False
        """Whether a chat that the roster does not know is taken for a large one here."""
        self.on_waiting: Callable[[], None] = _nobody
        """Reactions wait for a position, or may."""

    def begin(self) -> None:
        """A commit begins."""
        self._flight.committing = True

    def anew(self, changes: Sequence[Change]) -> None:
        """What was committed is not known, so it cannot be told: all connections look for it."""
        self._begin_anew(unsure(changes))
        self.on_waiting()

    def end(self) -> None:
        """It ended, and was told where it succeeded.

        Answers go out with the events of their commit; here, when there were none, as for a
        message that was known already.
        """
        self._roster.release()
        self._flight.committing = False
        self._flight.check()
        self._flush()

    async def prepare(self, changes: Sequence[Change]) -> None:
        """Learn the chats whose members are about to change: who they were decides who hears."""
        self._roster.hold()
        if _CHANGE_WHO_HEARS.isdisjoint(map(type, changes)):
            return
        knows = self._roster.knows
        unknown = {c.chat_id for c in changes if isinstance(c, MEMBERSHIP) and not knows(c.chat_id)}
        if unknown:
            await self._find(unknown)

    async def tell(self, changes: Sequence[Change], outcomes: Sequence[Outcome]) -> None:
        """Announce a commit."""
        stood = self._stand(outcomes)  # before anything is waited for
        # First, so that what is under way to a large chat does not come after what follows.
        events: list[Event] = [LeftLarge(chat, 0) for chat in await self._learn(outcomes)]
        advances: list[Advanced] = []
        for change, outcome in zip(changes, outcomes, strict=True):
            match outcome:
                case Posted():
                    assert isinstance(change, Post)
                    self._posted(change, outcome, events)
                    if not outcome.duplicate and outcome.read_before < outcome.seq - 1:
                        advances.append(by_sending(change, outcome))
                case Advanced():
                    advances.append(outcome)
                case Logged():
                    assert isinstance(change, GroupChange)
                    self._logged(outcome, events)
                    if isinstance(change, SetChat):
                        self._roster.ask_again(change.chat_id)
                case Amended():
                    self._amended(outcome, events)
                case Created():
                    assert isinstance(change, Create)
                    self._created(change, outcome, events)
                case Filled():
                    assert isinstance(change, Fill)
                    self._filled(change, outcome, events)
                case Told(me=me) if me is not None:
                    events.append(OwnEvent(me))
                case Told() | Mismatch() | Missing() | Denied() | Placed() | Stale():
                    pass  # nothing happened that others could see
                case _:
                    assert_never(outcome)
        for me in stood:  # last: chats that were made in the same commit are known now
            self._stood(me)
        if advances:
            await self._advanced(advances, events)
        if events:
            self._publish(events)

    async def _learn(self, outcomes: Sequence[Outcome]) -> list[int]:
        """Ask the store for chats that were forgotten since their message was allowed.

        And for those that are large no more, which are answered.
        """
        knows = self._roster.knows
        unknown = {
            o.chat_id
            for o in outcomes
            if isinstance(o, Posted) and not knows(o.chat_id) and o.made is None
        }
        unknown |= self._outdated(outcomes)
        shrunk = [o.chat_id for o in outcomes if isinstance(o, Logged) and self._shrank(o)]
        if unknown or shrunk:
            await self._find(unknown.union(shrunk))
        return shrunk

    def _outdated(self, outcomes: Sequence[Outcome]) -> set[int]:
        """Chats that others have changed beside what is told, as those that are not known."""
        found: set[int] = set()
        changes: dict[int, int] = {}
        for o in outcomes:
            if isinstance(o, Stale):
                self._roster.forget(o.chat_id)
            if isinstance(o, Amended) and o.changed:
                chat_id, now = o.row.chat_id, o.changes
            elif isinstance(o, Logged) and o.system:
                chat_id, now = o.chat_id, o.head.changes
            else:
                continue
            chat = self._roster.get(chat_id)
            before = changes.get(chat_id, -1 if chat is None else chat.changes)
            if before != now - 1 and (chat is not None or isinstance(o, Amended)):
                found.add(chat_id)
            changes[chat_id] = now
        return found

    def _shrank(self, outcome: Logged) -> bool:
        """Whether a large chat is small again; its members are then to be asked for."""
        chat = self._roster.get(outcome.chat_id)
        if chat is None or not chat.large or outcome.size > LARGE:
            return False
        self._roster.forget(outcome.chat_id)
        return True

    async def _find(self, unknown: set[int]) -> None:
        try:
            answers = await self._store.find([Lookup(0, chat_id) for chat_id in sorted(unknown)])
        except Unavailable:
            return  # nobody hears of it now; the next event of the chat makes them re-read
        for found in answers:
            if found is not None:
                self._roster.found(found, 0).tail_after = None

    # ── messages ──

    def _posted(self, post: Post, outcome: Posted, events: list[Event]) -> None:
        if outcome.made is not None:
            key = post.new_chat.key if post.new_chat is not None else None
            self._made(outcome.made, key, events)
        chat = self._roster.get(outcome.chat_id)
        if outcome.duplicate or chat is None:
            return
        chat.said(outcome.seq, outcome.id, post.sender_id)
        row = Row(
            outcome.id,
            outcome.chat_id,
            outcome.seq,
            outcome.seq,
            outcome.number,
            post.sender_id,
            post.client_id,
            outcome.at,
            post.type,
            post.content,
            post.media,
            post.reply_to,
            b"",
            post.thread_id,
            post.extra,
        )
        events.append(RowEvent(row, chat.members, chat.large))

    def _amended(self, outcome: Amended, events: list[Event]) -> None:
        row = outcome.row
        events.extend(OwnEvent(me) for me in outcome.told)
        if outcome.waits:
            self.on_waiting()
        chat = self._roster.get(row.chat_id)
        if outcome.changed and chat is None:  # nobody knows whom to tell: see `_find`
            events.append(UnsureEvent(changed=(row.chat_id,)))
        elif outcome.changed and chat is not None:
            chat.change(row.rev, outcome.changes)
            events.append(RowEvent(row, chat.members, chat.large, outcome.audience))

    # ── membership ──

    def _made(self, made: Made, key: str | None, events: list[Event]) -> None:
        chat = self._roster.made(made, key)
        events.extend(OwnEvent(me) for me in made.events)
        if chat.large:
            events.append(JoinedLarge(made.chat_id, made.members, 1, 1))

    def _created(self, change: Create, outcome: Created, events: list[Event]) -> None:
        self._made(outcome.made, change.chat.key, events)
        if change.chat.type == "direct":  # nobody has written there: who may, the store says
            self._roster.ask_again(outcome.made.chat_id)

    def _filled(self, fill: Fill, outcome: Filled, events: list[Event]) -> None:
        events.extend(OwnEvent(me) for me in outcome.events)
        joined = tuple(me.user_id for me in outcome.events)
        chat = self._roster.get(fill.chat_id)
        if outcome.size <= LARGE:
            if chat is not None:
                chat.members += joined
                chat.resize(outcome.size)
            return
        if outcome.seats:
            events.extend(seated(fill.chat_id, outcome.seats, outcome.seq + 1))
            self._roster.forget(fill.chat_id)
            return
        if chat is not None:
            chat.resize(outcome.size)
        events.append(JoinedLarge(fill.chat_id, joined, 1, outcome.seq + 1))

    def _logged(self, outcome: Logged, events: list[Event]) -> None:
        if not outcome.system:
            return
        before = self._roster.get(outcome.chat_id)
        was = before.members if before is not None else ()
        chat = self._roster.changed(outcome)
        large = outcome.size > LARGE
        events.extend(OwnEvent(me) for me in outcome.events)
        if large:
            events.extend(large_moves(outcome))
        elif outcome.size + len(outcome.events) > LARGE:
            events.append(LeftLarge(outcome.chat_id, 0))
        if before is None and not large:  # not found by `prepare`: the store was away
            events.append(UnsureEvent(changed=(outcome.chat_id,)))
            return
        row = system_row(outcome)
        members = chat.members if chat is not None else members_after(was, outcome.events)
        events.append(RowEvent(row, () if large else members, large))
        if chat is not None:
            chat.remember(row.seq, row.id, 0)

    def _stand(self, outcomes: Sequence[Outcome]) -> list[MeEvent]:
        """Who blocks somebody may be answered already, and types: the other is not to see it."""
        if Told not in map(type, outcomes):  # as most
            return []
        told = [(o.me, o.stance) for o in outcomes if isinstance(o, Told)]
        stood = [(me, stance) for me, stance in told if me is not None and stance is not None]
        if stood:
            self._publish([StanceEvent(me.user_id, stance) for me, stance in stood])
        return [me for me, _ in stood]

    def _stood(self, me: MeEvent) -> None:
        """Who stands to others in another way may let them write to him no more."""
        match me:
            case MyBlock():
                # It has no id in the event where it was made in the same commit.
                made = self._roster.by_key(direct_key(me.user_id, me.other_id))
                self._roster.ask_again(me.chat_id if made is None else made.chat_id)
            case MySettings() if me.privacy.inbox != "everyone":
                self._roster.ask_about(me.user_id)
            case _:
                pass

    # ── receipts ──

    async def _advanced(self, advances: list[Advanced], events: list[Event]) -> None:
        """Receipts, in the order in which the cursors moved: they never go back."""
        receipts: list[tuple[Advanced, bool, list[Passed]]] = []
        unknown: list[tuple[list[Passed], PassedRead]] = []
        knows, is_large = self._roster.knows, self.is_large
        doubtful = {m.chat_id for m in advances if not knows(m.chat_id) and is_large(m.chat_id)}
        if doubtful:  # that they are small again may not have been heard
            await self._find(doubtful)
        for moved in advances:
            if moved.me is not None:
                events.append(OwnEvent(moved.me))
            chat = self._roster.get(moved.chat_id)
            if chat is not None and chat.large:
                self._count(chat, moved)
                continue
            for before, after, read in ranges(moved):
                authors = None if chat is None else chat.passed(before, after, moved.user_id)
                if authors is None:
                    authors = []
                    asked = PassedRead(moved.chat_id, moved.user_id, before, after)
                    unknown.append((authors, asked))
                receipts.append((moved, read, authors))
        if unknown:
            await self._ask(unknown)
        events += [
            ReceiptEvent(m.chat_id, p.author_id, p.message_id, p.seq, m.user_id, read, m.at)
            for m, read, authors in receipts
            for p in authors
        ]

    async def _ask(self, unknown: list[tuple[list[Passed], PassedRead]]) -> None:
        """Positions older than the roster remembers: the store knows whose they are."""
        try:
            answers = await self._store.passed([read for _, read in unknown])
        except Unavailable:
            return  # the authors ask for receipts when they resume
        for (authors, _), found in zip(unknown, answers, strict=True):
            authors.extend(found)


def _nobody() -> None:
    """Nobody sees to it."""
