"""Come into a group oneself: find public ones, look through the door, go in."""

from typing import cast

from hubbub.actions import present
from hubbub.actions.outcomes import changed
from hubbub.actions.references import chat_id, check, read_cursor, seen_chat, write_cursor
from hubbub.domain.account import Principal
from hubbub.domain.change import Join
from hubbub.domain.credentials import secret_hash
from hubbub.domain.invite import Invitation
from hubbub.domain.limits import MessageLimits
from hubbub.domain.policy import NO_GROUP, NO_INVITE
from hubbub.ports import Changes, ChatReader, Clock, Joining
from hubbub_protocol import rest
from hubbub_protocol.ids import IdMaker

PUBLIC = b""


class JoinChat:
    """Who is in already stays in, and is told of the chat: joining may be repeated."""

    def __init__(
        self,
        reader: ChatReader,
        joining: Joining,
        changes: Changes,
        ids: IdMaker,
        clock: Clock,
        limits: MessageLimits,
    ) -> None:
        self._reader, self._joining, self._changes = reader, joining, changes
        self._ids, self._clock, self._limits = ids, clock, limits

    async def public(
        self, principal: Principal, text: str, limit: int, cursor: str | None
    ) -> rest.PublicChatPage:
        """Public groups, the largest first. A page may be short. Raises `malformed`."""
        before = cast(tuple[int, int] | None, read_cursor(cursor, 2))
        page = await self._joining.public_chats(text, before, limit)
        following = None if page.cursor is None else write_cursor(page.cursor)
        chats = [present.public_chat(chat) for chat in page.chats]
        return rest.PublicChatPage(chats, following is not None, following)

    async def look_at(self, principal: Principal, chat: str) -> rest.PublicChat:
        """One public group. Raises Refused `not_found`."""
        found = await self._joining.public_chat(chat_id(chat))
        if found is None:
            check(NO_GROUP)
        return present.public_chat(seen_chat(found))

    async def look_through(self, principal: Principal, request: rest.InviteCode) -> rest.Invitation:
        """Where an invite leads. Raises Refused `not_found`."""
        found = await self._invitation(principal, request)
        return rest.Invitation(found.chat.size, present.user(found.invited_by), found.chat.title)

    async def join(self, principal: Principal, chat: str) -> rest.Chat:
        """Go into a public group.

        Raises Refused: `not_found`, `forbidden` for who was removed, `conflict` where it is full.
        """
        number = chat_id(chat)
        if await self._reader.chat(principal.user_id, number) is None:
            await self.look_at(principal, chat)
        return await self._go_in(principal, number, PUBLIC)

    async def follow(self, principal: Principal, request: rest.InviteCode) -> rest.Chat:
        """Go in by an invite. Raises Refused: `not_found`, `conflict` where the group is full."""
        found = await self._invitation(principal, request)
        return await self._go_in(principal, found.chat.id, secret_hash(request.code))

    async def _invitation(self, principal: Principal, request: rest.InviteCode) -> Invitation:
        code, now = secret_hash(request.code), self._clock.now_ms()
        found = await self._joining.invitation(code, principal.user_id, now)
        if found is None:
            check(NO_INVITE)
        return seen_chat(found)

    async def _go_in(self, principal: Principal, chat: int, invite: bytes) -> rest.Chat:
        most, now = self._limits.group_members, self._clock.now_ms()
        join = Join(self._ids.make(), chat, principal.user_id, invite, most, now)
        changed(await self._changes.do(join))
        return present.chat(seen_chat(await self._reader.chat(principal.user_id, chat)))
