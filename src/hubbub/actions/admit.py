"""Who may look after the server."""

from collections.abc import Awaitable, Callable

from hubbub.domain.account import Principal
from hubbub.ports import Accounts, Clock, Tokens
from hubbub_protocol.codes import Code, Refused


class Admit:
    """Admits admins, and whoever can read the server's own key."""

    def __init__(
        self,
        tokens: Tokens,
        authenticate: Callable[[str], Awaitable[Principal]],
        accounts: Accounts,
        clock: Clock,
    ) -> None:
        self._tokens = tokens
        self._authenticate = authenticate
        self._accounts = accounts
        self._clock = clock

    async def __call__(self, token: str) -> None:
        """Return, or raise Refused: `unauthorized`, `forbidden`."""
        if self._tokens.is_operator(token, self._clock.now_ms()):
            return
        principal = await self._authenticate(token)
        users = await self._accounts.users([principal.user_id])
        if not users or not users[0].is_admin:
            raise Refused(Code.FORBIDDEN, "Only admins may do this; ask one of them.")
