"""A commit whose outcome is lost is repeated, and does nothing twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from hubbub.actions.amend_message import AmendMessage
from hubbub.adapters.memory.chats import MemoryChatStore
from hubbub.domain.change import Advance, Change, Outcome
from hubbub.domain.limits import IngestLimits, MessageLimits
from hubbub.ingest import Ingest
from hubbub.ports import OutcomeUnknown, Unavailable
from hubbub_protocol import rest
from tests.actions.chats.house import House, naming


class Forgetful:
    """Commits everything, and says so the second time."""

    def __init__(self, house: House) -> None:
        self._store = MemoryChatStore(house.state)
        self.commits: list[int] = []

    async def commit(self, changes: Sequence[Change]) -> list[Outcome]:
        outcomes = await self._store.commit(changes)
        self.commits.append(len(changes))
        if len(self.commits) % 2:
            raise OutcomeUnknown("The answer is lost.")
        return outcomes


class Away:
    """Refuses the first commit, and keeps what comes after."""

    def __init__(self) -> None:
        self.kept: asyncio.Future[list[Change]] = asyncio.get_running_loop().create_future()
        self._answers = False

    async def commit(self, changes: Sequence[Change]) -> list[Outcome]:
        if not self._answers:
            self._answers = True
            raise Unavailable("The disk is full.")
        self.kept.set_result(list(changes))
        return []


class Silent:
    """Nobody is connected."""

    async def prepare(self, changes: Sequence[Change]) -> None:
        """See Announce."""

    def begin(self) -> None:
        """See Announce."""

    async def tell(self, changes: Sequence[Change], outcomes: Sequence[Outcome]) -> None:
        """See Announce."""

    def anew(self, changes: Sequence[Change]) -> None:
        """See Announce."""

    def end(self) -> None:
        """See Announce."""


def ingest_of(store: Forgetful | Away, house: House) -> Ingest:
    return Ingest(
        store,  # type: ignore[arg-type]
        lambda drafts: asyncio.sleep(0, []),
        Silent(),
        lambda chat: False,
        house.clock,
        IngestLimits(),
    )


@asynccontextmanager
async def losing(house: House) -> AsyncIterator[tuple[AmendMessage, Forgetful]]:
    """Changes of messages by a store whose answers are lost."""
    store = Forgetful(house)
    ingest = ingest_of(store, house)
    limits = MessageLimits()
    named = naming(house, limits)
    amend = AmendMessage(ingest, house.clock, limits, lambda user: None, *named)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(ingest.run())
        yield amend, store
        working.cancel()


async def test_two_edits_of_a_message_are_made_once_each(house: House) -> None:
    ann = await house.user("ann")
    chat = await house.group(ann)
    first, second = [await house.send(ann, chat) for _ in range(2)]
    async with losing(house) as (amend, store):
        done = await asyncio.gather(
            amend.edit(ann, first, rest.EditMessage("one")),
            amend.edit(ann, second, rest.EditMessage("other")),
            amend.edit(ann, first, rest.EditMessage("two")),
            amend.pin(ann, second),
        )
    assert [changed.rev for changed in done] == [3, 4, 5, 6]
    assert store.commits == [2, 2, 2, 2]
    assert (await house.message(ann, first)).content == "two"


async def test_different_reactions_to_a_message_go_together(house: House) -> None:
    ann, bob = await house.user("ann"), await house.user("bob")
    chat = await house.group(ann, bob)
    sent = await house.send(ann, chat)
    async with losing(house) as (amend, store):
        await asyncio.gather(
            amend.react(ann, sent, "👍"),
            amend.react(bob, sent, "👍"),
            amend.react(bob, sent, "🎉"),
            amend.unreact(bob, sent, "👍"),
            amend.react(ann, sent, "🎉"),
            amend.pin(ann, sent),
        )
    assert store.commits == [3, 3, 2, 2, 1, 1]
    assert (await house.message(ann, sent)).reactions == {"👍": 1, "🎉": 2}


async def test_cursors_of_a_commit_that_failed_are_in_a_later_one(house: House) -> None:
    """Who moved them stays connected, and does not say them again."""
    store = Away()
    ingest = ingest_of(store, house)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(ingest.run())
        ingest.advance(Advance(9, 1, 0, delivered=4, read=2, at=1))
        await ingest.drain()
        ingest.advance(Advance(9, 1, 0, delivered=3, read=3, at=2), soon=False)
        assert await store.kept == [Advance(9, 1, 0, delivered=4, read=3, at=2)]
        working.cancel()
