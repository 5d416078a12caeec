"""What the session wants done in the world, in this order. The client carries them out."""

from msgspec import Struct

from hubbub_client.storage import Record
from hubbub_protocol.frames import ClientFrame


class Connect(Struct, frozen=True):
    """Open a WebSocket; then call `opened` or `closed`."""


class Disconnect(Struct, frozen=True):
    """Close the WebSocket, or stop opening it; nothing of it is wanted any more."""


class Transmit(Struct, frozen=True):
    """Send this frame on the open connection; drop it when there is none."""

    frame: ClientFrame


class Save(Struct, frozen=True):
    """Append these records; with `sync`, before any later command is carried out."""

    records: list[Record]
    sync: bool


class ReadEvents(Struct, frozen=True):
    """Read one page of the log's events after this position; then call `page` or `page_failed`."""

    log: str
    after: int
    ticket: int


class ReadChat(Struct, frozen=True):
    """Read this chat's record by REST; then call `learn` (or nothing, when it fails)."""

    chat_id: str


class RenewToken(Struct, frozen=True):
    """Get an access token newer than `stale`; then call `renewed` or `renew_failed`.

    An empty `stale` means: newer than the present one, whichever that is.
    """

    stale: str


Command = Connect | Disconnect | Transmit | Save | ReadEvents | ReadChat | RenewToken
