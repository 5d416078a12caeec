"""A token's bearer."""

from hubbub.domain.account import Principal
from hubbub.domain.revocation import Revocations
from hubbub.ports import Clock, Tokens
from hubbub_protocol.codes import Code, Refused


class Authenticate:
    """Turns an access token into the principal that it stands for; asks no store."""

    def __init__(self, tokens: Tokens, revocations: Revocations, clock: Clock) -> None:
        self._tokens = tokens
        self._revocations = revocations
        self._clock = clock

    def __call__(self, token: str) -> Principal:
        """The principal. Raises Refused `unauthorized`: bad, expired or revoked."""
        user_id, session_id, end = self._tokens.verify(token, self._clock.now_ms())
        if session_id in self._revocations:
            raise Refused(Code.UNAUTHORIZED, "This session was ended; sign in again.")
        return Principal(user_id, session_id, end)
