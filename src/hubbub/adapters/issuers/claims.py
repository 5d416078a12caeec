"""Reading a token (RFC 7519) of somebody else's, checked as RFC 8725 advises."""

import math
from typing import Any, Final

import jwt

from hubbub.adapters.issuers.jwks import Keys
from hubbub_protocol.codes import Code, Refused

Claims = dict[str, Any]

MAX_TOKEN: Final = 8_192
"""Characters."""
REQUIRED: Final = ("iss", "aud", "sub", "iat", "exp")

_OPTIONS: Final[Any] = {
    "require": list(REQUIRED),
    # By the clock that is passed in.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}
_UNREADABLE: Final = "The token cannot be read; pass on exactly what the application issued."


def unverified(token: str, most: int = MAX_TOKEN) -> tuple[Claims, Claims]:
    """Its claims and its header, of which nothing is known yet. Raises Refused `unauthorized`."""
    if len(token) > most:
        raise refused(f"A token has at most {most} characters.")
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError):
        raise refused(_UNREADABLE) from None
    return whole["payload"], whole["header"]


async def verified(token: str, header: Claims, keys: Keys, issuer: str, audience: str) -> Claims:
    """The claims that its issuer has signed for this audience; of times, see `check_times`.

    Raises Refused `unauthorized`, Unavailable.
    """
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not (kid is None or isinstance(kid, str)):
        raise refused(_UNREADABLE)
    key = await keys.find(kid, algorithm)
    if key is None:
        raise refused("The token's issuer has no such key for this algorithm; get a new token.")
    try:
        claims: Claims = jwt.decode(
            token,
            key.material,
            algorithms=[key.algorithm],
            audience=audience,
            issuer=issuer,
            options=_OPTIONS,
        )
    except jwt.InvalidSignatureError:
        raise refused("The token's signature is not its issuer's.") from None
    except jwt.MissingRequiredClaimError as error:
        raise refused(f"The token needs the claim {error.claim!r}.") from None
    except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
        raise refused("The token is for another service.") from None
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise refused(_UNREADABLE) from None
    return claims


def check_times(claims: Claims, now: int, skew: int) -> tuple[int, int]:
    """When the token was issued, and its end, in Unix ms. `skew`: ms that clocks may differ.

    Raises Refused `unauthorized` for one that is not good now.
    """
    issued, end = _time(claims, "iat"), _time(claims, "exp")
    begin = _time(claims, "nbf") if "nbf" in claims else issued
    if max(issued, begin) > now + skew:
        raise refused("The token is not good yet; compare the clocks of both servers.")
    if end + skew <= now:
        raise refused(EXPIRED)
    return issued, end


EXPIRED: Final = "The token has expired; get a new one from the application."


def _time(claims: Claims, claim: str) -> int:
    """A NumericDate in ms. Raises Refused."""
    value = claims[claim]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value < 1 << 40:
        raise refused(f"The token's {claim} is no time in seconds.")
    return int(value * 1000)


def refused(sentence: str) -> Refused:
    """Why a token is not taken."""
    return Refused(Code.UNAUTHORIZED, sentence)
