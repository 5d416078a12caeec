"""Error codes, close codes and what a client does about each.

`spec/codes.toml` is the same table for other languages; a test keeps them equal.
"""

from enum import IntEnum, StrEnum
from typing import Final


class Code(StrEnum):
    """Why something was refused: stable names, each with its HTTP status and a rule to retry."""

    MALFORMED = "malformed"
    UNKNOWN_TYPE = "unknown_type"
    UNAUTHORIZED = "unauthorized"
    BAD_CREDENTIALS = "bad_credentials"
    FORBIDDEN = "forbidden"
    CANNOT_MESSAGE = "cannot_message"
    REGISTRATION_CLOSED = "registration_closed"
    INVITE_INVALID = "invite_invalid"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TIMEOUT = "timeout"
    CONFLICT = "conflict"
    USERNAME_TAKEN = "username_taken"
    NOT_YET_STORED = "not_yet_stored"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    INVALID = "invalid"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    RATE_LIMITED = "rate_limited"
    HEAD_TOO_BIG = "head_too_big"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"

    @property
    def http_status(self) -> int:
        """The status of the problem document."""
        return _STATUS[self]

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later, unchanged."""
        return self in _RETRYABLE


_STATUS: Final[dict[Code, int]] = {
    Code.MALFORMED: 400,
    Code.UNKNOWN_TYPE: 400,
    Code.UNAUTHORIZED: 401,
    Code.BAD_CREDENTIALS: 401,
    Code.FORBIDDEN: 403,
    Code.CANNOT_MESSAGE: 403,
    Code.REGISTRATION_CLOSED: 403,
    Code.INVITE_INVALID: 403,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.TIMEOUT: 408,
    Code.CONFLICT: 409,
    Code.USERNAME_TAKEN: 409,
    Code.NOT_YET_STORED: 409,
    Code.TOO_LARGE: 413,
    Code.UNSUPPORTED_MEDIA_TYPE: 415,
    Code.INVALID: 422,
    Code.IDEMPOTENCY_MISMATCH: 422,
    Code.RATE_LIMITED: 429,
    Code.HEAD_TOO_BIG: 431,
    Code.OVERLOADED: 503,
    Code.UNAVAILABLE: 503,
    Code.INTERNAL: 500,
}
_RETRYABLE: Final = frozenset(
    {Code.TIMEOUT, Code.NOT_YET_STORED, Code.RATE_LIMITED, Code.OVERLOADED, Code.UNAVAILABLE}
)


class Close(IntEnum):
    """WebSocket close codes (RFC 6455 section 7.4) that the server uses."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    LOST = 1006
    BAD_PAYLOAD = 1007
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL = 1011
    TRY_LATER = 1013
    TOKEN = 4401
    ABUSIVE_RATE = 4429


class Reconnect(StrEnum):
    """What a client does after a close."""

    BACKOFF = "backoff"  # reconnect, exponentially later, with full jitter
    TOKEN = "token"  # get a new token first, then reconnect; without one, sign in again
    NEVER = "never"  # the client itself is at fault; another try would end the same


def reconnect(code: int) -> Reconnect:
    """The rule for any close code: the table below, and by range where it is silent.

    4400-4409 want a token, 4410-4419 never, everything else is worth another try with backoff.
    """
    if code in _RECONNECT:
        return _RECONNECT[code]
    if 4400 <= code <= 4409:
        return Reconnect.TOKEN
    if 4410 <= code <= 4419:
        return Reconnect.NEVER
    return Reconnect.BACKOFF


_RECONNECT: Final[dict[int, Reconnect]] = {
    Close.PROTOCOL_ERROR: Reconnect.NEVER,
    Close.BAD_PAYLOAD: Reconnect.NEVER,
    Close.POLICY: Reconnect.NEVER,
    Close.TOO_BIG: Reconnect.NEVER,
    Close.TOKEN: Reconnect.TOKEN,
}


class Refused(Exception):
    """A request that is not carried out: a code, a sentence that says what to do, when to retry.

    `retry_after` is in seconds, None where waiting does not help.
    """

    def __init__(self, code: Code, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
