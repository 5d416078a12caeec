"""Invite links."""

import secrets
from collections.abc import Callable
from typing import Final

from hubbub.domain.account import Invite, Principal
from hubbub.domain.credentials import secret_hash
from hubbub.ports import Accounts, Clock, Invites
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.times import rfc3339

LIFE_MS: Final = 7 * 24 * 3600 * 1000
NOBODY: Final = 0


class CreateInvite:
    """Makes links by which one person each may register within a week.

    Who may: admins, and everybody where registration is open anyway. `base_url` is asked for
    when a link is made, since the port may be known only then.
    """

    def __init__(
        self,
        accounts: Accounts,
        invites: Invites,
        clock: Clock,
        mode: str,
        base_url: Callable[[], str],
    ) -> None:
        self._accounts = accounts
        self._invites = invites
        self._clock = clock
        self._mode = mode
        self._base_url = base_url

    async def __call__(self, principal: Principal) -> rest.Invite:
        """A new link. Raises Refused `forbidden`, `registration_closed`."""
        if self._mode == "closed":
            raise Refused(Code.REGISTRATION_CLOSED, "Nobody can register here, invited or not.")
        if self._mode != "open":
            users = await self._accounts.users([principal.user_id])
            if not users or not users[0].is_admin:
                raise Refused(Code.FORBIDDEN, "Only admins may invite here; ask one of them.")
        return await self._make(principal.user_id, admin=False)

    async def first(self) -> rest.Invite | None:
        """The link that makes the admin, while nobody has registered yet."""
        if await self._invites.has_users():
            return None
        return await self._make(NOBODY, admin=True)

    async def _make(self, by: int, admin: bool) -> rest.Invite:
        code = secrets.token_urlsafe(18)
        end = self._clock.now_ms() + LIFE_MS
        await self._invites.add_invite(Invite(secret_hash(code), by, end, 1, admin))
        # In the fragment, which browsers do not send: so the code is in nobody's logs.
        return rest.Invite(code, f"{self._base_url()}/#invite={code}", rfc3339(end))
