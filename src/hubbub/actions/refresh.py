"""New tokens for a refresh token."""

from hubbub.actions.grant import Grant
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused


class Refresh:
    """Exchanges a refresh token, once. Guessing one is hopeless, so tries are not counted."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    async def __call__(self, refresh: rest.Refresh) -> rest.SignedIn:
        """New tokens of the same session. Raises Refused `unauthorized`.

        Not to be cancelled lightly: the old token may then be spent and the new one lost.
        """
        signed_in = await self._grant.renew(refresh.refresh_token)
        if signed_in is None:
            raise Refused(
                Code.UNAUTHORIZED, "This refresh token was used or has ended; sign in again."
            )
        return signed_in
