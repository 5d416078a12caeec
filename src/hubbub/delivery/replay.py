"""Catching up: reading logs from the store for connections that resumed or fell behind.

One worker serves them all in rounds, so that a thousand that reconnect at once cost a few
reads of the store, not thousands. A connection whose socket is full waits its turn until the
socket is empty; what happens meanwhile is held, or read in another round.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import Final

from hubbub import present
from hubbub.delivery.catching_up import Replay
from hubbub.delivery.flight import Flight
from hubbub.delivery.hub import Hub
from hubbub.delivery.receipts import Receipts
from hubbub.delivery.subscriber import GONE, MAX_RECEIPTS, ME, Subscriber
from hubbub.domain.own import MeEvent, MyChat
from hubbub.domain.reading import Log, ReplayBounds
from hubbub.domain.relation import PLAIN
from hubbub.domain.view import Place, Places
from hubbub.ports import ChatStore, Clock, LogRead, OwnLog, ResumeFrom, Unavailable
from hubbub_protocol import frames
from hubbub_protocol.codes import Close

ROUND_REPLAYS: Final = 256
"""Replays served in one round."""
ROUND_ROWS: Final = 4_000
"""Messages read in one round, about."""
REPAIR_ROWS: Final = 50
"""Messages expected of a log that a live connection fell behind in."""
ME_PAGE: Final = 1_000
MOST_FAILURES: Final = 10
"""Rounds of a live connection that find the store away though it was back: what is answered to
others may be too much for one.
"""


class Replays:
    """See the module."""

    def __init__(
        self,
        hub: Hub,
        store: ChatStore,
        receipts: Receipts,
        own_log: OwnLog,
        clock: Clock,
        bounds: ReplayBounds,
        flight: Flight,
    ) -> None:
        self._interest = hub.interest
        self._hub = hub
        self._flight = flight
        flight.on_landed = self._settle
        self._store = store
        self._receipts = receipts
        self._own_log = own_log
        self._clock = clock
        self._bounds = bounds
        self._queue: deque[Replay] = deque()
        self._work = asyncio.Event()
        self._settling: list[Subscriber] = []
        self._reread = self.reread  # one for all readers
        self.wait: Callable[[Replay], None] = Replay.turn_away
        """A live connection found the store away; `go_on` when it is back."""
        self.repairs = 0
        self.resumes = 0

    # ── starting ──

    def resume(
        self,
        subscriber: Subscriber,
        positions: dict[int, int] | None,
        me: int,
        receipts: Iterable[int],
    ) -> None:
        """From these places to live; `caught_up` ends it."""
        self.resumes += 1
        self._hub.attach(subscriber)
        subscriber.behind, subscriber.outdated = None, False
        subscriber.reread = self._reread
        replay = Replay(subscriber, positions, me, receipts, repair=False)
        if not self._flight.exact:
            for chat_id in replay.receipts:
                self._hub.authors.note(subscriber.user_id, chat_id)
        replay.budget = self._bounds.per_resume
        self._enqueue(replay)

    def reread(self, subscriber: Subscriber) -> None:
        """From the places where it fell behind; nothing to do while another replay runs."""
        behind = subscriber.behind
        if subscriber.replay is not None or subscriber.blocked:
            return
        receipts, subscriber.missed_receipts = subscriber.missed_receipts, None
        if subscriber.outdated:
            self._look_at_all(subscriber, receipts or ())
            return
        if behind is None and receipts is None:
            return
        self.repairs += 1
        subscriber.behind = None
        behind = behind or {}
        replay = Replay(subscriber, behind, behind.get(ME, 0), receipts or (), repair=True)
        replay.budget = self._bounds.per_resume
        replay.pending = deque(
            Place(c, p, 0, 0, False, p + 1) for c, p in behind.items() if c != ME
        )
        self._enqueue(replay)

    def catch_up(self, subscriber: Subscriber, receipts: Collection[int]) -> None:
        """Something was lost, and nobody knows what: look at all his logs, and these receipts."""
        if subscriber.trims is None and subscriber.replay is None:
            return  # it has yet to resume
        subscriber.outdated = True
        if receipts:
            missed = subscriber.missed_receipts or set()
            subscriber.missed_receipts = {*missed, *islice(receipts, MAX_RECEIPTS)}
        self.reread(subscriber)

    def _look_at_all(self, subscriber: Subscriber, receipts: Collection[int]) -> None:
        self.repairs += 1
        subscriber.behind, subscriber.outdated = None, False
        places = {log: place for log, place in (subscriber.trims or {}).items() if place != GONE}
        me = places.pop(ME, 0)
        replay = Replay(subscriber, places, me, receipts, repair=True)
        replay.whole = True
        replay.budget = self._bounds.per_resume
        self._enqueue(replay)

    def writable(self, subscriber: Subscriber) -> None:
        """Its socket is empty again."""
        subscriber.blocked = False
        if subscriber.replay is None:
            self.reread(subscriber)
        elif isinstance(subscriber.replay, Replay):
            self._queue_again(subscriber.replay)

    def _enqueue(self, replay: Replay) -> None:
        replay.subscriber.replay = replay
        self._queue_again(replay)

    def _queue_again(self, replay: Replay) -> None:
        if not replay.queued:
            replay.queued = True
            self._queue.append(replay)
            self._work.set()

    # ── the rounds ──

    async def run(self) -> None:
        """Serve rounds until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._queue:
                taken = min(len(self._queue), ROUND_REPLAYS)
                await self.round([self._queue.popleft() for _ in range(taken)])
                self._hub.flush()

    async def round(self, replays: Sequence[Replay]) -> None:
        """One step of each; those not done are queued again."""
        for replay in replays:
            replay.queued = False
        live = [r for r in replays if r.subscriber.replay is r]
        try:
            await self._locate([r for r in live if r.pending is None])
            await self._own([r for r in live if r.repair and r.covers(ME)])
            await self._read(live)
            for replay in live:
                if not replay.pending and not replay.subscriber.blocked:
                    await self._finish(replay)
        except Unavailable:
            self._put_off([r for r in live if r.subscriber.replay is r])
            return
        for replay in live:
            # One that is blocked is queued again by `writable`.
            if replay.subscriber.replay is replay and not replay.subscriber.blocked:
                self._queue_again(replay)

    def _put_off(self, replays: Iterable[Replay]) -> None:
        """The store is away: live connections wait, others are told so."""
        for replay in replays:
            if replay.repair and replay.failures < MOST_FAILURES:
                replay.failures += 1
                replay.queued = True
                self.wait(replay)
            else:
                replay.turn_away()

    def go_on(self, replays: Iterable[Replay]) -> None:
        """The store is back for these that waited."""
        for replay in replays:
            replay.queued = False
            if replay.subscriber.replay is replay and not replay.subscriber.blocked:
                self._queue_again(replay)

    async def _locate(self, replays: list[Replay]) -> None:
        """What changed for those who resume, and their own logs."""
        if not replays:
            return
        await self._interest.placed()
        asked = [
            ResumeFrom(r.subscriber.user_id, r.subscriber.session_id, r.positions, r.me)
            for r in replays
        ]
        for replay, places in zip(replays, await self._store.places(asked), strict=True):
            self._located(replay, places)

    def _located(self, replay: Replay, places: Places) -> None:
        subscriber = replay.subscriber
        if subscriber.replay is not replay:  # it closed meanwhile
            return
        subscriber.stand(PLAIN if places.stance.is_plain else places.stance)
        if replay.repair:
            self._end_large(subscriber, places)
        for chat_id, since in places.large.items():
            self._hub.subscribe(chat_id, subscriber, since)
        self._send_me(replay, places.me, places.me_head)
        replay.pending = deque(places.changed)
        # What a large chat got before we subscribed to it, and after its head was read.
        unread = places.large.keys() - {place.chat_id for place in places.changed}
        heads, stays = places.heads, places.large
        replay.pending += [Place(c, heads[c], 0, 0, True, stays[c]) for c in sorted(unread)]
        replay.heads.update(places.heads)
        replay.done.update(places.heads)

    def _end_large(self, subscriber: Subscriber, places: Places) -> None:
        """That a chat is large no more was not heard; or it is again, which a second look finds."""
        for chat_id in subscriber.large:
            if chat_id not in places.large:
                self._hub.unsubscribe(chat_id, subscriber)
                subscriber.outdated = True

    async def _own(self, replays: list[Replay]) -> None:
        """The own logs of those who fell behind in them."""
        for replay in replays:
            if ME not in replay.done:
                events, head = await self._own_log.me(replay.subscriber.user_id, replay.me, ME_PAGE)
                self._send_me(replay, events, head)

    def _send_me(self, replay: Replay, events: list[MeEvent], head: int) -> None:
        subscriber, place = replay.subscriber, replay.me
        for event in events:
            if replay.repair and event.rev > place + 1:
                subscriber.answer(frames.Skip(frames.ME, place + 1, event.rev - 1))
            frame = present.me(event)
            subscriber.answer(frame)
            start = subscriber.told(frame)
            if isinstance(event, MyChat):
                replay.begin_at(event)
                if start is not None:
                    subscriber.fall_behind(event.chat_id, start)
            place = event.rev
        if replay.repair and head > place:
            subscriber.answer(frames.Skip(frames.ME, place + 1, head))
        replay.heads[ME] = replay.done[ME] = head
        if subscriber.sent is not None:
            subscriber.sent[ME] = head

    async def _read(self, replays: list[Replay]) -> None:
        """The next chats of each, up to a bounded number of messages in all."""
        reads: list[tuple[Replay, Place, LogRead]] = []
        rows = 0
        for replay in replays:
            while replay.pending and rows < ROUND_ROWS:
                place = replay.pending.popleft()
                read = self._log_read(replay, place)
                expected = REPAIR_ROWS if replay.repair else place.head - place.place
                rows += min(expected, read.limit)
                reads.append((replay, place, read))
        if reads:
            for (replay, place, _), log in zip(reads, await self._logs(reads), strict=True):
                self._send_log(replay, place, log)
            self._hub.flush()

    async def _logs(self, reads: Sequence[tuple[Replay, Place, LogRead]]) -> list[Log | None]:
        """Raises Unavailable; then all is as it was."""
        await self._interest.placed()
        try:
            return await self._store.logs([read for _, _, read in reads])
        except Unavailable:
            for replay, place, _ in reversed(reads):
                assert replay.pending is not None
                replay.pending.appendleft(place)
            raise

    def _log_read(self, replay: Replay, place: Place) -> LogRead:
        limit = min(self._bounds.per_chat, max(replay.budget, 0))
        bounds = ReplayBounds(self._bounds.age_ms, limit, self._bounds.per_resume)
        return LogRead(
            replay.subscriber.user_id,
            place.chat_id,
            place.place,
            limit,
            bounds,
            self._clock.now_ms(),
        )

    def _send_log(self, replay: Replay, start: Place, log: Log | None) -> None:
        subscriber = replay.subscriber
        if log is None:  # removed meanwhile: his own log says so
            replay.left(start.chat_id)
            self._hub.unsubscribe(start.chat_id, subscriber)
            return
        if log.since > max(start.since, subscriber.place(log.chat_id) + 1):
            # Removed and back again, of which his own log has yet to tell: it comes first.
            subscriber.link.close(Close.TRY_LATER, "a chat was left and entered anew; reconnect")
            return
        replay.budget -= len(log.rows)
        place = start.place
        if replay.repair:  # meanwhile he may have been told that a new stay of his begins
            place = max(place, subscriber.place(log.chat_id))
        chat = present.chat_ref(log.chat_id)
        if log.gap is not None and log.gap[1] > place:
            subscriber.answer(frames.Gap(chat, max(log.gap[0], place + 1), log.gap[1]))
            place = log.gap[1]
        for row in log.rows:
            if replay.repair and row.rev <= place:
                continue
            if replay.repair and row.rev > place + 1:
                subscriber.answer(frames.Skip(chat, place + 1, row.rev - 1))
            own = row.sender_id == subscriber.user_id
            if own and not self._flight.exact:
                self._hub.authors.note(subscriber.user_id, log.chat_id)
                if replay.whole and replay.repair and log.chat_id not in replay.receipts:
                    replay.receipts.append(log.chat_id)  # nobody may have known that he wrote there
            subscriber.answer(
                present.message(row, log.members, present.client_ref(row) if own else None)
            )
            place = row.rev
        if replay.repair and log.position > place:
            subscriber.answer(frames.Skip(chat, place + 1, log.position))
        replay.heads[log.chat_id] = replay.done[log.chat_id] = log.position
        if subscriber.sent is not None:
            subscriber.sent[log.chat_id] = log.position

    async def _finish(self, replay: Replay) -> None:
        """Receipts that were missed, then `caught_up`, then what was held, then live."""
        subscriber = replay.subscriber
        for frame in await self._receipts.read(subscriber, replay.receipts):
            subscriber.answer(frame)
        if subscriber.replay is not replay:
            return
        if not replay.repair:
            subscriber.answer(frames.CaughtUp(_named(replay.done)))
        if not self._flight.landed:
            # Commits that this replay has seen may still be on their way to the relay.
            subscriber.trims = _furthest(subscriber.trims or {}, replay.heads)
            subscriber.watchful = not self._flight.exact
            if self._flight.exact:
                self._settling.append(subscriber)
        replay.release()
        self.reread(subscriber)

    def _settle(self) -> None:
        """Nothing is on its way any more: positions need not be compared."""
        for subscriber in self._settling:
            subscriber.trims = None
        self._settling.clear()


def _furthest(told: dict[int, int], read: dict[int, int]) -> dict[int, int]:
    """Where he is: what he was told while others were read, of a new stay for one, counts, too."""
    return told | {log_id: max(place, told.get(log_id, 0)) for log_id, place in read.items()}


def _named(positions: dict[int, int]) -> dict[str, int]:
    return {frames.ME if c == ME else present.chat_ref(c): p for c, p in positions.items()}
