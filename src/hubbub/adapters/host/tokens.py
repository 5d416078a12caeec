"""Access tokens that host applications issue: JWT (RFC 7519), checked as RFC 8725 advises."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
from msgspec import Struct

from hubbub.adapters.host.jwks import Keys, PublishedKeys
from hubbub.domain.account import Visitor
from hubbub.domain.credentials import external_name, session_name
from hubbub.domain.issuer import UNNAMED, Issuer
from hubbub_protocol.codes import Code, Refused

MAX_TOKEN: Final = 8_192
"""Characters."""
MAX_AGE_MS: Final = 7 * 24 * 3600 * 1000
"""A token is good for a week at most, whatever it says: for as long it is known which sessions
were ended."""
MAX_NAME: Final = 100
MAX_CLAIM: Final = 255

_OPTIONS: Final[Any] = {
    "require": ["iss", "aud", "sub", "iat", "exp"],
    # By the clock that is passed in.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


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
        async with asyncio.TaskGroup() as group:
            for host in self._hosts.values():
                if isinstance(host.keys, PublishedKeys):
                    group.create_task(host.keys.run())

    def is_named(self, token: str) -> bool:
        """Whether the token says to be of one of them. Nothing is verified."""
        try:
            return self._unverified(token) is not None
        except Refused:
            return False

    async def verify(self, token: str, now: int) -> Visitor:
        """Whom the token stands for. Raises Refused `unauthorized`, Unavailable."""
        found = self._unverified(token)
        if found is None:
            raise _refused("The token's issuer is not known here.")
        host, header = found
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or not (kid is None or isinstance(kid, str)):
            raise _refused(_UNREADABLE)
        key = await host.keys.find(kid, algorithm)
        if key is None:
            raise _refused(
                "The token's issuer has no such key for this algorithm; get a new token."
            )
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.material,
                algorithms=[key.algorithm],
                audience=host.told.audience,
                issuer=host.told.issuer,
                options=_OPTIONS,
            )
        except jwt.InvalidSignatureError:
            raise _refused("The token's signature is not its issuer's.") from None
        except jwt.MissingRequiredClaimError as error:
            raise _refused(f"The token needs the claim {error.claim!r}.") from None
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
            raise _refused("The token is for another service.") from None
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
            raise _refused(_UNREADABLE) from None
        return self._visitor(host, claims, now)

    def _unverified(self, token: str) -> tuple[Host, dict[str, Any]] | None:
        """The host application that the token names, and its header."""
        if len(token) > MAX_TOKEN:
            raise _refused(f"A token has at most {MAX_TOKEN} characters.")
        try:
            whole = jwt.decode_complete(token, options={"verify_signature": False})
            host = self._hosts.get(whole["payload"].get("iss", ""))
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError):
            raise _refused(_UNREADABLE) from None
        return None if host is None else (host, whole["header"])

    def _visitor(self, host: Host, claims: dict[str, Any], now: int) -> Visitor:
        told, subject = host.told, claims["sub"]
        issued, end = _check_times(claims, now, int(told.skew * 1000))
        name = external_name("" if host.name == UNNAMED else host.name, subject)
        if name is None or (host.name == UNNAMED and subject.startswith(self._taken)):
            raise _refused("The token's sub cannot be a user's name here.")
        device = _text(claims.get(told.session_claim), MAX_CLAIM) or ""
        return Visitor(
            name=name,
            display_name=_text(claims.get(told.name_claim), MAX_NAME) or subject[:MAX_NAME],
            session=session_name(name, device),
            device=f"{host.name} {device}".strip(),
            issued_at=issued,
            expires_at=end,
        )


def _check_times(claims: dict[str, Any], now: int, skew: int) -> tuple[int, int]:
    """When the token was issued, and until when it is taken. Raises Refused."""
    issued, end = _time(claims, "iat"), _time(claims, "exp")
    begin = _time(claims, "nbf") if "nbf" in claims else issued
    if max(issued, begin) > now + skew:
        raise _refused("The token is not good yet; compare the clocks of both servers.")
    until = min(end + skew, issued + MAX_AGE_MS)
    if until <= now:
        raise _refused("The token has expired; get a new one from the application.")
    return issued, until


def _time(claims: dict[str, Any], claim: str) -> int:
    """A NumericDate in ms. Raises Refused."""
    value = claims[claim]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value < 1 << 40:
        raise _refused(f"The token's {claim} is no time in seconds.")
    return int(value * 1000)


def _text(value: object, most: int) -> str | None:
    """A claim as text within its bound, where it can be one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 1 << 64 else None
    if not isinstance(value, str) or not value.isprintable():
        return None
    return value.strip()[:most] or None


_UNREADABLE: Final = "The token cannot be read; pass on exactly what the application issued."


def _refused(sentence: str) -> Refused:
    return Refused(Code.UNAUTHORIZED, sentence)
