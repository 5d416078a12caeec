"""Who is here, since when he is not, and who is told of it.

A user is online from the first of his connections that resumes until some seconds after the last
is gone: who comes back meanwhile was never away. One task does whatever takes time: it tells what
has changed, answers those who begin to look, and stores when users were last seen. All of it is
gathered and done in bounded rounds, so that thousands who come back at once cost a few events and
reads, and those who leave for good a few rows in commits that are made anyway. Nothing is kept of
a user but his place in a set: no timer, no task.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from hubbub import present
from hubbub.delivery.hub import Hub
from hubbub.delivery.subscriber import NOTHING, Subscriber
from hubbub.delivery.tail import NO_SESSION
from hubbub.delivery.watchers import Watchers
from hubbub.domain.change import Seen
from hubbub.domain.events import Event, PresenceEvent
from hubbub.domain.relation import Pair, Relation, sees
from hubbub.ports import Clock, Relations, Unavailable
from hubbub_protocol.codes import Refused

PAUSE: Final = 0.05
"""Seconds between two rounds: what comes meanwhile is one round."""
SWEEP: Final = 1.0
"""Seconds between two looks at who has been away for long enough."""
ROUND_EVENTS: Final = 1_000
ROUND_PAIRS: Final = 500
ROUND_SEEN: Final = 200
"""What one round publishes, asks the store for, and stores."""
MOST_AWAY: Final = 200_000
"""Users who may come back unnoticed, and users whose last time waits for the store."""


class Presence:
    """See the module. `grace`: seconds without a connection until a user is offline."""

    def __init__(
        self,
        hub: Hub,
        watchers: Watchers,
        relations: Relations,
        publish: Callable[[Sequence[Event]], None],
        store: Callable[[Seen], Awaitable[object]],
        clock: Clock,
        grace: float,
    ) -> None:
        self._interest = hub.interest
        self._hub = hub
        self._watchers = watchers
        self._relations = relations
        self._publish = publish
        self._store = store
        self._clock = clock
        self._grace = grace
        self._here: set[int] = set()
        self._away: dict[int, tuple[float, int]] = {}  # until when, and since when
        self._news: dict[int, PresenceEvent] = {}
        self._unstored: dict[int, int] = {}
        self._focus: dict[Subscriber, tuple[int, ...]] = {}
        self._asking: dict[Subscriber, None] = {}
        self._work = asyncio.Event()
        hub.on_arrival.append(self._arrived)
        hub.on_departure.append(self._departed)
        watchers.on_missed = self._work.set

    def __len__(self) -> int:
        """Users who are connected."""
        return len(self._here)

    async def states(self, relations: Sequence[Relation]) -> list[tuple[bool, int]]:
        """Whether each other is online, and when he was last (Unix ms, 0: that is not known).

        One whom no process has now, but who was here a moment ago, may come back.
        """
        absent = [r.other_id for r in relations if not self._is_here(r.other_id)]
        elsewhere = await self._interest.elsewhere(absent)
        return [self._state(relation, elsewhere) for relation in relations]

    def _is_here(self, user_id: int) -> bool:
        return user_id in self._here or user_id in self._away

    def _state(self, relation: Relation, elsewhere: Collection[int]) -> tuple[bool, int]:
        other = relation.other_id
        at = max(relation.last_seen_at, self._unstored.get(other, 0))
        if self._is_here(other) or other in elsewhere:
            return True, at
        if self._clock.now_ms() - at >= self._grace * 1000:
            return False, at
        self._wait_for(other, at)
        return True, at

    # ── coming and going ──

    def _arrived(self, subscriber: Subscriber) -> None:
        user_id = subscriber.user_id
        if subscriber.session_id == NO_SESSION or user_id in self._here:
            return
        self._here.add(user_id)
        if self._away.pop(user_id, None) is None:
            self._tell(PresenceEvent(user_id, True, 0))

    def _departed(self, subscriber: Subscriber) -> None:
        self._forget(subscriber)
        user_id = subscriber.user_id
        left = (one.session_id for one in self._hub.of_user(user_id))
        if user_id not in self._here or any(session != NO_SESSION for session in left):
            return
        self._here.remove(user_id)
        self._wait_for(user_id, self._clock.now_ms())

    def _wait_for(self, user_id: int, since: int) -> None:
        self._away[user_id] = (self._clock.monotonic() + self._grace, since)
        if len(self._away) > MOST_AWAY:
            self._gone(next(iter(self._away)))
        self._work.set()

    def _gone(self, user_id: int) -> None:
        _, since = self._away.pop(user_id)
        self._unstored[user_id] = since
        if len(self._unstored) > MOST_AWAY:
            del self._unstored[next(iter(self._unstored))]
        self._tell(PresenceEvent(user_id, False, since))

    def _tell(self, event: PresenceEvent) -> None:
        self._news[event.user_id] = event
        self._work.set()

    # ── looking ──

    def focus(self, subscriber: Subscriber, chat_ids: Sequence[int]) -> None:
        """These chats are on its screen: it is told of its peers now and when they change."""
        self._forget(subscriber)
        subscriber.focus = frozenset(chat_ids) or NOTHING
        if chat_ids:
            self._focus[subscriber] = tuple(subscriber.focus)
            self._ask(subscriber)

    def look_again(self) -> None:
        """Some may have gone, or come, and nobody said so."""
        self._asking |= dict.fromkeys(self._focus)
        self._work.set()

    def _forget(self, subscriber: Subscriber) -> None:
        if self._focus.pop(subscriber, None) is not None:
            self._asking.pop(subscriber, None)
            self._watchers.unwatch(subscriber)

    def _ask(self, subscriber: Subscriber) -> None:
        self._asking[subscriber] = None
        self._work.set()

    # ── the rounds ──

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if not self._news and not self._unstored:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP if self._away or self._asking else None):
                        await self._work.wait()
            self._work.clear()
            await self._expire()
            self._publish_news()
            await self._look()
            await self._note()
            await asyncio.sleep(PAUSE)

    async def leave(self) -> None:
        """The server stops: whoever is here was last seen now. Raises nothing; what the store
        does not take is lost.
        """
        now = self._clock.now_ms()
        self._unstored |= {user: since for user, (_, since) in self._away.items()}
        self._unstored |= dict.fromkeys(self._here, now)
        while self._unstored and await self._note():
            pass

    async def _expire(self) -> None:
        """Who has been away for long enough; they left in the order of their deadlines."""
        now = self._clock.monotonic()
        first = islice(self._away.items(), ROUND_EVENTS)
        gone = [user_id for user_id, (until, _) in first if until <= now]
        elsewhere = await self._interest.elsewhere(gone)
        for user_id in gone:
            if self._away.get(user_id, (now + 1, 0))[0] > now:
                continue  # he is back, or left again
            if user_id in elsewhere:
                del self._away[user_id]
            else:
                self._gone(user_id)

    def _publish_news(self) -> None:
        taken = list(islice(self._news.values(), ROUND_EVENTS))
        for event in taken:
            del self._news[event.user_id]
        if taken:
            self._publish(taken)

    async def _look(self) -> None:
        """Answer those who look, as many as one read of the store is for."""
        taken = self._take()
        if not taken:
            return
        pairs = [Pair(reader.user_id, 0, chat_id) for reader, chats in taken for chat_id in chats]
        relations = await self._read(pairs)
        found = iter(relations or ())
        looking: list[tuple[Subscriber, list[Relation]]] = []
        for reader, chats in taken:
            part = [relation for relation in islice(found, len(chats)) if relation is not None]
            if self._focus.get(reader) is not chats:
                continue  # it looks at something else by now
            if relations is None:
                self._asking[reader] = None
            else:
                looking.append((reader, part))
        await self._show(looking)
        self._hub.flush()

    def _take(self) -> list[tuple[Subscriber, tuple[int, ...]]]:
        """Those who look, and the chats; whoever takes nothing now waits."""
        for reader in self._watchers.missed:
            if reader in self._focus:
                self._asking[reader] = None
        self._watchers.missed.clear()
        taken: list[tuple[Subscriber, tuple[int, ...]]] = []
        count = 0
        for reader in self._asking:
            if not reader.blocked:
                taken.append((reader, self._focus[reader]))
                count += len(self._focus[reader])
            if count >= ROUND_PAIRS:
                self._work.set()
                break
        for reader, _ in taken:
            del self._asking[reader]
        return taken

    async def _read(self, pairs: Sequence[Pair]) -> list[Relation | None] | None:
        """None: it cannot be had now, or somebody stands to others in another way since then."""
        unsettled = self._watchers.unsettled
        try:
            relations = await self._relations.relations(pairs)
        except Unavailable:
            return None
        return relations if self._watchers.unsettled == unsettled else None

    async def _show(self, looking: Sequence[tuple[Subscriber, list[Relation]]]) -> None:
        """How it is now; from here on they hear of changes."""
        for reader, relations in looking:
            self._watchers.watch(reader, {r.other_id: sees(r) for r in relations})
        await self._interest.placed()
        states = iter(await self.states([r for _, relations in looking for r in relations]))
        for reader, relations in looking:
            shown = list(zip(relations, islice(states, len(relations)), strict=True))
            if not self._watchers.has(reader):
                continue  # meanwhile it looks at something else, or is to ask anew
            for relation, state in shown:
                online, at = state if sees(relation) else (False, 0)
                reader.answer(present.presence(relation.other_id, online, at))

    async def _note(self) -> bool:
        """Store when users were last seen, with the next commit. False: it is not taken now."""
        taken = tuple(islice(self._unstored.items(), ROUND_SEEN))
        if not taken:
            return True
        try:
            await self._store(Seen(taken))
        except (Refused, Unavailable):
            return False
        for user_id, at in taken:
            if self._unstored.get(user_id) == at:
                del self._unstored[user_id]
        return True
