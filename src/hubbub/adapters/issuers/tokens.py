"""Access tokens that host applications issue: whom they stand for, and for how long."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from hubbub.adapters.issuers.claims import (
    EXPIRED,
    Claims,
    check_times,
    refused,
    unverified,
    verified,
)
from hubbub.adapters.issuers.followed import Pace, visiting
from hubbub.adapters.issuers.jwks import Keys, PublishedKeys
from hubbub.domain.account import Visitor
from hubbub.domain.credentials import external_name, session_name
from hubbub.domain.issuer import UNNAMED, Issuer, plain_text
from hubbub_protocol.codes import Refused

MAX_AGE_MS: Final = 7 * 24 * 3600 * 1000
"""A token is good for a week at most, whatever it says: for as long it is known which sessions
were ended."""
MAX_NAME: Final = 100
MAX_CLAIM: Final = 255


class Host(Struct, frozen=True):
    """A host application with its keys. `name` is how it is configured."""

    name: str
    told: Issuer
    keys: Keys


class HostApplications:
    """`HostTokens` of all configured issuers. `run` keeps their keys fresh."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._hosts: Mapping[str, Host] = {host.told.issuer: host for host in hosts}
        # Whoever names himself so among the unnamed would be somebody of another issuer.
        self._taken = tuple(f"{host.name}:" for host in hosts if host.name != UNNAMED)

    async def run(self) -> None:
        """Keep the key sets fresh, until cancelled."""
        async with visiting(Pace()) as http, asyncio.TaskGroup() as group:
            for host in self._hosts.values():
                if isinstance(host.keys, PublishedKeys):
                    group.create_task(host.keys.run(http))

    def is_named(self, token: str) -> bool:
        """Whether the token says to be of one of them. Nothing is verified."""
        try:
            return self._named(unverified(token)[0]) is not None
        except Refused:
            return False

    async def verify(self, token: str, now: int) -> Visitor:
        """Whom the token stands for. Raises Refused `unauthorized`, Unavailable."""
        claims, header = unverified(token)
        host = self._named(claims)
        if host is None:
            raise refused("The token's issuer is not known here.")
        claims = await verified(token, header, host.keys, host.told.issuer, host.told.audience)
        return self._visitor(host, claims, now)

    def _named(self, claims: Claims) -> Host | None:
        issuer = claims.get("iss")
        return self._hosts.get(issuer) if isinstance(issuer, str) else None

    def _visitor(self, host: Host, claims: Claims, now: int) -> Visitor:
        told, subject = host.told, claims["sub"]
        skew = int(told.skew * 1000)
        issued, end = check_times(claims, now, skew)
        until = min(end + skew, issued + MAX_AGE_MS)
        if until <= now:
            raise refused(EXPIRED)
        name = external_name("" if host.name == UNNAMED else host.name, subject)
        if name is None or (host.name == UNNAMED and subject.startswith(self._taken)):
            raise refused("The token's sub cannot be a user's name here.")
        device = plain_text(claims.get(told.session_claim), MAX_CLAIM) or ""
        return Visitor(
            name=name,
            display_name=plain_text(claims.get(told.name_claim), MAX_NAME) or subject[:MAX_NAME],
            session=session_name(name, device),
            device=f"{host.name} {device}".strip(),
            issued_at=issued,
            expires_at=until,
        )
