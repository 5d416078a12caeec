"""One run of the simulation: people, their devices, one machine; troubles; then peace."""

import asyncio
from typing import Any

import apsw

from hubbub_client import Client
from hubbub_protocol import ids, rest
from tests.simulation import checks, counts, recents
from tests.simulation.changes import Changes
from tests.simulation.device import PASSWORD, Device, SmallDevice, pause
from tests.simulation.history import History
from tests.simulation.loop import SimulatedLoop
from tests.simulation.people import Behaviour
from tests.simulation.plan import Plan
from tests.simulation.rights import Rights
from tests.simulation.server import Machine
from tests.simulation.sights import Sights
from tests.simulation.stances import Stances
from tests.simulation.steps import Person
from tests.simulation.troubles import Troubles
from tests.simulation.truth import Cursors, Truth, read_truth
from tests.simulation.vfs import PowerLossVFS

PATIENCE = 240.0
CALM = 3.0
COMMITTED = ("send", "edit", "react", "read", "group", "members", "leave", "mute", "rename")
"""Steps that a server may die of."""


class World:
    """See the module. `disk` is empty at first."""

    def __init__(self, loop: SimulatedLoop, plan: Plan, disk: PowerLossVFS) -> None:
        self.loop, self.plan = loop, plan
        self.rng = loop.rng("world")
        self.history = History()
        self.cursors, self.rights = Cursors(self.history), Rights(self.history)
        self.sights = Sights(self.history, exact=plan.nodes == 1)
        self.stances = Stances(self.history, exact=plan.nodes == 1)
        self.changes = Changes(self.history)
        self.machine = Machine(loop, plan, disk, self._committed)
        self.machine.on_start = self._restarted
        self.machine.on_written = self._written
        self.people = [Person(f"user{number}") for number in range(plan.users)]
        self.troubles = Troubles(self.machine, loop.rng("troubles"))

    def _committed(self, changes: list[Any], outcomes: list[Any], db: apsw.Connection) -> None:
        self.cursors.committed(changes, outcomes, db)
        self.rights.committed(changes, outcomes, db)
        self.sights.committed(changes, outcomes, db)
        self.stances.committed(db)
        self.changes.committed(changes, outcomes, db)

    def _restarted(self, db: apsw.Connection) -> None:
        self.cursors.restarted(db)
        self.rights.restarted(db)
        self.sights.restarted(db)
        self.stances.committed(db)
        self.changes.restarted(db)

    def _written(self, payload: bytes, binary: bool, reader: str) -> None:
        self.cursors.written(payload, binary)
        self.sights.written(payload, binary, reader)
        self.stances.written(payload, binary, reader)

    async def run(self) -> None:
        """All of it. Raises AssertionError with what is wrong."""
        await self.machine.start()
        for person in self.people:
            await self._move_in(person)
        await self._live()
        await self._heal()
        await self._calm("after all is healed")
        await self._told()
        if self.plan.nodes > 1:
            await self._bury()
            await self._calm("after a server died")
            await self._told()
        await self._reconnect()
        await self._calm("after all reconnected")
        await self._judge()
        for device in self._devices():
            await device.stop(kill=False)
        await self.machine.end(None)

    async def _move_in(self, person: Person) -> None:
        machine, history = self.machine, self.history
        first = Device(person, f"{person.name}.0", machine, history, self.rng.random() < 0.5)
        client = Client("", transport=first.network, storage=first._handle, random=first.rng)
        user = await client.sign_in(rest.Register(person.name, PASSWORD))
        person.user_id = first.network.user_id = user.id
        person.devices.append(first)
        if self.rng.random() < 0.4:
            second = Device(person, f"{person.name}.1", machine, history, False)
            client = Client("", transport=second.network, storage=second._handle)
            await client.sign_in(rest.Login(person.name, PASSWORD))
            person.devices.append(second)
        if self.rng.random() < 0.3:
            small = SmallDevice(person, f"{person.name}.s", machine, history)
            await small.sign_in()
            person.small.append(small)
        for device in person.everything:
            device.start()

    def _devices(self) -> "list[Device | SmallDevice]":
        return [device for person in self.people for device in person.everything]

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch_bounds())
            async with asyncio.TaskGroup() as busy:
                busy.create_task(self.troubles.run(self.plan.troubles))
                for person in self.people:
                    for device in person.devices:
                        behaviour = Behaviour(device, person, self.people, self.history)
                        busy.create_task(behaviour.run(self.plan.steps))
            watch.cancel()

    async def _watch_bounds(self) -> None:
        while True:
            await pause(0.25)
            for life in self.machine.lives:
                self.history.wrong += checks.bounds(life.core, self.plan)
            if self.plan.nodes == 1 and self.machine.idle:  # nothing is on its way to anybody
                self.history.wrong += self._recent()
            for device in self._devices():
                device.check()

    async def _heal(self) -> None:
        self.machine.disk.heal()
        self.machine.switch.heal()
        await self.troubles.start()
        for device in self._devices():
            device.network.online, device.network.poor = True, False
            for link in device.network.links:
                if link.silent:
                    link.cut()
            if isinstance(device, Device):
                device.slow = False

    async def _bury(self) -> None:
        """A server dies between a commit and its letters; that it is gone is all others hear."""
        death = self.loop.create_task(self.machine.doomed())
        while not death.done():
            await pause(self.rng.uniform(0, 0.3))
            person = self.rng.choice(self.people)
            device = self.rng.choice(person.devices)
            behaviour = Behaviour(device, person, self.people, self.history)
            await behaviour.step(self.rng.choice(COMMITTED))
        await self.machine.kill(death.result())
        await self.troubles.start()

    async def _reconnect(self) -> None:
        for device in self._devices():
            device.network.cut()

    async def _calm(self, when: str) -> None:
        """Wait until nothing happens any more."""
        quiet, deadline = 0.0, self.loop.time() + PATIENCE
        while quiet < CALM:
            assert self.loop.time() < deadline, f"no rest {when}: {self._restless()}"
            await pause(0.25)
            quiet = quiet + 0.25 if not self._restless() else 0.0
            for device in self._devices():
                device.check()

    def _restless(self) -> list[str]:
        found = [device.name for device in self._devices() if not device.quiet]
        busy = any(life.core.ingest.depth for life in self.machine.lives)
        if busy or self.machine.switch.under_way or self.loop.time() < self.machine.settled_at:
            found.append("server")
        return found

    async def _told(self) -> None:
        """Who stayed connected has been told of everything: no reconnect was needed for that."""
        store = self.machine.store
        assert store is not None
        truth = read_truth(store.reader)
        wrong = [*self._arrived(truth), *await self._refetched(truth, has_asked=False)]
        wrong += self._recent()
        for person in self.people:
            for device in person.devices:
                wrong += counts.judge(truth, device, self.history, self.stances)
        assert not wrong, "\n".join(["not all were told:", *wrong[:20]])

    def _arrived(self, truth: Truth) -> list[str]:
        return [
            fault
            for person in self.people
            for each in person.everything
            for fault in checks.arrivals(truth, person.user_id, each.name, each.app)
        ]

    async def _refetched(self, truth: Truth, has_asked: bool) -> list[str]:
        return [
            fault
            for person in self.people
            for device in person.devices
            for fault in await checks.refetched(truth, device, self.stances, has_asked)
        ]

    def _recent(self) -> list[str]:
        assert self.machine.store is not None
        users = [ids.parse("user", person.user_id) for person in self.people]
        return [
            fault
            for life in self.machine.lives
            if life.core.recent is not None
            for fault in recents.judge(life.core.recent, users, self.machine.store.reader)
        ]

    async def _judge(self) -> None:
        store = self.machine.store
        assert store is not None
        truth = read_truth(store.reader)
        wrong = [*self.machine.failures, *self.machine.watched.failures, *self.history.wrong]
        for life in self.machine.lives:
            wrong += checks.bounds(life.core, self.plan)
        wrong += checks.logs(truth)
        wrong += checks.messages(truth, self.history)
        wrong += self.cursors.judge(store.reader)
        for connection in self.history.connections:
            wrong += checks.connection(truth, self.changes, connection)
        wrong += self._arrived(truth)
        wrong += await self._refetched(truth, has_asked=True)
        wrong += self._recent()
        for person in self.people:
            for device in person.devices:
                wrong += await self.stances.judge(truth, device)
                if self.plan.nodes == 1:
                    wrong += self.sights.judge(device)
        assert not wrong, "\n".join(["the guarantees do not hold:", *wrong[:20]])
