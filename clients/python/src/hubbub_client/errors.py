"""What can go wrong, as exceptions. Refusals by the server are `hubbub_protocol.codes.Refused`."""

from hubbub_protocol.codes import Close, Refused


class HubbubError(Exception):
    """The base of this package's own exceptions."""


class Unreachable(HubbubError):
    """No connection, or no answer: the request may or may not have been carried out.

    `retry_after`: seconds, when the other side named a time.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Disconnected(HubbubError):
    """The WebSocket is closed. `code` as in RFC 6455 section 7.4; 1006 where none was sent."""

    def __init__(self, code: int = Close.LOST, reason: str = "") -> None:
        super().__init__(f"closed with {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class SignedOut(HubbubError):
    """The session is over (revoked, or its refresh token is used up): sign in again."""


class WrongAccount(HubbubError):
    """The storage belongs to another user. Use one storage for each account."""


class OutboxFull(HubbubError):
    """Too many messages wait for the server; the message was not taken. Try again later."""


class TooLarge(HubbubError):
    """The message does not fit a frame that the server takes; it was not taken. Make it smaller."""


class SendRefused(HubbubError):
    """The server refused a message for good. `refusal` says why; the outbox forgot it."""

    def __init__(self, client_id: str, refusal: Refused) -> None:
        super().__init__(refusal.message)
        self.client_id = client_id
        self.refusal = refusal


class ClientClosed(HubbubError):
    """The client was left before the answer came. A stored outbox sends again next time."""


class StorageBusy(HubbubError):
    """Another process uses this storage file."""
