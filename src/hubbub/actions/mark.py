"""Move cursors: what arrived, what was read. Forward only; stored with the next commit."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from hubbub.domain.account import Principal
from hubbub.domain.change import Advance, Outcome, PlaceMe
from hubbub.domain.roster import Roster
from hubbub.ports import ChatReader, Clock
from hubbub_protocol import frames, ids, rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import BadId

NO_MESSAGE = "There is no such message for you."


class Cursors(Protocol):
    """Where moved cursors wait for the next commit."""

    def advance(self, move: Advance, /, soon: bool = True) -> None:
        """A member's cursors. Not `soon`: nobody waits to hear of it."""

    def place_me(self, place: PlaceMe, /) -> None:
        """A session's place in its user's own log."""


class MarkReceived:
    """A session has everything up to these positions (cumulative)."""

    def __init__(self, cursors: Cursors, roster: Roster, clock: Clock) -> None:
        self._cursors = cursors
        self._roster = roster
        self._clock = clock

    def __call__(self, principal: Principal, positions: Mapping[str, int]) -> None:
        """Raises Refused for a name that is no chat id. Chats of others are passed over."""
        now = self._clock.now_ms()
        for name, seq in positions.items():
            if name == frames.ME:
                self._cursors.place_me(PlaceMe(principal.session_id, principal.user_id, seq))
            else:
                self.at(principal, _chat(name), seq, now)

    def position(self, principal: Principal, chat: str, seq: int) -> None:
        """One log. Raises Refused for a name that is no chat id."""
        self(principal, {chat: seq})

    def at(self, principal: Principal, chat_id: int, seq: int, now: int) -> None:
        """One chat; `now` is Unix ms."""
        user_id = principal.user_id
        move = Advance(chat_id, user_id, principal.session_id, seq, 0, now)
        # Sending moved the cursors already: what is left is the session's own place.
        self._cursors.advance(move, not self._roster.ends_with(chat_id, seq, user_id))


class MarkRead:
    """The user has read everything up to a position or a message."""

    def __init__(
        self,
        cursors: Cursors,
        reader: ChatReader,
        do: Callable[[Advance], Awaitable[Outcome]],
        clock: Clock,
    ) -> None:
        self._cursors = cursors
        self._reader = reader
        self._do = do
        self._clock = clock

    def position(self, principal: Principal, chat: str, seq: int) -> None:
        """Up to a position. Raises Refused for what is no chat id."""
        self._cursors.advance(
            Advance(_chat(chat), principal.user_id, 0, 0, seq, self._clock.now_ms())
        )

    async def __call__(self, principal: Principal, message_id: str) -> rest.ReadDone:
        """Up to a message; stored when this returns. Raises Refused `not_found`."""
        try:
            number = ids.parse("msg", message_id)
        except BadId:
            raise Refused(Code.NOT_FOUND, NO_MESSAGE) from None
        view = await self._reader.message(principal.user_id, number)
        if view is None:
            raise Refused(Code.NOT_FOUND, NO_MESSAGE)
        row = view.row
        await self._do(Advance(row.chat_id, principal.user_id, 0, 0, row.seq, self._clock.now_ms()))
        return rest.ReadDone()


def _chat(name: str) -> int:
    try:
        return ids.parse("chat", name)
    except BadId as error:
        raise Refused(Code.INVALID, f"{error}.") from None
