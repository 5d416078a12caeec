"""One live connection as a reader of logs: it sees each log in order, or is made to re-read.

States: *idle* until it resumes; *catching up* while a replay runs, when live frames of the logs
that the replay covers are held (a few) or noted as behind; *live*; *blocked* when its socket
does not take what is written: then nothing is pushed, each log that moves is noted with the
place it was at, and re-read from the store once the socket is empty again (G3, G7).
"""

from collections.abc import Callable
from typing import Final, Protocol

from hubbub.delivery.link import Link
from hubbub.delivery.outgoing import Encoder, Outgoing

ME: Final = 0
"""The name of the user's own log among chat ids."""
HIGH_WATER: Final = 256 * 1024
"""Bytes not taken by the socket at which pushing stops."""
HARD_LIMIT: Final = 4 * 1024 * 1024
"""Bytes at which a peer that sends but never reads is cut off."""
MAX_HELD: Final = 64
"""Live frames that wait for a replay; what is more is re-read."""
MAX_RECEIPTS: Final = 100
"""Chats whose receipts a blocked reader hears of later."""


class CatchingUp(Protocol):
    """A replay under way, as its reader sees it."""

    def covers(self, log_id: int) -> bool:
        """Whether it reads this log."""

    def hold(self, log_id: int, rev: int, outgoing: Outgoing) -> bool:
        """Keep a live frame until the replay is done. False: there are too many."""


class Subscriber:
    """See the module. `user_id` and `session_id` are its principal's."""

    __slots__ = (
        "_encoder",
        "behind",
        "blocked",
        "focus",
        "large",
        "link",
        "missed_receipts",
        "on_dirty",
        "out",
        "replay",
        "sent",
        "session_id",
        "trims",
        "user_id",
        "version",
    )

    def __init__(
        self,
        user_id: int,
        session_id: int,
        link: Link,
        version: int,
        encoder: Encoder,
        on_dirty: Callable[["Subscriber"], None],
    ) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.link = link
        self.version = version
        self._encoder = encoder
        self.on_dirty = on_dirty
        self.out: list[bytes] | None = None
        self.blocked = False
        self.replay: CatchingUp | None = None
        self.behind: dict[int, int] | None = None
        self.trims: dict[int, int] | None = None
        self.missed_receipts: set[int] | None = None
        self.sent: dict[int, int] | None = None
        self.large: tuple[int, ...] = ()
        self.focus: frozenset[int] = frozenset()

    # ── what is pushed ──

    def log(self, log_id: int, rev: int, outgoing: Outgoing) -> None:
        """A live frame of a log, at its position."""
        behind = self.behind
        if behind is not None and log_id in behind:
            return  # will be re-read
        if self.blocked:
            self.fall_behind(log_id, rev - 1)
            return
        if self.replay is not None and self.replay.covers(log_id):
            if not self.replay.hold(log_id, rev, outgoing):
                self.fall_behind(log_id, rev - 1)
            return
        if self.trims is not None and rev <= self.trims.get(log_id, 0):
            return  # the replay had it
        self.push(log_id, rev, outgoing)

    def push(self, log_id: int, rev: int, outgoing: Outgoing) -> None:
        """The log's next frame, whatever the state: for `log`, and for a replay that ends."""
        self.add(outgoing.bytes(self.version))
        if self.sent is not None:
            self.sent[log_id] = rev

    def loose(self, outgoing: Outgoing) -> None:
        """A live frame outside the logs that may be lost (typing)."""
        if not self.blocked:
            self.add(outgoing.bytes(self.version))

    def receipt(self, chat_id: int, outgoing: Outgoing) -> None:
        """A live receipt; a blocked reader hears of that chat again later."""
        if not self.blocked:
            self.add(outgoing.bytes(self.version))
        elif self.missed_receipts is None:
            self.missed_receipts = {chat_id}
        elif len(self.missed_receipts) < MAX_RECEIPTS:
            self.missed_receipts.add(chat_id)

    def answer(self, frame: object) -> None:
        """A frame for this connection alone; goes out with the next flush."""
        self.add(self._encoder(frame, self.version))

    def add(self, data: bytes) -> None:
        """Bytes for the next flush."""
        if self.out is None:
            self.out = [data]
            self.on_dirty(self)
        else:
            self.out.append(data)

    # ── flow control ──

    def flush(self) -> None:
        """Write what was added, in one piece; stop pushing when the socket is full."""
        out, self.out = self.out, None
        if out is None:
            return
        self.link.write(out[0] if len(out) == 1 else b"".join(out))
        if (buffered := self.link.buffered()) > HIGH_WATER:
            self.blocked = True
            if buffered > HARD_LIMIT:
                self.link.close(1008, "you do not read what you ask for")

    def fall_behind(self, log_id: int, place: int) -> None:
        """Note that this log must be re-read from `place`."""
        if self.behind is None:
            self.behind = {}
        self.behind.setdefault(log_id, place)
