"""Reactions that wait for a position: who looks for them, when, and what happens meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hubbub.actions import announce_reactions
from hubbub.actions.announce_reactions import AnnounceReactions
from hubbub.adapters.memory.chats import MemoryChatStore
from hubbub.domain.change import Amend, Change, Outcome, React
from hubbub.ports import Unavailable
from hubbub_protocol import ids
from hubbub_protocol.codes import Code, Refused
from tests.actions.chats.house import House
from tests.support.wait import eventually


class Busy:
    """`Changes`, which has too much to do the first time."""

    def __init__(self, store: MemoryChatStore) -> None:
        self._store = store
        self.asked = 0

    async def do(self, change: Change) -> Outcome:
        self.asked += 1
        if self.asked == 1:
            raise Refused(Code.OVERLOADED, "Later.", 1.0)
        (outcome,) = await self._store.commit([change])
        return outcome


class Away(MemoryChatStore):
    """Does not answer the first time."""

    asked = 0

    async def waiting(self, limit: int) -> list[tuple[int, int]]:
        self.asked += 1
        if self.asked == 1:
            raise Unavailable("The store is away.")
        return await super().waiting(limit)


@asynccontextmanager
async def running(announcing: AnnounceReactions) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(announcing.run())
        yield
        task.cancel()


async def waiting(house: House, count: int) -> list[int]:
    """Messages of a large group, each with a reaction that waits."""
    people = [await house.user(f"user{number}") for number in range(257)]
    chat = await house.group(*people)
    store = MemoryChatStore(house.state)
    sent = [ids.parse("msg", await house.send(people[0], chat)) for _ in range(count)]
    for message in sent:
        for emoji in ("👍", "🎉"):
            do = React(emoji, True)
            await store.commit([Amend(message, people[1].user_id, do, house.clock.now_ms())])
    assert {*house.state.waiting} == {*sent}
    return sent


async def test_what_an_earlier_process_left_is_told_of_when_it_is_due(house: House) -> None:
    sent = await waiting(house, 3)
    announcing = AnnounceReactions(MemoryChatStore(house.state), house.changes, house.clock)
    house.clock.ms += 1_000
    async with running(announcing):
        await eventually(lambda: not house.state.waiting, "all are told of")
    assert all(len(house.state.messages[message].reactions) > 0 for message in sent)
    assert sorted(house.state.messages[message].rev for message in sent) == [7, 8, 9]


@pytest.mark.parametrize("trouble", ["busy", "away"])
async def test_it_goes_on_after_trouble(
    house: House, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announce_reactions, "AGAIN", 0.01)
    await waiting(house, 1)
    store = Away(house.state) if trouble == "away" else MemoryChatStore(house.state)
    changes = Busy(store) if trouble == "busy" else house.changes
    house.clock.ms += 1_000
    async with running(AnnounceReactions(store, changes, house.clock)):
        await eventually(lambda: not house.state.waiting, "it is told of")


async def test_a_clock_that_was_put_back_holds_up_nothing(house: House) -> None:
    await waiting(house, 1)
    house.clock.ms -= 3_600_000
    announcing = AnnounceReactions(MemoryChatStore(house.state), house.changes, house.clock)
    async with running(announcing):
        await eventually(lambda: not house.state.waiting, "it is told of")
