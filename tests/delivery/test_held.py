"""Who hears of a change of a group while the chats that are known are at their bound."""

from collections.abc import Sequence

import pytest

from hubbub.adapters.memory.chats import MemoryChatStore
from hubbub.adapters.memory.state import State
from hubbub.domain.change import Logged, SetChat
from hubbub.domain.chat import Head
from hubbub.domain.events import Event, RowEvent
from hubbub.domain.roster import KnownChat, Roster
from tests.support.delivery import announcer_of

CHAT, ANN, BOB = 9, 1, 2


class Stage:
    """An announcer, and what it publishes."""

    def __init__(self, most: int = 10) -> None:
        self.roster = Roster(most)
        self.told: list[Event] = []
        self.announcer = announcer_of(self.roster, MemoryChatStore(State()), self._publish)

    def _publish(self, events: Sequence[Event]) -> None:
        self.told += events

    async def changed(self, seq: int) -> list[tuple[int, tuple[int, ...]]]:
        """The group has another title: which positions are told, and to whom."""
        self.told.clear()
        change = SetChat(seq, CHAT, ANN, {"title": "Other"}, 1)
        outcome = Logged(seq, CHAT, Head(seq, 0, 1), 2, ANN, b"{}", [])
        await self.announcer.tell([change], [outcome])
        return [(e.row.rev, e.members) for e in self.told if isinstance(e, RowEvent)]


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_a_change_of_a_group_is_told_to_its_members(stage: Stage) -> None:
    stage.roster.add(KnownChat(CHAT, "group", 2, (ANN, BOB), Head()))
    assert await stage.changed(1) == [(1, (ANN, BOB))]


async def test_what_nobody_would_hear_is_left_for_the_next_event_to_show(stage: Stage) -> None:
    """A position that was told to nobody would be one that nobody misses."""
    assert await stage.changed(1) == []
    stage.roster.add(KnownChat(CHAT, "group", 2, (ANN, BOB), Head(1, 1)))
    assert await stage.changed(2) == [(2, (ANN, BOB))]


async def test_who_hears_is_not_forgotten_while_a_commit_is_told() -> None:
    stage = Stage(most=1)
    stage.roster.add(KnownChat(CHAT, "group", 2, (ANN, BOB), Head()))
    await stage.announcer.prepare([])
    stage.roster.add(KnownChat(CHAT + 1, "group", 2, (ANN, BOB), Head()))
    assert await stage.changed(1) == [(1, (ANN, BOB))]
    stage.announcer.end()
    assert len(stage.roster) == 1
