"""What every step of a user needs: his device, whom he knows, and the seed's draws."""

from collections.abc import Sequence
from random import Random

from hubbub_client import Client, ClientClosed
from hubbub_protocol.codes import Code
from tests.simulation.device import Device, SmallDevice
from tests.simulation.history import History

EXPECTED = {
    Code.NOT_FOUND,
    Code.FORBIDDEN,
    Code.CANNOT_MESSAGE,
    Code.CONFLICT,
    Code.OVERLOADED,
    Code.UNAVAILABLE,
    Code.RATE_LIMITED,
    Code.NOT_YET_STORED,
    Code.UNAUTHORIZED,
}


class Person:
    """A user with devices."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.user_id = ""
        self.devices: list[Device] = []
        self.small: list[SmallDevice] = []

    @property
    def everything(self) -> list[Device | SmallDevice]:
        """All devices."""
        return [*self.devices, *self.small]


class Steps:
    """One device's, of one person among people."""

    def __init__(
        self, device: Device, person: Person, people: Sequence[Person], history: History
    ) -> None:
        self._device, self._person, self._people = device, person, people
        self._history = history
        self._rng: Random = device.rng

    def _wrong(self, what: str) -> None:
        self._history.wrong.append(f"{self._device.name}: {what}")

    @property
    def _client(self) -> Client:
        client = self._device.client
        if client is None:
            raise ClientClosed("not running")
        return client

    def _chat(self) -> str | None:
        chats = sorted(self._client.session.logs.chats)
        return self._rng.choice(chats) if chats else None

    def _others(self) -> list[str]:
        others = [p.user_id for p in self._people if p is not self._person]
        count = 1 if self._rng.random() < 0.7 else self._rng.randint(1, len(others))
        return self._rng.sample(others, count)

    def _other(self) -> Person:
        return self._rng.choice([p for p in self._people if p is not self._person])

    def _owned(self) -> str | None:
        """A group that is the user's."""
        chats = self._client.session.logs.chats
        mine = [name for name in sorted(chats) if chats[name].role == "owner"]
        return self._rng.choice(mine) if mine else None

    def _client_of(self, other: Person) -> Client:
        """Another's client. Raises ClientClosed where none runs."""
        running = [device.client for device in other.devices if device.client is not None]
        if not running:
            raise ClientClosed("not running")
        return running[0]
