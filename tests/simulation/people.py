"""What users do: one task a device, steps drawn from its seed; and what their devices suffer."""

from collections.abc import Sequence

from hubbub_client import ClientClosed, OutboxFull, Refused, SignedOut, Unreachable
from tests.simulation.device import Device, pause
from tests.simulation.history import History
from tests.simulation.keeping import KeepingSteps
from tests.simulation.steps import EXPECTED, Person


class Behaviour(KeepingSteps):
    """One device's steps, until it is done; then nothing of it is under way."""

    def __init__(
        self, device: Device, person: Person, people: Sequence[Person], history: History
    ) -> None:
        super().__init__(device, person, people, history)
        self._steps = {
            "send": 10,
            "burst": 2,
            "rest_send": 3,
            "forward": 2,
            "read": 6,
            "read_by_id": 1,
            "edit": 6,
            "delete": 2,
            "hide": 3,
            "react": 8,
            "pin": 4,
            "typing": 2,
            "look": 2,
            "focus": 3,
            "sync": 1,
            "group": 2,
            "members": 4,
            "newcomer": 4,
            "put_out": 3,
            "meanwhile": 2,
            "answers": 2,
            "hush": 2,
            "settings": 3,
            "invite": 3,
            "once": 2,
            "ended": 1,
            "join": 5,
            "leave": 1,
            "mute": 1,
            "rename": 1,
            "silence": 2,
            "vanish": 2,
            "inbox": 1,
            "block": 3,
            "offline": 3,
            "restart": 2,
            "kill": 2,
            "slow": 1,
            "poor": 1,
            "silent": 1,
        }

    async def run(self, steps: int) -> None:
        for _ in range(steps):
            await pause(self._rng.choice((0.01, 0.1, 1.0)) * self._rng.random() * 2)
            (step,) = self._rng.choices(list(self._steps), list(self._steps.values()))
            if self._device.client is not None or step in ("restart", "kill", "slow"):
                await self.step(step)

    async def step(self, step: str) -> None:
        """Take one, whatever comes of it."""
        try:
            await getattr(self, f"_{step}")()
        except Refused as refused:
            if refused.code not in EXPECTED:
                self._wrong(f"{step} was refused: {refused.code.value} {refused.message}")
        except (Unreachable, SignedOut, ClientClosed, OutboxFull, RuntimeError):
            return

    # ── the device's troubles ──

    async def _offline(self) -> None:
        network = self._device.network
        network.online = False
        network.cut()
        await pause(self._rng.choice((0.05, 1.0, 10.0)) * self._rng.random())
        network.online = True

    async def _restart(self) -> None:
        await self._device.stop(kill=False)
        await pause(self._rng.choice((0.01, 5.0)) * self._rng.random())
        self._device.start()

    async def _kill(self) -> None:
        await self._device.stop(kill=True)
        await pause(self._rng.choice((0.01, 5.0)) * self._rng.random())
        self._device.start()

    async def _slow(self) -> None:
        self._device.slow = not self._device.slow

    async def _poor(self) -> None:
        self._device.network.poor = not self._device.network.poor
        self._device.network.cut()

    async def _silent(self) -> None:
        for network in (self._device.network, *(small.network for small in self._person.small)):
            network.cut(silent=True)
