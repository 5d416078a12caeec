"""What users do: one task a device, steps drawn from its seed."""

import uuid
from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec

from hubbub_client import Client, ClientClosed, OutboxFull, Refused, SignedOut, Unreachable
from hubbub_client.api import decode, path, refusal
from hubbub_protocol import rest
from hubbub_protocol.codes import Code
from hubbub_protocol.frames import Send
from tests.simulation.device import Device, SmallDevice, pause
from tests.simulation.history import Changed, History, Sent

EXPECTED = {
    Code.NOT_FOUND,
    Code.FORBIDDEN,
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


class Behaviour:
    """One device's steps, until it is done; then nothing of it is under way."""

    def __init__(
        self, device: Device, person: Person, people: Sequence[Person], history: History
    ) -> None:
        self._device, self._person, self._people = device, person, people
        self._history = history
        self._rng: Random = device.rng
        self._steps = {
            "send": 10,
            "burst": 2,
            "rest_send": 3,
            "forward": 2,
            "read": 6,
            "read_by_id": 1,
            "edit": 6,
            "delete": 2,
            "pin": 4,
            "typing": 2,
            "look": 2,
            "focus": 3,
            "sync": 1,
            "group": 2,
            "members": 4,
            "newcomer": 4,
            "settings": 3,
            "invite": 3,
            "join": 5,
            "leave": 1,
            "mute": 1,
            "silence": 2,
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
            if self._device.client is None and step not in ("restart", "kill", "slow"):
                continue
            try:
                await getattr(self, f"_{step}")()
            except Refused as refused:
                if refused.code not in EXPECTED:
                    self._wrong(f"{step} was refused: {refused.code.value} {refused.message}")
            except (Unreachable, SignedOut, ClientClosed, OutboxFull, RuntimeError):
                continue

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

    # ── messages ──

    def _compose(self) -> Send:
        number = len(self._history.sent)
        chat = self._chat()
        send = Send(str(uuid.UUID(int=self._rng.getrandbits(128), version=4)), content=f"#{number}")
        if chat is None or self._rng.random() < 0.25:
            return msgspec.structs.replace(send, recipient_ids=self._others())
        return msgspec.structs.replace(send, chat_id=chat, **self._referring(chat))

    def _referring(self, chat: str) -> dict[str, Any]:
        """Whom a message mentions, and what it replies to."""
        draw, messages = self._rng.random(), self._client.messages(chat)
        if draw < 0.2:
            return {"mentions": self._others()}
        if draw < 0.3:
            return {"mention_all": True}
        if draw < 0.6 and messages:
            return {"reply_to": self._rng.choice(messages).id}
        return {}

    async def _send(self) -> None:
        device, send = self._device, self._compose()
        client = self._client
        device.orders += 1
        order = device.orders
        # As `Client.send`, with a client_id that is written down before anything can happen.
        sent = Sent(device.name, self._person.user_id, send, order)
        self._history.sent[send.client_id] = sent
        await client._running.send(send)

    async def _burst(self) -> None:
        for _ in range(self._rng.randint(3, 12)):
            await self._send()

    async def _rest_send(self) -> None:
        send = self._compose()
        user = self._person.user_id
        self._history.sent[send.client_id] = Sent(self._device.name, user, send, None)
        for _ in range(self._rng.choice((1, 1, 2, 4))):
            await self._rest_once(send)
        if self._history.sent[send.client_id].ids and self._rng.random() < 0.3:
            other = msgspec.structs.replace(send, content="another content")
            answer = await self._post(other)
            deleted = answer is not None and answer.id in self._history.deleting
            if answer is not None and answer.code is None and not deleted:
                self._wrong("another content under the same client_id was accepted")

    async def _rest_once(self, send: Send) -> None:
        answer = await self._post(send)
        if answer is not None and answer.code is None:
            self._history.acknowledged(send.client_id, answer.id, answer.chat_id)

    async def _post(self, send: Send) -> "Answer | None":
        """None: nobody answered."""
        client = self._client
        body = rest.SendMessage(
            chat_id=send.chat_id,
            recipient_ids=send.recipient_ids,
            content=send.content,
            client_id=send.client_id,
            reply_to=send.reply_to,
            mentions=send.mentions,
            mention_all=send.mention_all,
        )
        try:
            accepted = await client.api.call("POST", path("messages"), rest.Accepted, body)
        except Unreachable:
            return None
        except Refused as refused:
            if refused.code not in EXPECTED | {Code.IDEMPOTENCY_MISMATCH}:
                self._wrong(f"REST send: {refused.code.value} {refused.message}")
            return Answer("", "", refused.code)
        return Answer(accepted.id, accepted.chat_id, None)

    def _any_message(self) -> str | None:
        """One that the device holds, or one that it does not: then he is perhaps not to see it."""
        chat, chats = self._chat(), self._client.session.logs.chats
        messages = self._client.messages(chat) if chat else []
        held = [message.id for message in messages if message.message_type != "system"]
        owned = {name for name in chats if chats[name].role == "owner"}
        sent = [each for each in self._history.sent.values() if each.ids]
        found = [next(iter(each.ids)) for each in sent if each.chat_ids & owned]
        found = [each for each in found if all(c.message(each) is None for c in chats.values())]
        if held and (not found or self._rng.random() < 0.6):
            return self._rng.choice(held)
        found = found or [next(iter(each.ids)) for each in sent]
        return self._rng.choice(found) if found else None

    async def _edit(self) -> None:
        mine = [
            message
            for sent in self._history.sent.values()
            if sent.user_id == self._person.user_id
            for message in sorted(sent.ids)
        ]
        message = self._rng.choice(mine) if mine else None
        if self._rng.random() < 0.2:
            message = self._any_message()
        if message is not None:
            content = f"edit {self._rng.getrandbits(60):x}"
            done = await self._client.api.edit(message, content)
            self._history.changed.append(Changed(message, done.rev, content))

    async def _delete(self) -> None:
        message = self._any_message()
        if message is not None:
            self._history.deleting.add(message)
            done = await self._client.api.delete(message)
            self._history.changed.append(Changed(message, done.rev, None))

    async def _pin(self) -> None:
        client, message = self._client, self._any_message()
        if message is not None:
            done = await client.api.pin(message, self._rng.random() < 0.7)
            await client.api.pins(done.chat_id)
            await client.api.edits(message)

    async def _forward(self) -> None:
        """Any message that anybody holds, seen or not."""
        devices = [d for p in self._people for d in p.devices if d.client is not None]
        clients = [device.client for device in devices if device.client is not None]
        messages = [
            m for c in clients for chat in c.session.logs.chats.values() for m in chat.messages
        ]
        said = sorted({m.id for m in messages if m.message_type != "system"})
        if said:
            source = self._rng.choice(said)
            body = rest.SendMessage(recipient_ids=self._others(), forward=source)
            client = self._client
            await client.api.mentions(limit=self._rng.randint(1, 9))
            try:
                await client.api.call("POST", path("messages"), rest.Accepted, body)
            except Refused as refused:
                if refused.code is not Code.INVALID:  # it was deleted
                    raise
            await client.api.thread(source)

    async def _read(self) -> None:
        client, chat = self._client, self._chat()
        if chat is not None:
            held = client.session.logs.chats[chat].log.held
            if held:
                client.mark_read(chat, self._rng.randint(max(1, held - 3), held))

    async def _read_by_id(self) -> None:
        client, chat = self._client, self._chat()
        messages = client.messages(chat) if chat else []
        if messages:
            message = self._rng.choice(messages)
            await client.api.call("POST", path("messages", message.id, "read"), rest.ReadDone)

    async def _typing(self) -> None:
        chat = self._chat()
        if chat is not None:
            self._client.typing(chat, self._rng.random() < 0.8)

    async def _look(self) -> None:
        client, chat = self._client, self._chat()
        if chat is not None:
            await client.settings(chat)
            await client.api.history(chat, limit=self._rng.randint(1, 20))
            await client.api.events(chat, self._rng.randint(0, 5), limit=3)

    async def _focus(self) -> None:
        """On chats of his own, and of others."""
        clients = [device.client for person in self._people for device in person.devices]
        chats = sorted({chat for c in clients if c is not None for chat in c.session.logs.chats})
        self._client.focus(self._rng.sample(chats, min(len(chats), self._rng.randint(0, 3))))

    async def _sync(self) -> None:
        client = self._client
        positions = {log: reader.held for log, reader in client.session.logs._readers()}
        body = rest.Sync(positions)
        where = path("sync", wait=self._rng.choice((0, 1)))
        token = client._running.tokens.access()
        response = await self._device.network.request(
            "POST", where, token, msgspec.json.encode(body)
        )
        if response.status not in (200, 401, 503):
            raise refusal(response)
        if response.status == 200:
            frames = decode(response, rest.Synced).frames
            if frames[-1]["type"] != "caught_up":
                self._wrong("/sync does not end with caught_up")

    # ── groups ──

    async def _group(self) -> None:
        client = self._client
        open_to_all = self._rng.random() < 0.3
        chat = await client.api.create_group(
            "a group", self._others(), "all" if open_to_all else "joined"
        )
        if chat.role != "owner":
            self._wrong("who makes a group is not its owner")

    async def _members(self) -> None:
        client, chat = self._client, self._chat()
        held = client.session.logs.chats
        mine = [name for name in sorted(held) if held[name].role != "member"]
        if mine and self._rng.random() < 0.8:
            chat = self._rng.choice(mine)
        if chat is None:
            return
        other = self._rng.choice([p.user_id for p in self._people if p is not self._person])
        draw = self._rng.random()
        if draw < 0.5:
            await client.api.add_members(chat, [other])
        elif draw < 0.9:
            await client.api.remove_member(chat, other)
        else:
            await client.api.change_role(chat, other, self._rng.choice(("owner", "member")))

    async def _newcomer(self) -> None:
        """Somebody comes into a group, where what was said before may change."""
        client, chats = self._client, self._client.session.logs.chats
        mine = [name for name in sorted(chats) if chats[name].role == "owner"]
        if not mine:
            return
        chat = self._rng.choice(mine)
        other = self._rng.choice([p.user_id for p in self._people if p is not self._person])
        early = [m.id for m in client.messages(chat) if m.message_type != "system"]
        await client.api.add_members(chat, [other])
        if self._rng.random() < 0.4:
            await client.api.change_role(chat, other, "owner")
        elif early:
            await client.api.pin(self._rng.choice(early), self._rng.random() < 0.8)

    async def _settings(self) -> None:
        client, chat = self._client, self._chat()
        if chat is None:
            return
        draw = self._rng.choice
        change = draw(
            (
                rest.ChangeChat(title=f"title {self._rng.randint(1, 9)}"),
                rest.ChangeChat(description=draw(("", "about")), title="another"),
                rest.ChangeChat(posting=draw(("all", "admins"))),
                rest.ChangeChat(slow_seconds=draw((0, 2, 8))),
                rest.ChangeChat(history=draw(("all", "joined"))),
                rest.ChangeChat(history=draw(("all", "joined"))),
                rest.ChangeChat(visibility=draw(("public", "private")), title="open"),
            )
        )
        await client.api.change_chat(chat, change)

    async def _invite(self) -> None:
        client, chat = self._client, self._chat()
        if chat is not None:
            uses = self._rng.choice((1, 2, None))
            made = await client.api.create_invite(
                chat, expires_in=self._rng.choice((5, 600)), max_uses=uses
            )
            self._history.codes.append(made.code)

    async def _join(self) -> None:
        client, codes = self._client, self._history.codes
        if codes and self._rng.random() < 0.7:
            code = self._rng.choice(codes[-8:])
            await client.api.look_at_invite(code)
            await client.api.follow_invite(code)
            return
        page = await client.api.public_chats()
        if page.chats:
            await client.api.join(self._rng.choice(page.chats).id)

    async def _leave(self) -> None:
        client, chat = self._client, self._chat()
        if chat is not None:
            await client.api.leave(chat)

    async def _mute(self) -> None:
        client, chat = self._client, self._chat()
        if chat is not None:
            await client.api.mute(chat, self._rng.choice((None, "2100-01-01T00:00:00.000Z")))

    async def _silence(self) -> None:
        """Keep to oneself what one reads, or not any more."""
        history, user, told = self._history, self._person.user_id, self._rng.random() < 0.4
        begun, answered = history.switches.get(user, (0, 0))
        history.switches[user] = (begun + 1, answered)
        history.hushed.discard(user)
        await self._client.api.change_privacy(rest.ChangePrivacy(read_receipts=told))
        now, done = history.switches[user]
        history.switches[user] = (now, done + 1)
        if not told and begun == answered and now == begun + 1:  # no other one was under way
            history.hushed.add(user)

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


class Answer(msgspec.Struct, frozen=True):
    """To a send over REST; `code` is None for 202."""

    id: str
    chat_id: str
    code: Code | None
