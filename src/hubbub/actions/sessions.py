"""A user's sessions: the list, ending one, ending this one."""

from hubbub.actions.again import again
from hubbub.domain.account import Principal
from hubbub.domain.revocation import Revocations
from hubbub.ports import Accounts, Clock
from hubbub_protocol import ids, rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.times import rfc3339


class ListSessions:
    """The user's live sessions."""

    def __init__(self, accounts: Accounts, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock

    async def __call__(self, principal: Principal) -> rest.Sessions:
        """Most recently used first."""
        found = await self._accounts.sessions(principal.user_id, self._clock.now_ms())
        return rest.Sessions(
            [
                rest.Session(
                    id=ids.text("session", session.id),
                    created_at=rfc3339(session.created_at),
                    last_used_at=rfc3339(session.last_used_at),
                    device=session.device,
                    current=session.id == principal.session_id,
                )
                for session in found
            ]
        )


class RevokeSession:
    """Ends a session of the user: its tokens are void and its connections close at once."""

    def __init__(self, accounts: Accounts, revocations: Revocations, clock: Clock) -> None:
        self._accounts = accounts
        self._revocations = revocations
        self._clock = clock

    async def __call__(self, principal: Principal, session_id: str) -> None:
        """Raises Refused `not_found`. Repeat it when it was cancelled."""
        try:
            number = ids.parse("session", session_id)
        except ids.BadId:
            number = 0
        if not await self._end(principal.user_id, number):
            raise Refused(Code.NOT_FOUND, "You have no such session; it may have ended already.")

    async def logout(self, principal: Principal) -> None:
        """End the session that asks. Nothing is refused."""
        await self._end(principal.user_id, principal.session_id)

    async def _end(self, user_id: int, session_id: int) -> bool:
        now = self._clock.now_ms()
        found = await again(lambda: self._accounts.revoke(user_id, session_id, now))
        if found:
            self._revocations.add([session_id], now)
        return found
