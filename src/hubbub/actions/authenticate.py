"""A token's bearer."""

from hubbub.actions.visits import Visits
from hubbub.domain.account import Principal
from hubbub.domain.revocation import Revocations
from hubbub.ports import Clock, Tokens
from hubbub_protocol.codes import Code, Refused


class Authenticate:
    """Turns an access token into the principal that it stands for."""

    def __init__(
        self, tokens: Tokens, visits: Visits | None, revocations: Revocations, clock: Clock
    ) -> None:
        """`visits`: of host applications, where there are any."""
        self._tokens = tokens
        self._visits = visits
        self._revocations = revocations
        self._clock = clock

    async def __call__(self, token: str) -> Principal:
        """The principal. Raises Refused `unauthorized`, Unavailable. Cancelling is safe."""
        principal = self.now(token)
        if principal is None:
            assert self._visits is not None
            principal = await self._visits.enter(token)
        return principal

    def now(self, token: str) -> Principal | None:
        """The principal, where no store has to be asked; None for a host application's token
        that was not seen lately.

        Raises Refused `unauthorized`: bad, expired or revoked.
        """
        now = self._clock.now_ms()
        principal = self._visits.known(token, now) if self._visits is not None else None
        if principal is None:
            try:
                principal = Principal(*self._tokens.verify(token, now))
            except Refused:
                if self._visits is not None and self._visits.is_named(token):
                    return None
                raise
        if principal.session_id in self._revocations:
            raise Refused(Code.UNAUTHORIZED, "This session was ended; sign in again.")
        return principal
