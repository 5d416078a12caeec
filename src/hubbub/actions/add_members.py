"""Add users to a group."""

from hubbub.actions.directory import Directory
from hubbub.actions.outcomes import changed
from hubbub.actions.reach import check_reach
from hubbub.actions.references import chat_id, check, seen_chat
from hubbub.domain.account import Principal
from hubbub.domain.change import Enrol
from hubbub.domain.limits import MessageLimits
from hubbub.domain.policy import may_add
from hubbub.ports import Changes, ChatReader, Clock, Relations
from hubbub_protocol import rest
from hubbub_protocol.ids import IdMaker


class AddMembers:
    """`add_members(principal, chat_id, request)` → the position that it took."""

    def __init__(
        self,
        directory: Directory,
        relations: Relations,
        reader: ChatReader,
        changes: Changes,
        ids: IdMaker,
        clock: Clock,
        limits: MessageLimits,
    ) -> None:
        self._directory, self._reader, self._changes = directory, reader, changes
        self._relations = relations
        self._ids, self._clock, self._limits = ids, clock, limits

    async def __call__(
        self, principal: Principal, chat: str, request: rest.AddMembers
    ) -> rest.Changed:
        """Who is a member already is passed over; if all are, nothing takes a position.

        Raises Refused: `not_found` for no such chat or user, `forbidden`, `conflict` in a
        direct chat, `invalid` for too many, `cannot_message` for one whom he may not bring in.
        """
        number = chat_id(chat)
        view = seen_chat(await self._reader.chat(principal.user_id, number))
        wanted = len(set(request.member_ids))
        check(may_add(view.chat, view.member.role, wanted, self._limits.group_members))
        users = await self._directory.users(request.member_ids)
        await check_reach(self._relations, principal.user_id, users)
        change = Enrol(
            self._ids.make(), number, principal.user_id, tuple(users), self._clock.now_ms()
        )
        return changed(await self._changes.do(change))
