"""Create a chat: a group from a list of members, or the direct chat with one user."""

from typing import Final

from hubbub.actions.directory import SLICE, Directory
from hubbub.actions.present import chat as presented
from hubbub.actions.reach import check_reach
from hubbub.actions.references import check, check_text, seen_chat
from hubbub.domain.account import Principal
from hubbub.domain.change import Create, Created, Fill, Filled, NewChat
from hubbub.domain.chat import direct_key
from hubbub.domain.limits import MessageLimits
from hubbub.domain.policy import may_create_direct, may_create_group, may_write
from hubbub.domain.relation import Pair
from hubbub.ports import Changes, ChatReader, Clock, Relations
from hubbub_protocol import rest
from hubbub_protocol.ids import IdMaker

FIRST: Final = SLICE - 1
"""Members that a group has from its first commit, beside its creator."""


class CreateChat:
    """`create_chat(principal, request)` → the chat, and whether it was made now."""

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
        self, principal: Principal, request: rest.CreateChat
    ) -> tuple[rest.Chat, bool]:
        """The chat as its creator sees it.

        A group of many is made in slices: if this is cancelled or the store fails on the way,
        the group is there with those who were added before. Raises Refused: `not_found` for
        members that do not exist, `invalid` for too many or a bad title, `cannot_message` for one
        whom he may not bring into a chat; a direct chat that is there is found all the same.
        """
        me = principal.user_id
        check_text(request.title or "", "title")
        users = await self._directory.users(request.member_ids)
        others = [user for user in users if user != me]
        if request.chat_type == "group":
            chat_id, made = await self._group(me, others, request), True
        else:
            chat_id, made = await self._direct(me, others, request)
        view = seen_chat(await self._reader.chat(me, chat_id))
        return presented(view), made

    async def _direct(
        self, me: int, others: list[int], request: rest.CreateChat
    ) -> tuple[int, bool]:
        check(may_create_direct(me, others, request.title))
        (other,) = others
        (relation,) = await self._relations.relations([Pair(me, other)])
        if relation is not None and not relation.chat_id:
            check(may_write(relation))
        key = direct_key(me, other)
        new = NewChat(self._ids.make(), "direct", key, None, "joined", me, (me, other))
        outcome = await self._changes.do(Create(new, self._clock.now_ms()))
        assert isinstance(outcome, Created), outcome
        return outcome.made.chat_id, bool(outcome.made.events)

    async def _group(self, me: int, others: list[int], request: rest.CreateChat) -> int:
        check(may_create_group(len(others), self._limits.group_members))
        await check_reach(self._relations, me, others)
        chat_id, at = self._ids.make(), self._clock.now_ms()
        first = (me, *others[:FIRST])
        new = NewChat(chat_id, "group", None, request.title, request.history, me, first)
        outcome = await self._changes.do(Create(new, at))
        assert isinstance(outcome, Created), outcome
        for start in range(FIRST, len(others), SLICE):
            filled = await self._changes.do(Fill(chat_id, tuple(others[start : start + SLICE]), at))
            assert isinstance(filled, Filled), filled
        return chat_id
