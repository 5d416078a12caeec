"""What users do with messages."""

import uuid
from typing import Any

import msgspec

from hubbub_client import Client, Refused, Unreachable
from hubbub_client.api import decode, path, refusal
from hubbub_protocol import rest
from hubbub_protocol.codes import Code
from hubbub_protocol.frames import Send
from tests.simulation.history import Changed, Sent
from tests.simulation.steps import EXPECTED, Steps

EMOJI = (("👍", "🎉", "❤️"), ("👎", "🔥", "🇨🇭"))
"""Of a user's first device, and of the second."""


class Answer(msgspec.Struct, frozen=True):
    """To a send over REST; `code` is None for 202."""

    id: str
    chat_id: str
    code: Code | None


class MessageSteps(Steps):
    """Sending, changing and reading."""

    def _compose(self) -> Send:
        chat = self._chat()
        if chat is None or self._rng.random() < 0.25:
            return self._written(recipient_ids=self._others())
        return self._written(chat_id=chat, **self._referring(chat))

    def _written(self, **to: Any) -> Send:
        """A message that is like no other."""
        client_id = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        return Send(client_id, content=f"#{len(self._history.sent)}", **to)

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
        client, send = self._client, self._compose()
        user = self._person.user_id
        self._history.sent[send.client_id] = Sent(self._device.name, user, send, None)
        for _ in range(self._rng.choice((1, 1, 2, 4))):
            await self._rest_once(client, send)
        if self._history.sent[send.client_id].ids and self._rng.random() < 0.3:
            other = msgspec.structs.replace(send, content="another content")
            answer = await self._post(client, other)
            deleted = answer is not None and answer.id in self._history.deleting
            if answer is not None and answer.code is None and not deleted:
                self._wrong("another content under the same client_id was accepted")

    async def _rest_once(self, client: Client, send: Send) -> None:
        answer = await self._post(client, send)
        if answer is not None and answer.code is None:
            self._history.acknowledged(send.client_id, answer.id, answer.chat_id)

    async def _post(self, client: Client, send: Send) -> Answer | None:
        """None: nobody answered."""
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
            content, draw = f"edit {self._rng.getrandbits(60):x}", self._rng.random()
            named = self._others() if draw < 0.3 else [] if draw < 0.4 else None
            everybody = self._rng.random() < 0.5 if draw > 0.8 else None
            edit = self._client.api.edit
            done = await edit(message, content, mentions=named, mention_all=everybody)
            self._history.changed.append(Changed(message, done.rev, content))

    async def _delete(self) -> None:
        message = self._any_message()
        if message is not None:
            self._history.deleting.add(message)
            done = await self._client.api.delete(message)
            self._history.changed.append(Changed(message, done.rev, None))

    async def _hide(self) -> None:
        message = self._any_message()
        if message is not None:
            await self._client.api.delete(message, for_="me")
            self._history.hidden.add((self._person.user_id, message))

    async def _react(self) -> None:
        """Each device has emoji of its own, so that what it said last is what it wants."""
        message = self._any_message()
        if message is None:
            return
        client, on = self._client, self._rng.random() < 0.7
        own = EMOJI[self._device.name.endswith(".1")]
        for emoji in self._rng.choices(own, k=self._rng.choice((1, 2, 3))):
            key = (self._person.user_id, message, emoji)
            self._history.reacted[key] = None  # nobody knows until it is answered
            await client.api.react(message, emoji, on)
            self._history.reacted[key] = on
        await client.api.reactions(message, limit=self._rng.randint(1, 3))

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
