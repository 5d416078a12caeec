"""Signing in with a host application's token: nothing but the token is needed, each time."""

from typing import Final

from hubbub.actions.again import again
from hubbub.actions.grant import DAY_MS
from hubbub.domain.account import Principal, Session, User
from hubbub.domain.revocation import Revocations
from hubbub.ports import Clock, HostAccounts, HostTokens
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import IdMaker

REMEMBERED: Final = 20_000
"""Tokens: as many as connections, and some."""
LEAST_LIFE_MS: Final = 7 * DAY_MS
"""A session outlives every token of it, so that one which was ended is not forgotten."""


class Visits:
    """Who is here by which token of a host application.

    A good token is remembered, but for `again_ms` at most (an access token's lifetime, for which
    revocations are remembered too): then issuer and store are asked anew.
    """

    def __init__(
        self,
        hosts: HostTokens,
        accounts: HostAccounts,
        revocations: Revocations,
        ids: IdMaker,
        clock: Clock,
        again_ms: int,
        refresh_days: float,
    ) -> None:
        """`refresh_days`: how long a session lives unused."""
        self._hosts = hosts
        self._accounts = accounts
        self._revocations = revocations
        self._ids = ids
        self._clock = clock
        self._again_ms = again_ms
        self._life_ms = max(int(refresh_days * DAY_MS), LEAST_LIFE_MS)
        self._known: dict[str, tuple[Principal, int]] = {}

    def is_named(self, token: str) -> bool:
        """Whether the token says to be of a host application."""
        return self._hosts.is_named(token)

    def known(self, token: str, now: int) -> Principal | None:
        """Whom the token stands for, where that is remembered."""
        found = self._known.get(token)
        if found is None or found[1] <= now:
            return None
        return found[0]

    async def enter(self, token: str) -> Principal:
        """Verify the token; make its user and its session if they are new.

        Raises Refused `unauthorized`, Unavailable. Cancelling is safe: both may then be there.
        """
        now = self._clock.now_ms()
        visitor = await self._hosts.verify(token, now)
        user = User(self._ids.make(), visitor.name, visitor.display_name, "", False, now)
        end = now + self._life_ms
        session = Session(self._ids.make(), 0, visitor.session, visitor.device, now, now, end)
        entered = await again(lambda: self._accounts.enter(user, session, visitor.issued_at))
        self._revocations.add(entered.replaced, now)
        if not entered.session_id or entered.session_id in self._revocations:
            raise Refused(
                Code.UNAUTHORIZED,
                "This session was ended after the token was issued; get a new one.",
            )
        principal = Principal(entered.user_id, entered.session_id, visitor.expires_at, True)
        self._remember(token, principal, min(visitor.expires_at, now + self._again_ms))
        return principal

    def _remember(self, token: str, principal: Principal, until: int) -> None:
        self._known.pop(token, None)
        self._known[token] = principal, until
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
