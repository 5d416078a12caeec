"""How users stand to each other: what they keep to themselves, whom they block."""

import uuid
from collections.abc import Awaitable

from hubbub_protocol import rest
from hubbub_protocol.frames import Send
from tests.simulation.groups import GroupSteps
from tests.simulation.history import Fact, Sent


class KeepingSteps(GroupSteps):
    """Switching all of that on and off; what was answered is written down as a fact."""

    async def _stand(self, fact: Fact, holds: bool, change: Awaitable[object]) -> None:
        """Make it so. For sure it is, from the answer on, until another is wanted: unless more of
        the user's is under way, whose order nobody knows.
        """
        history, user = self._history, self._person.user_id
        begun, answered = history.stances.get(user, (0, 0))
        history.stances[user] = (begun + 1, answered)
        history.facts.discard(fact)
        await change
        now, done = history.stances[user]
        history.stances[user] = (now, done + 1)
        if holds and begun == answered and now == begun + 1:
            history.facts.add(fact)

    async def _rename(self) -> None:
        await self._client.api.change_name(f"{self._person.name} {self._rng.randrange(1000)}")

    async def _silence(self) -> None:
        silent, api = self._rng.random() < 0.6, self._client.api
        change = api.change_privacy(rest.ChangePrivacy(read_receipts=not silent))
        await self._stand(("silent", self._person.user_id), silent, change)

    async def _vanish(self) -> None:
        hidden, api = self._rng.random() < 0.6, self._client.api
        change = api.change_privacy(rest.ChangePrivacy(last_seen=not hidden))
        await self._stand(("hidden", self._person.user_id), hidden, change)

    async def _inbox(self) -> None:
        closed = self._rng.random() < 0.5
        change = rest.ChangePrivacy(inbox="contacts" if closed else "everyone")
        await self._client.api.change_privacy(change)

    async def _block(self) -> None:
        """Block somebody, or not any more, and write to them all the same, and type."""
        blocks, api, other = self._rng.random() < 0.6, self._client.api, self._other().user_id
        change = api.block(other) if blocks else api.unblock(other)
        await self._stand(("apart", self._person.user_id, other), blocks, change)
        if self._rng.random() < 0.5:
            await self._write_to(other)
        for chat in self._client.session.logs.chats:
            self._client.typing(chat)

    async def _write_to(self, other: str) -> None:
        client_id = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        send = Send(client_id, recipient_ids=[other], content=f"#{len(self._history.sent)}")
        user = self._person.user_id
        self._history.sent[client_id] = Sent(self._device.name, user, send, None)
        await self._rest_once(self._client, send)
