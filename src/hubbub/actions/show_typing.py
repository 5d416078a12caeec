"""Show that a user types. Lost is lost: nothing of it is stored or repeated."""

from collections.abc import Callable, Sequence
from typing import Final

from hubbub.domain.account import Principal
from hubbub.domain.events import Event, TypingEvent
from hubbub.domain.limits import Buckets
from hubbub.domain.roster import KnownChat, Roster
from hubbub.ports import ChatStore, Clock, Lookup
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
    ) -> None:
        self._roster = roster
        self._store = store
        self._publish = publish
        self._clock = clock
        self._users = Buckets(PER_USER, PER_USER)
        self._chats = Buckets(PER_LARGE_CHAT, PER_LARGE_CHAT)

    def now(self, principal: Principal, chat_ref: str, is_typing: bool) -> bool:
        """Publish at once. False: the chat is not known here; `look_up` then.

        Raises Refused for what is no chat id.
        """
        try:
            chat_id = ids.parse("chat", chat_ref)
        except BadId as error:
            raise Refused(Code.INVALID, f"{error}.") from None
        chat = self._roster.get(chat_id)
        if chat is None or not chat.has(principal.user_id):
            return False
        self._show(chat, principal.user_id, is_typing)
        return True

    async def look_up(self, principal: Principal, chat_ref: str, is_typing: bool) -> None:
        """Learn the chat, then publish if he is a member. Raises Unavailable."""
        chat_id = ids.parse("chat", chat_ref)
        if self._users.take(principal.user_id, self._clock.monotonic()):
            return
        (found,) = await self._store.find([Lookup(principal.user_id, chat_id)])
        if found is not None and found.role is not None:
            self._show(self._roster.found(found, principal.user_id), principal.user_id, is_typing)

    def _show(self, chat: KnownChat, user_id: int, is_typing: bool) -> None:
        now = self._clock.monotonic()
        if self._users.take(user_id, now) or (
            chat.large and is_typing and self._chats.take(chat.chat_id, now)
        ):
            return
        self._publish([TypingEvent(chat.chat_id, user_id, is_typing, chat.members, chat.large)])
