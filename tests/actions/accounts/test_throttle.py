"""Attempts on several nodes, which count together while they can ask each other."""

import pytest

from hubbub.actions.throttle import Throttle
from hubbub.adapters.memory.buckets import MemoryBuckets
from hubbub.ports import Unavailable
from hubbub_protocol.codes import Refused
from tests.support.accounts import HandClock


class Counted(MemoryBuckets):
    """Counts who asks; nobody answers while it is away."""

    asked = 0
    away = False

    async def take(self, key: str, rate: float, burst: float) -> float:
        self.asked += 1
        if self.away:
            raise Unavailable("away")
        return await super().take(key, rate, burst)


class House:
    """Two nodes, three attempts a minute."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.shared = Counted(self.clock)
        self.one, self.other = (Throttle("test", self.clock, 3, 3, self.shared) for _ in range(2))

    async def passes(self, throttle: Throttle) -> bool:
        try:
            await throttle.check("192.0.2.1")
        except Refused:
            return False
        return True


async def test_all_nodes_count_together() -> None:
    house = House()
    for throttle, passes in zip(
        [house.one, house.other, house.one, house.other, house.one, house.other],
        [True, True, True, False, False, False],
        strict=True,
    ):
        assert await house.passes(throttle) is passes
    house.clock.ms += 20_000
    assert await house.passes(house.other)
    assert not await house.passes(house.one)


async def test_who_was_refused_for_all_is_refused_without_asking_again() -> None:
    house = House()
    for _ in range(3):
        await house.passes(house.one)
    assert not await house.passes(house.other)
    asked = house.shared.asked
    for _ in range(100):
        with pytest.raises(Refused) as caught:
            await house.other.check("192.0.2.1")
    assert house.shared.asked == asked
    assert caught.value.retry_after == 20


async def test_each_counts_for_itself_while_the_others_cannot_be_asked() -> None:
    house = House()
    house.shared.away = True
    for throttle in (house.one, house.other):
        assert [await house.passes(throttle) for _ in range(4)] == [True, True, True, False]


async def test_what_is_off_asks_nobody() -> None:
    house = House()
    free = Throttle("test", house.clock, 0, 0, house.shared)
    for _ in range(100):
        await free.check("192.0.2.1")
    assert not house.shared.asked
