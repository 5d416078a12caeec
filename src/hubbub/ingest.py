"""The one queue in front of the store: bounded, committed in batches, answered in order.

There is no timer: a commit begins at once, and what arrives meanwhile is the next batch. Only
what is committed is answered, and only then announced (G1). Cursors that moved ride in the next
commit; those of large chats at most once a second and member.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Final, Protocol, cast

from hubbub.domain.amend import goes_with
from hubbub.domain.change import Advance, Amend, Change, Outcome, PlaceMe, Post, Stale
from hubbub.domain.draft import Draft
from hubbub.domain.gate import Names, SendGate
from hubbub.domain.latency import IngestStatistics
from hubbub.domain.limits import IngestLimits
from hubbub.ports import ChatStore, Clock, OutcomeUnknown, Unavailable
from hubbub_protocol.codes import Code, Refused

GATHER_TURNS: Final = 2
"""Turns of the loop that a batch waits for more, at most."""
ATTEMPTS: Final = 5
"""How often a batch whose outcome is unknown is repeated before it is refused."""
MAX_ADVANCES: Final = 5_000
"""Cursors in one commit."""
PATIENCE: Final = 5.0
"""Seconds for which a send is asked anew because its chat has changed meanwhile."""
LATER: Final = 1.0
"""Seconds until cursors that can wait are stored: of large chats, and of what is one's own."""
MAX_LATE: Final = 200
"""Of these in one commit, so that ten thousand of them do not hold up messages."""


class Waiting(Protocol):
    """A change on its way, and who waits for it: answered once, with its outcome or a refusal."""

    since: float
    """When it was put in, in the clock's seconds."""

    @property
    def request(self) -> Draft | Change:
        """What shall be done; a draft needs permission first."""

    @property
    def gate(self) -> SendGate | None:
        """Of the connection that sends; None where nothing keeps an order."""

    @property
    def target(self) -> Names:
        """Which chat, for the gate."""

    def answer(self, outcome: Outcome) -> None:
        """It is committed."""

    def refuse(self, refusal: Refused) -> None:
        """It is not carried out."""


Accept = Callable[[Sequence[tuple[Draft, Waiting]]], Awaitable[list[Post | Refused]]]
"""Permission for drafts, in order. Raises Unavailable."""
IsLarge = Callable[[int], bool]


class Announce(Protocol):
    """Tells those who are connected what was committed. Nothing here raises."""

    async def prepare(self, changes: Sequence[Change]) -> None:
        """These will be committed."""

    def begin(self) -> None:
        """A commit begins."""

    async def tell(self, changes: Sequence[Change], outcomes: Sequence[Outcome]) -> None:
        """It is committed."""

    def anew(self, changes: Sequence[Change]) -> None:
        """Whether they were is not known: whoever is connected must read the store."""

    def end(self) -> None:
        """It ended, one way or the other."""


