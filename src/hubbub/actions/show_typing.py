"""Show that a user types. Lost is lost: nothing of it is stored or repeated.

Between two of whom one has blocked the other it is not shown: whom he has blocked goes with the
event, those who have blocked him leave it out for themselves.
"""

from collections.abc import Callable, Sequence
from typing import Final

from hubbub.domain.account import Principal
from hubbub.domain.events import Event, TypingEvent
from hubbub.domain.limits import Buckets
from hubbub.domain.relation import Stance
from hubbub.domain.roster import KnownChat, Roster
from hubbub.ports import ChatStore, Clock, Lookup, Relations
from hubbub_protocol import ids
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import BadId

PER_USER: Final = 5
PER_LARGE_CHAT: Final = 5
"""Typing signals a second; what is more is dropped."""


class ShowTyping:
    """Tell the chat's members who are here."""

    def __init__(
        self,
        roster: Roster,
        store: ChatStore,
        publish: Callable[[Sequence[Event]], None],
        clock: Clock,
        relations: Relations,
        stance_of: Callable[[int], Stance | None],
    ) -> None:
        """`stance_of` tells how somebody stands who is connected here, where that is known."""
        self._roster = roster
        self._store = store
        self._publish = publish
        self._clock = clock
        self._relations = relations
        self._stance_of = stance_of
        self._users = Buckets(PER_USER, PER_USER)
        self._chats = Buckets(PER_LARGE_CHAT, PER_LARGE_CHAT)

    def now(self, principal: Principal, chat_ref: str, is_typing: bool) -> bool:
        """Publish at once. False: the chat or his stance is not known here; `look_up` then.

        Raises Refused for what is no chat id.
        """
        try:
            chat_id = ids.parse("chat", chat_ref)
        except BadId as error:
            raise Refused(Code.INVALID, f"{error}.") from None
        chat, stance = self._roster.get(chat_id), self._stance_of(principal.user_id)
        if chat is None or stance is None or not chat.has(principal.user_id):
            # What is too much is dropped here, before a task is begun for it.
            return self._users.take(principal.user_id, self._clock.monotonic()) > 0
        self._show(chat, principal.user_id, is_typing, stance.blocked)
        return True

    async def look_up(self, principal: Principal, chat_ref: str, is_typing: bool) -> None:
        """Learn the chat, then publish if he is a member. Raises Unavailable."""
        chat_id, user_id = ids.parse("chat", chat_ref), principal.user_id
        (found,) = await self._store.find([Lookup(user_id, chat_id)])
        if found is not None and found.role is not None:
            chat = self._roster.found(found, user_id, late=True)
            stance = self._stance_of(user_id) or await self._relations.stance(user_id)
            self._show(chat, user_id, is_typing, stance.blocked)

    def _show(
        self, chat: KnownChat, user_id: int, is_typing: bool, hidden_from: frozenset[int]
    ) -> None:
        now = self._clock.monotonic()
        if self._users.take(user_id, now) or (
            chat.large and is_typing and self._chats.take(chat.chat_id, now)
        ):
            return
        self._publish(
            [TypingEvent(chat.chat_id, user_id, is_typing, chat.members, chat.large, hidden_from)]
        )
