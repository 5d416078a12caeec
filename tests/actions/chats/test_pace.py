"""How fast a user may send on several nodes at once, by virtual time."""

import asyncio
from collections.abc import Mapping
from random import Random

import pytest

from hubbub.actions.pace import EVERY, Pace
from hubbub.adapters.memory.buckets import MemoryBuckets
from hubbub.ports import Unavailable
from tests.simulation.loop import SimulatedLoop, run

RATE, BURST = 30, 60
USER = 7


class LoopClock:
    """The simulated loop's time."""

    def now_ms(self) -> int:
        return int(self.monotonic() * 1000)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class Shaky(MemoryBuckets):
    """Answers late, and fails when it is away."""

    away = False

    def __init__(self, rng: Random) -> None:
        super().__init__(LoopClock())
        self._rng = rng

    async def owe(self, taken: Mapping[str, int], rate: float, burst: float) -> list[float]:
        await asyncio.sleep(self._rng.uniform(0, 0.1))
        if self.away:
            raise Unavailable("away")
        return await super().owe(taken, rate, burst)


class Cluster:
    """So many nodes, running."""

    def __init__(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        self.rng = loop.rng("pace")
        self.shared = Shaky(self.rng)
        self.nodes = [Pace(LoopClock(), RATE, BURST, self.shared) for _ in range(count)]
        self.tasks = [asyncio.create_task(node.run()) for node in self.nodes]

    async def flood(self, seconds: float) -> int:
        """How many pass, when more are tried all the time, on any node."""
        passed, end = 0, asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            passed += not self.rng.choice(self.nodes).take(USER)
            await asyncio.sleep(self.rng.expovariate(200))
        return passed

    def end(self) -> None:
        for task in self.tasks:
            task.cancel()


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize("seed", range(5))
def test_over_time_it_is_the_rate_however_many_nodes(count: int, seed: int) -> None:
    async def main() -> None:
        cluster = Cluster(count)
        first = await cluster.flood(30)
        # A burst on each node at most, and what comes until nodes know of each other.
        most = count * BURST + 30 * RATE + count * RATE * 2 * EVERY
        assert 30 * RATE - RATE <= first <= most
        then = await cluster.flood(30)
        assert then == pytest.approx(30 * RATE, rel=0.05)
        cluster.end()

    run(main, seed)


def test_a_burst_on_another_node_is_known_soon() -> None:
    async def main() -> None:
        one, other = (cluster := Cluster(2)).nodes
        assert sum(not one.take(USER) for _ in range(2 * BURST)) == BURST
        await asyncio.sleep(2 * EVERY)
        assert other.take(USER) == 0, "it was not asked until now"
        await asyncio.sleep(2 * EVERY)
        assert sum(not other.take(USER) for _ in range(2 * BURST)) <= 4 * EVERY * RATE
        assert 0 < other.take(USER) <= 1 / RATE
        cluster.end()

    run(main, 1)


def test_what_was_too_much_is_waited_for() -> None:
    async def main() -> None:
        cluster = Cluster(3)
        for node in cluster.nodes:
            assert sum(not node.take(USER) for _ in range(2 * BURST)) == BURST
        await asyncio.sleep(2 * EVERY)
        # The last that told the others knows of all.
        waits = [node.take(USER) for node in cluster.nodes]
        assert 2 * BURST / RATE - 2 * EVERY < max(waits) <= 2 * BURST / RATE
        cluster.end()

    run(main, 1)


def test_each_node_counts_for_itself_while_the_others_cannot_be_told() -> None:
    async def main() -> None:
        cluster = Cluster(2)
        cluster.shared.away = True
        passed = await cluster.flood(30)
        assert passed == pytest.approx(2 * (BURST + 30 * RATE), rel=0.05)
        cluster.shared.away = False
        await cluster.flood(10)
        assert await cluster.flood(30) == pytest.approx(30 * RATE, rel=0.05)
        cluster.end()

    run(main, 1)


def test_others_are_not_held_up() -> None:
    async def main() -> None:
        one, other = (cluster := Cluster(2)).nodes
        while not one.take(USER):
            pass
        await asyncio.sleep(2 * EVERY)
        assert [node.take(USER + 1) for node in (one, other)] == [0, 0]
        cluster.end()

    run(main, 1)
