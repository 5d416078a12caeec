"""Mute a chat: its messages come as before, and the user does not want to be disturbed by them."""

from hubbub.actions.references import chat_id, no_chat
from hubbub.domain.account import Principal
from hubbub.domain.own import Mute, Told
from hubbub.ports import Changes, Clock
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.times import rfc3339, unix_ms


class MuteChat:
    """`mute_chat(principal, chat_id, request)` → until when it is muted now."""

    def __init__(self, changes: Changes, clock: Clock) -> None:
        self._changes, self._clock = changes, clock

    async def __call__(self, principal: Principal, chat: str, request: rest.Mute) -> rest.Mute:
        """Until a time that is past: no more. Raises Refused: `not_found`, `invalid`."""
        number, until = chat_id(chat), _time(request.until)
        if until <= self._clock.now_ms():
            until = 0
        outcome = await self._changes.do(Mute(number, principal.user_id, until))
        if not isinstance(outcome, Told):
            raise no_chat()
        return rest.Mute(rfc3339(until) if until else None)


def _time(text: str | None) -> int:
    """Unix ms, 0 for none. Raises Refused `invalid`."""
    try:
        return 0 if text is None else unix_ms(text)
    except ValueError:
        raise Refused(
            Code.INVALID, "until is no time. Give it as 2026-02-01T10:00:00.000Z, or null."
        ) from None
