"""What happened since: `resume` over REST, with long poll."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from hubbub.actions.mark import MarkReceived
from hubbub.domain.account import Principal
from hubbub_protocol import frames, ids, rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import BadId

MAX_WAIT: Final = 60.0

Poll = Callable[
    [int, int, dict[int, int] | None, int, Sequence[int], float], Awaitable[list[dict[str, Any]]]
]
"""(user, session, places, own place, receipts of chats, seconds to wait) → frames."""


def places(positions: dict[str, int] | None) -> tuple[dict[int, int] | None, int]:
    """Named places to chat ids, and the place in the own log. Raises Refused `invalid`."""
    if positions is None:
        return None, 0
    named = {name: seq for name, seq in positions.items() if name != frames.ME}
    return dict(zip(chats(named), named.values(), strict=True)), positions.get(frames.ME, 0)


def chats(refs: Sequence[str] | dict[str, int]) -> list[int]:
    """Chat ids. Raises Refused `invalid`."""
    try:
        return [ids.parse("chat", ref) for ref in refs]
    except BadId as error:
        raise Refused(Code.INVALID, f"{error}.") from None


class Sync:
    """See the module."""

    def __init__(self, received: MarkReceived, poll: Poll) -> None:
        self._received = received
        self._poll = poll

    async def __call__(self, principal: Principal, asked: rest.Sync, wait: float) -> rest.Synced:
        """Raises Refused, Unavailable. Cancelling is safe."""
        positions, me = places(asked.positions)
        self._received(principal, asked.received)
        found = await self._poll(
            principal.user_id,
            principal.session_id,
            positions,
            me,
            chats(asked.receipts),
            min(max(wait, 0.0), MAX_WAIT),
        )
        return rest.Synced(found)
