"""What happens to the machine: killed, unplugged, full, out of time; each heals by itself."""

import asyncio
from random import Random

import apsw

from tests.simulation.device import pause
from tests.simulation.server import Life, Machine
from tests.simulation.vfs import Op, io_error

DAY_MS = 26 * 3_600_000


class Troubles:
    """Draws from the seed what happens next, one thing after the other."""

    def __init__(self, machine: Machine, rng: Random) -> None:
        self._machine, self._rng = machine, rng
        self._weights = {
            "kill": 4,
            "power": 4,
            "store": 4,
            "drain": 1,
            "full": 2,
            "failing": 2,
            "sleep": 1,
            "clock": 2,
        }
        if machine.plan.nodes > 1:
            self._weights |= {"flush": 2, "deaf": 3, "dumb": 2, "kill": 8}
        self.counts: dict[str, int] = {}

    async def run(self, count: int) -> None:
        self._machine.switch.troubled = True
        for _ in range(count):
            await pause(self._rng.uniform(0.2, 4))
            (what,) = self._rng.choices(list(self._weights), list(self._weights.values()))
            self.counts[what] = self.counts.get(what, 0) + 1
            await getattr(self, f"_{what}")()

    async def _restart(self) -> None:
        if self._rng.random() < 0.4:  # the next one's clock is behind: ids are not in order
            self._machine.clock.offset_ms -= 5_000
        await pause(self._rng.choice((0.05, 1.0, 8.0)) * self._rng.random())
        await self.start()

    async def start(self) -> None:
        """Start the server; it fails while the disk does."""
        while len(self._machine.lives) < self._machine.plan.nodes:
            try:
                await self._machine.start()
            except apsw.IOError:
                self._machine.disk.heal()
                await pause(0.1)

    async def _cut(self, unplug: bool) -> None:
        """The power goes at the next change of the disk, or the next but few, or now."""
        disk, cut = self._machine.disk, asyncio.Event()

        def gone() -> None:
            if unplug:
                self._machine.unplug()
            cut.set()

        disk.on_power_cut = gone
        disk.power_off(after=self._rng.choice((1, 2, 3, 5, 8, 13, 30)))
        try:
            async with asyncio.timeout(self._rng.uniform(0.1, 3)):
                await cut.wait()
        except TimeoutError:
            gone()
        disk.on_power_cut = lambda: None

    async def _kill(self) -> None:
        if self._machine.plan.nodes > 1:
            await self._machine.kill(self._one())
        else:
            await self._cut(unplug=True)
            await self._machine.end(None)
        await self._restart()

    def _one(self) -> Life:
        return self._rng.choice(self._machine.lives)

    async def _flush(self) -> None:
        """Who holds whom is forgotten."""
        self._machine.switch.flush()

    async def _deaf(self) -> None:
        """One node is cut off from the others, for so long that its lease may end."""
        living = list(self._machine.switch.living.values())
        if not living:
            return
        nodes = self._rng.choice(living)
        nodes.cut_off = True
        await pause(self._rng.uniform(0.1, 5))
        nodes.cut_off = nodes.dead

    async def _dumb(self) -> None:
        """The switch is away."""
        self._machine.switch.down = True
        await pause(self._rng.uniform(0.1, 5))
        self._machine.switch.down = False

    async def _power(self) -> None:
        await self._cut(unplug=True)
        await self._machine.end(self._rng)
        await self._restart()

    async def _store(self) -> None:
        await self._cut(unplug=False)
        await self._machine.restart_store()

    async def _drain(self) -> None:
        await self._machine.drain(self._one())
        await self._restart()

    async def _full(self) -> None:
        disk = self._machine.disk
        disk.limit = disk.used + self._rng.randint(0, 20_000)
        await pause(self._rng.uniform(0.1, 3))
        disk.heal()

    async def _failing(self) -> None:
        """A read, write or sync fails: the store's process ends, and is started again."""
        ops: tuple[Op, ...] = ("write", "sync", "sync", "read")
        op = self._rng.choice(ops)
        disk, store = self._machine.disk, self._machine.store
        disk.fail_next(op, io_error(op))
        if store is not None:
            try:
                async with asyncio.timeout(self._rng.uniform(0.1, 3)):
                    await store.died.wait()
            except TimeoutError:
                disk.heal()
                return
            disk.heal()
            await self._machine.restart_store()

    async def _sleep(self) -> None:
        """The machine and all devices sleep for a day: places are old, tokens have ended."""
        self._machine.clock.offset_ms += DAY_MS

    async def _clock(self) -> None:
        """The wall's clock is set back a little, or ahead."""
        self._machine.clock.offset_ms += self._rng.choice((-3_000, -500, 60_000))
