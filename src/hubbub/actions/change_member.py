"""Give a member of a group another role."""

from hubbub.actions.directory import Directory
from hubbub.actions.members import find_member
from hubbub.actions.outcomes import changed
from hubbub.actions.references import chat_id, check, seen_chat
from hubbub.domain.account import Principal
from hubbub.domain.change import SetRole
from hubbub.domain.policy import may_change_role
from hubbub.ports import Changes, ChatReader, Clock
from hubbub_protocol import rest
from hubbub_protocol.ids import IdMaker


class ChangeMember:
    """`change_member(principal, chat_id, user_id, request)` → the position that it took."""

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

    async def __call__(
        self, principal: Principal, chat: str, user: str, request: rest.ChangeMember
    ) -> rest.Changed:
        """The role that he has already takes no position.

        Raises Refused: `not_found` for no such chat or member, `forbidden` unless by an owner,
        `conflict` in a direct chat and when no owner would be left.
        """
        view = seen_chat(await self._reader.chat(principal.user_id, chat_id(chat)))
        other = await find_member(self._reader, view, await self._directory.number(user))
        check(may_change_role(view.chat, view.member.role))
        change = SetRole(
            self._ids.make(),
            view.chat.id,
            principal.user_id,
            other.user_id,
            request.role,
            self._clock.now_ms(),
        )
        return changed(await self._changes.do(change))