class Ingest:
    """See the module. `run` does the work, in one task; the rest puts in and never waits."""

    def __init__(
        self,
        store: ChatStore,
        accept: Accept,
        announce: Announce,
        is_large: IsLarge,
        clock: Clock,
        limits: IngestLimits,
    ) -> None:
        self._store = store
        self._accept = accept
        self._announce = announce
        self._is_large = is_large
        self._clock = clock
        self._limits = limits
        self._queue: deque[Waiting] = deque()
        self._advances: dict[tuple[int, int, int], Advance] = {}
        self._later: dict[tuple[int, int, int], Advance] = {}
        self._late: deque[Advance] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._places: dict[int, PlaceMe] = {}
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._awake = False
        self.on_away: Callable[[], object] = lambda: None
        """The store did not answer."""
        self.statistics = IngestStatistics()

    @property
    def depth(self) -> int:
        """Changes that wait."""
        return len(self._queue)

    @property
    def capacity(self) -> int:
        """Changes that may wait."""
        return self._limits.queue

    # ── putting in ──

    def put(self, waiting: Waiting) -> None:
        """Queue a change. Raises Refused `overloaded` when too many wait (G7)."""
        if len(self._queue) >= self._limits.queue:
            refusal = Refused(
                Code.OVERLOADED, "The server has too much to do; try again a little later.", 1.0
            )
            self.count(refusal)
            self._close_gate(waiting, refusal)
            raise refusal
        self.statistics.accepted += 1
        waiting.since = self._clock.monotonic()
        self._queue.append(waiting)
        if not self._awake:
            self._wake()

    async def do(self, change: Change | Draft) -> Outcome:
        """Queue a change and wait for its outcome. Raises Refused. Cancelled, it is done or not."""
        waiting = Awaited(change, asyncio.get_running_loop().create_future())
        self.put(waiting)
        return await waiting.future

    def advance(self, move: Advance, soon: bool = True) -> None:
        """Move a cursor with the next commit; an earlier move that waits is joined with it.

        Not `soon`, and in large chats always: within a second.
        """
        key = (move.chat_id, move.user_id, move.session_id)
        soon = soon and not self._is_large(move.chat_id)
        waiting = self._advances if soon else self._later
        earlier = waiting.get(key)
        if earlier is not None:
            move = Advance(
                *key, max(earlier.delivered, move.delivered), max(earlier.read, move.read), move.at
            )
        elif len(self._advances) + len(self._later) + len(self._late) >= self._limits.queue * 10:
            return  # a cursor that is lost here is said again with the next one: cumulative
        waiting[key] = move
        if soon and not self._awake:
            self._wake()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LATER, self._release)

    def place_me(self, place: PlaceMe) -> None:
        """Move a session's place in its user's own log with the next commit."""
        earlier = self._places.get(place.session_id)
        if earlier is None or earlier.rev < place.rev:
            self._places[place.session_id] = place
            self._wake()

    def _release(self) -> None:
        """What could wait has waited."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._late.extend(self._later.values())
        self._later = {}
        self._wake()

    def _wake(self) -> None:
        self._awake = True
        self._idle.clear()
        self._work.set()

    # ── the loop ──

    async def run(self) -> None:
        """Commit batches until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._queue or self._advances or self._places or self._late:
                await self._gather()
                await self._batch()
            self._awake = False
            self._idle.set()

    async def _gather(self) -> None:
        """Take in what has arrived already: a few turns of the loop, while they bring more.

        No timer: when nothing else has come, the commit begins at once. Otherwise the store,
        woken by the first of many, would be handed them one by one.
        """
        for _ in range(GATHER_TURNS):
            before = len(self._queue) + len(self._advances)
            await asyncio.sleep(0)
            if len(self._queue) + len(self._advances) == before:
                return

    async def drain(self) -> None:
        """Wait until everything that was put in is committed or refused, cursors too."""
        if self._later:
            self._release()
        await self._idle.wait()

    async def _batch(self) -> None:
        waiting, changes = await self._permitted(self._take())
        changes += self._take_cursors()
        if changes:
            await self._store_and_tell(waiting, changes)

    def _take(self) -> list[Waiting]:
        """What goes on; of each message one change, since all of it may have to be repeated."""
        taken: list[Waiting] = []
        changed: set[object] = set()
        while self._queue and len(taken) < self._limits.batch:
            request = self._queue[0].request
            if isinstance(request, Amend) and not goes_with(request, changed):
                break
            taken.append(self._queue.popleft())
        return taken

    async def _permitted(self, waiting: list[Waiting]) -> tuple[list[Waiting], list[Change]]:
        """Those that may go on, as changes; the others are refused, in order."""
        drafts = [(r, w) for w in waiting if isinstance(r := w.request, Draft)]
        if not drafts:
            return waiting, [cast(Change, w.request) for w in waiting]
        try:
            verdicts = iter(await self._accept(drafts))
        except Unavailable as error:
            self._unavailable(waiting, error)
            return [], []
        permitted: list[Waiting] = []
        changes: list[Change] = []
        for w in waiting:
            change = next(verdicts) if isinstance(w.request, Draft) else w.request
            if isinstance(change, Refused):
                self._refuse(w, change)
            else:
                permitted.append(w)
                changes.append(change)
        return permitted, changes

    def _take_cursors(self) -> list[Change]:
        first = list(islice(self._advances, MAX_ADVANCES))
        taken: list[Change] = [self._advances.pop(key) for key in first]
        taken += [self._late.popleft() for _ in range(min(len(self._late), MAX_LATE))]
        taken += self._places.values()
        self._places = {}
        return taken

    async def _store_and_tell(self, waiting: list[Waiting], changes: list[Change]) -> None:
        await self._announce.prepare(changes)
        self._announce.begin()
        try:
            await self._commit_and_tell(waiting, changes)
        finally:
            self._announce.end()

    async def _commit_and_tell(self, waiting: list[Waiting], changes: list[Change]) -> None:
        repeats = self.statistics.repeats
        try:
            outcomes = await self._commit(changes)
        except Unavailable as error:
            self.statistics.failures += 1
            self._unavailable(waiting, error)
            self._keep_cursors(changes)
            if self.statistics.repeats != repeats:
                self._announce.anew(changes)
            return
        except Exception as error:
            self.statistics.failures += 1
            await self._one_by_one(waiting, changes, error)
            return
        self.statistics.batches += 1
        stale: list[Waiting] = []
        done: list[Waiting] = []
        for w, outcome in zip(waiting, outcomes, strict=False):  # cursors have nobody waiting
            if type(outcome) is Stale:
                stale.append(w)
            else:
                w.answer(outcome)
                done.append(w)
        self.statistics.committed += len(done)
        if self.statistics.repeats != repeats:
            # A commit that is repeated says that nothing changed, of what the first one did.
            self._announce.anew(changes)
        else:
            await self._announce.tell(changes, outcomes)
        self._ask_again(stale)
        self._observe(done)

    def _keep_cursors(self, changes: list[Change]) -> None:
        """Nobody waits for these, so nobody would say them again before he connects anew."""
        for change in changes:
            if isinstance(change, Advance):
                self.advance(change, soon=False)

    def _ask_again(self, stale: list[Waiting]) -> None:
        """Their chats have changed since they were permitted: first of all that waits (G3)."""
        now = self._clock.monotonic()
        for w in reversed(stale):
            if now - w.since < PATIENCE:
                self._queue.appendleft(w)
            else:
                self._refuse(w, Refused(Code.OVERLOADED, "The chat changes all the time.", 1.0))

    def _observe(self, waiting: list[Waiting]) -> None:
        now = self._clock.monotonic()
        for w in waiting:
            self.statistics.took(now - w.since)

    async def _commit(self, changes: list[Change]) -> list[Outcome]:
        """Repeated while the outcome is unknown: dedupe makes that safe (G2)."""
        for attempt in range(ATTEMPTS):
            try:
                return await self._store.commit(changes)
            except OutcomeUnknown:
                self.statistics.repeats += 1
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("the loop returns or raises")

    async def _one_by_one(
        self, waiting: list[Waiting], changes: list[Change], error: Exception
    ) -> None:
        """One change that the store cannot take must not take the others with it."""
        if len(changes) == 1:
            refusal = Refused(Code.INTERNAL, f"The server failed at this: {error}.")
            self._refuse_all(waiting, refusal)
            return
        for index, change in enumerate(changes):
            await self._commit_and_tell(waiting[index : index + 1], [change])

    # ── refusing ──

    def _unavailable(self, waiting: list[Waiting], error: Unavailable) -> None:
        self.on_away()
        refusal = Refused(Code.UNAVAILABLE, f"{error} Try again a little later.", 1.0)
        self._refuse_all(waiting, refusal)

    def _refuse_all(self, waiting: list[Waiting], refusal: Refused) -> None:
        for w in waiting:
            self._refuse(w, refusal)

    def _refuse(self, w: Waiting, refusal: Refused) -> None:
        self.count(refusal)
        self._close_gate(w, refusal)
        w.refuse(refusal)

    def _close_gate(self, w: Waiting, refusal: Refused) -> None:
        """What follows a send that shall come again waits for it (G3)."""
        draft, gate = w.request, w.gate
        if isinstance(draft, Draft) and refusal.code.retryable and gate is not None:
            gate.close(w.target, draft.client_id, draft.id, self._clock.monotonic())

    def count(self, refusal: Refused) -> None:
        """A send or another change is refused, here or before it was put in."""
        self.statistics.refuse(refusal.code.value)


class Awaited:
    """A change that somebody awaits."""

    __slots__ = ("future", "gate", "request", "since", "target")

    def __init__(self, request: Draft | Change, future: "asyncio.Future[Outcome]") -> None:
        self.request = request
        self.future = future
        self.since = 0.0
        self.gate: SendGate | None = None
        self.target: Names = ()

    def answer(self, outcome: Outcome) -> None:
        """See Waiting."""
        if not self.future.done():
            self.future.set_result(outcome)

    def refuse(self, refusal: Refused) -> None:
        """See Waiting."""
        if not self.future.done():
            self.future.set_exception(refusal)
