"""Remove a member from a group, or leave it oneself."""

from hubbub.actions.directory import Directory
from hubbub.actions.members import find_member
from hubbub.actions.outcomes import changed
from hubbub.actions.references import chat_id, check, seen_chat
from hubbub.domain.account import Principal
from hubbub.domain.change import Leave
from hubbub.domain.policy import may_leave, may_remove
from hubbub.domain.view import ChatView
from hubbub.ports import Changes, ChatReader, Clock
from hubbub_protocol import rest
from hubbub_protocol.ids import IdMaker


class RemoveMember:
    """`remove_member(principal, chat_id, user_id)` → the position that it took."""

    def __init__(
        self,
        directory: Directory,
        reader: ChatReader,
        changes: Changes,
        ids: IdMaker,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._reader, self._changes, self._ids, self._clock = reader, changes, ids, clock

    async def __call__(self, principal: Principal, chat: str, user: str) -> rest.Changed:
        """End the user's stay; for himself this is leaving.

        After its last owner another member owns the group. Raises Refused: `not_found` for no
        such chat or member, `forbidden`, `conflict` in a direct chat.
        """
        view = seen_chat(await self._reader.chat(principal.user_id, chat_id(chat)))
        number = await self._directory.number(user)
        if number == principal.user_id:
            check(may_leave(view.chat))
        else:
            other = await find_member(self._reader, view, number)
            check(may_remove(view.chat, view.member.role, other.role))
        return await self._end(view, number)

    async def leave(self, principal: Principal, chat: str) -> rest.Changed:
        """Leave a group. Raises as above."""
        view = seen_chat(await self._reader.chat(principal.user_id, chat_id(chat)))
        check(may_leave(view.chat))
        return await self._end(view, principal.user_id)

    async def _end(self, view: ChatView, user: int) -> rest.Changed:
        by, at = view.member.user_id, self._clock.now_ms()
        change = Leave(self._ids.make(), view.chat.id, by, user, at)
        return changed(await self._changes.do(change))
