"""Invites into a group: made, listed and ended by those who may add members."""

import secrets
from collections.abc import Callable

from hubbub.actions import present
from hubbub.actions.again import again
from hubbub.actions.references import chat_id, check, invite_id, no_invite, seen_chat
from hubbub.domain.account import Principal
from hubbub.domain.credentials import secret_hash
from hubbub.domain.invite import MOST, ChatInvite
from hubbub.domain.policy import may_invite
from hubbub.ports import ChatReader, Clock, Joining
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import IdMaker


class ChatInvites:
    """`base_url` is asked for when a link is made, since the port may be known only then."""

    def __init__(
        self,
        reader: ChatReader,
        joining: Joining,
        ids: IdMaker,
        clock: Clock,
        base_url: Callable[[], str],
    ) -> None:
        self._reader, self._joining, self._ids = reader, joining, ids
        self._clock, self._base_url = clock, base_url

    async def create(
        self, principal: Principal, chat: str, request: rest.CreateChatInvite
    ) -> rest.NewChatInvite:
        """A new link; its code is told now and never again.

        Raises Refused: `not_found`, `forbidden`, `conflict` in a direct chat and where there are
        too many.
        """
        number = await self._allowed(principal, chat)
        now, code = self._clock.now_ms(), secrets.token_urlsafe(18)
        end = now + request.expires_in * 1000 if request.expires_in else 0
        invite = ChatInvite(
            self._ids.make(),
            number,
            secret_hash(code),
            principal.user_id,
            now,
            end,
            request.max_uses or 0,
        )
        if not await again(lambda: self._joining.add_chat_invite(invite)):
            raise Refused(
                Code.CONFLICT, f"This group has {MOST} invites already; end one of them first."
            )
        # In the fragment, which browsers do not send: so the code is in nobody's logs.
        return rest.NewChatInvite(
            present.chat_invite(invite), code, f"{self._base_url()}/#join={code}"
        )

    async def list(self, principal: Principal, chat: str) -> rest.ChatInvites:
        """Those that are not used up, newest first. Raises Refused as `create`."""
        number = await self._allowed(principal, chat)
        now = self._clock.now_ms()
        found = await self._joining.chat_invites(number)
        return rest.ChatInvites([present.chat_invite(i) for i in found if not i.spent(now)])

    async def end(self, principal: Principal, chat: str, invite: str) -> None:
        """Raises Refused as `create`, and `not_found` for no such invite."""
        number, wanted = await self._allowed(principal, chat), invite_id(invite)
        if wanted not in {each.id for each in await self._joining.chat_invites(number)}:
            raise no_invite()
        await again(lambda: self._joining.end_chat_invite(number, wanted))

    async def _allowed(self, principal: Principal, chat: str) -> int:
        view = seen_chat(await self._reader.chat(principal.user_id, chat_id(chat)))
        check(may_invite(view.chat, view.member.role))
        return view.chat.id
