"""What users do with groups; some steps are of two, who do what chance seldom brings together."""

from hubbub_protocol import rest
from tests.simulation.history import Sent
from tests.simulation.messages import MessageSteps
from tests.simulation.steps import Person


class GroupSteps(MessageSteps):
    """Making groups, coming, going, and what their owners decide."""

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
        other, draw = self._other().user_id, self._rng.random()
        if draw < 0.5:
            await client.api.add_members(chat, [other])
        elif draw < 0.9:
            await client.api.remove_member(chat, other)
        else:
            await client.api.change_role(chat, other, self._rng.choice(("owner", "member")))

    async def _newcomer(self) -> None:
        """Somebody comes into a group, where what was said before may change: not by him."""
        client, chat, other = self._client, self._owned(), self._other()
        if chat is None:
            return
        early = [m.id for m in client.messages(chat) if m.message_type != "system"]
        await client.api.add_members(chat, [other.user_id])
        if self._rng.random() < 0.4:
            await client.api.change_role(chat, other.user_id, "owner")
            client = self._client_of(other)
        if early:
            message = self._rng.choice(early[:3])
            await client.api.pin(message, self._rng.random() < 0.8)

    async def _put_out(self) -> None:
        """Somebody is removed from a group, and sends to it, tries an invite to it, or the door."""
        client, chat, other = self._client, self._owned(), self._other()
        if chat is None:
            return
        made = await client.api.create_invite(chat)
        await client.api.add_members(chat, [other.user_id])
        await self._send_as(other, chat)
        await client.api.remove_member(chat, other.user_id)
        if self._rng.random() < 0.4:
            await self._send_as(other, chat)
        elif self._rng.random() < 0.5:
            await self._client_of(other).api.follow_invite(made.code)
        else:
            await client.api.change_chat(chat, rest.ChangeChat(visibility="public", title="open"))
            await self._client_of(other).api.join(chat)

    async def _meanwhile(self) -> None:
        """Somebody is away from a group while something is said there, and then owns it."""
        client, chat, other = self._client, self._owned(), self._other()
        if chat is None:
            return
        await client.api.add_members(chat, [other.user_id])
        await client.api.remove_member(chat, other.user_id)
        said = await self._send_as(self._person, chat)
        await client.api.add_members(chat, [other.user_id])
        await client.api.change_role(chat, other.user_id, "owner")
        if said is not None:
            await self._client_of(other).api.pin(said, self._rng.random() < 0.8)

    async def _answers(self) -> None:
        """A message is answered while somebody who saw it is away from the group, and later."""
        client, chat, other = self._client, self._owned(), self._other()
        if chat is None:
            return
        await client.api.add_members(chat, [other.user_id])
        root = await self._send_as(self._person, chat)
        await client.api.remove_member(chat, other.user_id)
        await self._send_as(self._person, chat, reply_to=root)
        await client.api.add_members(chat, [other.user_id])
        if self._rng.random() < 0.5:
            await self._send_as(other, chat, reply_to=root)
        if root is not None:
            await self._client_of(other).api.thread(root)

    async def _hush(self) -> None:
        """Only owners and admins may mention all of a large group, or send; somebody else tries."""
        client, chat, other = self._client, self._owned(), self._other()
        if chat is None:
            return
        await client.api.add_members(chat, [other.user_id])
        await self._send_as(other, chat, mention_all=True)
        await client.api.change_chat(chat, rest.ChangeChat(posting="admins"))
        await self._send_as(other, chat)
        if self._rng.random() < 0.7:
            await client.api.change_chat(chat, rest.ChangeChat(posting="all"))
        await self._client_of(other).api.change_role(chat, other.user_id, "admin")

    async def _send_as(self, other: Person, chat: str, **fields: bool | str | None) -> str | None:
        """The message's id, where it is known."""
        send = self._written(chat_id=chat, **fields)
        sent = self._history.sent[send.client_id] = Sent("", other.user_id, send, None)
        await self._rest_once(self._client_of(other), send)
        return next(iter(sent.ids), None)

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

    async def _once(self) -> None:
        """Two who have left by themselves try an invite that is good for one."""
        client, chat = self._client, self._owned()
        if chat is None:
            return
        made = await client.api.create_invite(chat, max_uses=1)
        for other in (self._other(), self._other()):
            api = self._client_of(other).api
            await client.api.add_members(chat, [other.user_id])
            await api.leave(chat)
            await api.follow_invite(made.code)

    async def _ended(self) -> None:
        """Who has left by himself tries an invite that was ended."""
        client, chat, other = self._client, self._owned(), self._other()
        if chat is None:
            return
        made = await client.api.create_invite(chat)
        await client.api.end_invite(chat, made.invite.id)
        await client.api.add_members(chat, [other.user_id])
        await self._client_of(other).api.leave(chat)
        await self._client_of(other).api.follow_invite(made.code)
        self._wrong("rights: an invite that was ended let somebody in")

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
