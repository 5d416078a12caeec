"""One live connection as a reader of logs: it sees each log in order, or is made to re-read.

States: *idle* until it resumes; *catching up* while a replay runs, when live frames of the logs
that the replay covers are held (a few) or noted as behind; *live*; *blocked* when its socket
does not take what is written: then nothing is pushed, each log that moves is noted with the
place it was at, and re-read from the store once the socket is empty again (G3, G7).

On a bus that may lose events a reader is *watchful*: it keeps its place in each log for ever, so
that a hole which the relay cannot see (its first event of a log, say) is seen here. Where something
was lost and nobody knows what, he is *outdated*: all his logs are looked at.
"""

from collections.abc import Callable
from typing import Final, Protocol

from hubbub.delivery.link import Link
from hubbub.delivery.outgoing import Encoders, Outgoing
from hubbub.domain.relation import Stance
from hubbub_protocol import frames, ids
from hubbub_protocol.codes import Close

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
NOTHING: Final[frozenset[int]] = frozenset()
"""What most look at: each new one would take 224 bytes."""
GONE: Final = 2**62
"""The place of a watchful reader in a chat that he left: nothing of it is news."""


class CatchingUp(Protocol):
    """A replay under way, as its reader sees it."""

    def covers(self, log_id: int) -> bool:
        """Whether it reads this log."""

    def hold(self, log_id: int, rev: int, outgoing: Outgoing) -> bool:
        """Keep a live frame until the replay is done. False: there are too many."""

    def owes(self, *log_ids: int) -> bool:
        """Whether the reader has yet to be told what it keeps, or reads again, of these logs."""


class Subscriber:
    """See the module. `user_id` and `session_id` are its principal's."""

    __slots__ = (
        "_encode",
        "behind",
        "blocked",
        "focus",
        "large",
        "link",
        "missed_receipts",
        "on_dirty",
        "out",
        "outdated",
        "replay",
        "reread",
        "sent",
        "session_id",
        "stance",
        "trims",
        "user_id",
        "version",
        "watchful",
    )

    def __init__(
        self,
        user_id: int,
        session_id: int,
        link: Link,
        version: int,
        encoders: Encoders,
        on_dirty: Callable[["Subscriber"], None],
    ) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.link = link
        self.version = version
        self._encode = encoders[version]
        self.on_dirty = on_dirty
        self.out: list[bytes] | None = None
        self.blocked = False
        self.replay: CatchingUp | None = None
        self.behind: dict[int, int] | None = None
        self.trims: dict[int, int] | None = None
        self.watchful = False
        self.outdated = False
        self.reread: Callable[[Subscriber], None] = _not_yet
        self.missed_receipts: set[int] | None = None
        self.sent: dict[int, int] | None = None
        self.large: tuple[int, ...] = ()
        self.focus = NOTHING
        self.stance: Stance | None = None  # until a resume has found how his user stands

    # ── what is pushed ──

    def log(self, log_id: int, rev: int, outgoing: Outgoing) -> None:
        """A live frame of a log, at its position."""
        behind = self.behind
        if behind is not None and log_id in behind:
            return  # will be re-read
        if self.trims is not None and rev <= self.trims.get(log_id, 0):
            return  # a replay had it
        if self.blocked:
            self.fall_behind(log_id, rev - 1)
            return
        if self.replay is not None and self.replay.covers(log_id):
            if not self.replay.hold(log_id, rev, outgoing):
                self.fall_behind(log_id, rev - 1)
            return
        if self.trims is not None and not self._is_news(self.trims, log_id, rev, outgoing):
            return
        if self.sent is not None:
            self.sent[log_id] = rev
        if self.out is None:  # as `add`, of which there are millions
            self.out = [outgoing.bytes(self.version)]
            self.on_dirty(self)
        else:
            self.out.append(outgoing.bytes(self.version))

    def _is_news(self, places: dict[int, int], log_id: int, rev: int, outgoing: Outgoing) -> bool:
        """False: a replay had it, or it comes too early, and the log is re-read."""
        place = places.get(log_id)
        if not self.watchful:
            return place is None or rev > place
        if place is None:  # a chat that the own log has not told of
            self.fall_behind(ME, places.get(ME, 0))
            self.reread(self)
            return False
        if rev <= place:
            return False
        if rev > place + 1:
            self.fall_behind(log_id, place)
            self.reread(self)
            return False
        places[log_id] = rev
        if isinstance(outgoing.frame, frames.Me):
            self.told(outgoing.frame)
        return True

    def told(self, event: frames.Me) -> int | None:
        """The own log says this. A watchful reader's place in a chat that is new to him."""
        if not self.watchful or self.trims is None or event.kind != "chat":
            return None
        chat_id = ids.parse("chat", event.chat_id or "")
        if not event.member:
            self.trims[chat_id] = GONE
            return None
        start, place = event.joined_seq - 1, self.trims.get(chat_id)
        if place is not None and start <= place < GONE:
            return None
        self.trims[chat_id] = start
        return start

    def place(self, log_id: int) -> int:
        """How far a watchful reader knows himself to be in a log where he is; else 0."""
        place = 0 if self.trims is None or not self.watchful else self.trims.get(log_id, 0)
        return 0 if place == GONE else place

    def loose(self, outgoing: Outgoing) -> None:
        """A live frame outside the logs that may be lost (typing)."""
        if not self.blocked:
            self.add(outgoing.bytes(self.version))

    def stand(self, stance: Stance) -> None:
        """His user stands so to others; what is older than what is known changes nothing."""
        if self.stance is None or stance.rev > self.stance.rev:
            self.stance = stance

    @property
    def silent(self) -> bool:
        """Whether he is not told what others have read."""
        return self.stance is not None and self.stance.privacy.silent

    def receipt(self, chat_id: int, outgoing: Outgoing) -> None:
        """A live receipt; a reader that takes none now hears of that chat again later."""
        if not self.blocked and self.stance is not None and not self._is_early(chat_id):
            self.add(outgoing.bytes(self.version))
        elif self.missed_receipts is None:
            self.missed_receipts = {chat_id}
        elif len(self.missed_receipts) < MAX_RECEIPTS:
            self.missed_receipts.add(chat_id)

    def _is_early(self, chat_id: int) -> bool:
        """Whether the reader has yet to be told of the chat, or a watchful one reads of it."""
        if self.replay is not None and self.replay.owes(ME, chat_id):
            return True
        if not self.watchful or self.trims is None:
            return self.behind is not None and not self.behind.keys().isdisjoint((ME, chat_id))
        if self.replay is None and chat_id not in self.trims:
            self.fall_behind(ME, self.trims.get(ME, 0))
            self.reread(self)
        return self.replay is not None or chat_id not in self.trims

    def answer(self, frame: object) -> None:
        """A frame for this connection alone; goes out with the next flush."""
        data = self._encode(frame)
        if self.out is None:  # as `add`
            self.out = [data]
            self.on_dirty(self)
        else:
            self.out.append(data)

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
                self.link.close(Close.TRY_LATER, "what was sent is not read; reconnect to go on")

    def fall_behind(self, log_id: int, place: int) -> None:
        """Note that this log must be re-read from `place`; a watchful reader knows his own."""
        if self.watchful and self.trims is not None:
            if log_id not in self.trims:  # the own log tells from where on he sees it
                log_id = ME
            place = self.trims.get(log_id, 0)
            if place == GONE:
                return
        if self.behind is None:
            self.behind = {}
        self.behind.setdefault(log_id, place)


def _not_yet(subscriber: Subscriber) -> None:
    """Before it resumes there is nothing to read again."""
