"""What outlives the process: places, outbox, tokens. A port, its records, and one in memory.

A store is a fold over records, so that a journal of them is all that a file needs to hold
(`journal.FileStorage`).
"""

from collections.abc import Sequence
from typing import Protocol, assert_never

from msgspec import Struct, field

from hubbub_protocol.frames import Send
from hubbub_protocol.rest import SignedIn


class PlaceSaved(Struct, frozen=True, tag="place"):
    """Everything of this log up to `place` was handed to the application."""

    log: str
    place: int


class GapsSaved(Struct, frozen=True, tag="gaps"):
    """All ranges (inclusive) of this log that were not pushed and not yet read."""

    log: str
    gaps: list[tuple[int, int]]


class LogForgotten(Struct, frozen=True, tag="forgotten"):
    """The user left this chat."""

    log: str


class SendSaved(Struct, frozen=True, tag="queued"):
    """A message was put into the outbox."""

    send: Send


class SendSettled(Struct, frozen=True, tag="settled"):
    """A message left the outbox: accepted, or refused for good."""

    client_id: str


class TokensSaved(Struct, frozen=True, tag="tokens"):
    """The session's tokens. None: signed out."""

    signed_in: SignedIn | None


Record = PlaceSaved | GapsSaved | LogForgotten | SendSaved | SendSettled | TokensSaved


class Saved(Struct):
    """The fold of all records."""

    places: dict[str, int] = field(default_factory=dict)
    gaps: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    outbox: dict[str, Send] = field(default_factory=dict)  # in the order of sending
    signed_in: SignedIn | None = None

    def apply(self, record: Record) -> None:
        """Fold one record in."""
        match record:
            case PlaceSaved(log, place):
                self.places[log] = place
            case GapsSaved(log, gaps):
                if gaps:
                    self.gaps[log] = list(gaps)
                else:
                    self.gaps.pop(log, None)
            case LogForgotten(log):
                self.places.pop(log, None)
                self.gaps.pop(log, None)
            case SendSaved(send):
                self.outbox[send.client_id] = send
            case SendSettled(client_id):
                self.outbox.pop(client_id, None)
            case TokensSaved(signed_in):
                self.signed_in = signed_in
            case _:
                assert_never(record)

    def records(self) -> list[Record]:
        """The shortest list of records with this fold."""
        return [
            TokensSaved(self.signed_in),
            *(PlaceSaved(log, place) for log, place in self.places.items()),
            *(GapsSaved(log, gaps) for log, gaps in self.gaps.items()),
            *(SendSaved(send) for send in self.outbox.values()),
        ]

    def copy(self) -> "Saved":
        """An independent copy."""
        return Saved(dict(self.places), dict(self.gaps), dict(self.outbox), self.signed_in)


class Storage(Protocol):
    """Where a signed-in session keeps what must survive. One storage for each account."""

    async def load(self) -> Saved:
        """What was appended so far. May be called again. Raises StorageBusy, OSError."""

    async def append(self, records: Sequence[Record], sync: bool) -> None:
        """Keep these records, in order; with `sync`, on stable storage before it returns.

        All earlier records are then stable too. Raises OSError. When cancelled, the records
        may or may not be kept.
        """

    async def close(self) -> None:
        """Release the storage; `load` opens it again."""


class MemoryStorage:
    """A storage that lives as long as the process. It never waits."""

    def __init__(self) -> None:
        self._saved = Saved()

    async def load(self) -> Saved:
        """What was appended so far."""
        return self._saved.copy()

    async def append(self, records: Sequence[Record], sync: bool) -> None:
        """Keep these records."""
        for record in records:
            self._saved.apply(record)

    async def close(self) -> None:
        """Nothing to release."""
