"""Access tokens: JWT (RFC 7519), signed with HMAC SHA-256 and nothing else."""

from typing import Any, Final

import jwt

from hubbub_protocol import ids
from hubbub_protocol.codes import Code, Refused

ISSUER: Final = "hubbub"
ALGORITHM: Final = "HS256"
OPERATOR: Final = "hubbub-operator"
"""Audience of tokens that no user has: whoever can read the server's key makes them."""
OPERATOR_SECONDS: Final = 60
REMEMBERED: Final = 4_096

_OPTIONS: Final[Any] = {
    "require": ["sub", "sid", "iat", "exp", "iss", "aud"],
    "verify_exp": False,  # by the clock that is passed in
    "verify_iat": False,
}


class JwtTokens:
    """`Tokens`. `minutes` is a token's lifetime.

    Tokens that were found good are remembered, so that a busy client's token is taken apart
    once: 0.2 µs instead of 25. The oldest is forgotten first; there are few, since a WebSocket
    shows its token only once and each costs half a kilobyte.
    """

    def __init__(self, key: bytes, minutes: float, remembered: int = REMEMBERED) -> None:
        self._key = key
        self._life_ms = int(minutes * 60_000)
        self._most = remembered
        self._good: dict[str, tuple[int, int, int]] = {}

    def issue(self, user_id: int, session_id: int, now: int) -> tuple[str, int]:
        """A token and its end in Unix ms."""
        end = (now + self._life_ms) // 1000
        claims = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": ids.text("user", user_id),
            "sid": ids.text("session", session_id),
            "iat": now // 1000,
            "exp": end,
        }
        return jwt.encode(claims, self._key, ALGORITHM), end * 1000

    def verify(self, token: str, now: int) -> tuple[int, int, int]:
        """(user, session, end in Unix ms). Raises Refused `unauthorized`."""
        found = self._good.get(token)
        if found is None:
            found = self._good[token] = self._read(token)
            if len(self._good) > self._most:
                del self._good[next(iter(self._good))]
        if found[2] <= now:
            raise _refused("The token has expired; get a new one with the refresh token.")
        return found

    def issue_operator(self, now: int) -> str:
        """A token for calls of the operator, good for a minute."""
        seconds = now // 1000
        claims = {"iss": ISSUER, "aud": OPERATOR, "iat": seconds, "exp": seconds + OPERATOR_SECONDS}
        return jwt.encode(claims, self._key, ALGORITHM)

    def is_operator(self, token: str, now: int) -> bool:
        """Whether it is such a token, and has not ended."""
        options: Any = {**_OPTIONS, "require": ["iat", "exp", "iss", "aud"]}
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=OPERATOR,
                issuer=ISSUER,
                options=options,
            )
            return now < int(claims["exp"]) * 1000
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
            return False

    def _read(self, token: str) -> tuple[int, int, int]:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=ISSUER,
                issuer=ISSUER,
                options=_OPTIONS,
            )
            return (
                ids.parse("user", claims["sub"]),
                ids.parse("session", claims["sid"]),
                int(claims["exp"]) * 1000,
            )
        except jwt.InvalidSignatureError:
            raise _refused(
                "The token was not signed by this server; sign in here to get one."
            ) from None
        except jwt.MissingRequiredClaimError as error:
            raise _refused(f"The token has no claim {error.claim!r}; sign in again.") from None
        except (jwt.InvalidIssuerError, jwt.InvalidAudienceError):
            raise _refused("The token is for another service; sign in here to get one.") from None
        except jwt.InvalidAlgorithmError:
            raise _refused(f"The token must be signed with {ALGORITHM}; sign in again.") from None
        except (jwt.PyJWTError, ids.BadId, ValueError, TypeError, AttributeError):
            raise _refused(
                "The token cannot be read; pass on exactly what signing in gave."
            ) from None


def _refused(sentence: str) -> Refused:
    return Refused(Code.UNAUTHORIZED, sentence)
