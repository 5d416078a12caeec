"""All logs of the user: frames in order, chats coming and going, holes, claims. Pure.

It writes to two lists that its owner drains: `commands` and `events`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from hubbub_client.chat import NOWHERE, WINDOW, Chat, Folded
from hubbub_client.claims import Claims
from hubbub_client.commands import Command, ReadEvents, Save
from hubbub_client.events import (
    ChatAdded,
    ChatRemoved,
    Event,
    GapFound,
    MessageArrived,
    MessageChanged,
)
from hubbub_client.own import own_news
from hubbub_client.reader import LogReader, Verdict
from hubbub_client.repairs import Repairs
from hubbub_client.storage import PlaceSaved, Record, Saved
from hubbub_client.unsaved import Unsaved
from hubbub_protocol.codes import Code
from hubbub_protocol.frames import ME, CaughtUp, Gap, Me, Message, Received, Skip
from hubbub_protocol.rest import EventPage, Role, StoredMessage

NOTICED: Final = 1_000
PART: Final = 500  # positions in one frame, which keeps it far under 64 KiB


class Logs:
    """The user's own log and his chats' logs.

    `user_id` is "" until known. `live`: between `caught_up` and the end of the connection.
    """

    def __init__(
        self,
        saved: Saved,
        commands: list[Command],
        events: list[Event],
        repairs: Repairs,
        window: int = WINDOW,
    ) -> None:
        self._commands = commands
        self._events = events
        self._window = window
        self._repairs = repairs
        self.user_id = ""
        self.live = False
        # Before the first complete replay the client does not know which chats there are, so
        # it lets the server resume from the place that the server keeps.
        self.fresh = ME not in saved.places
        self.me: LogReader[Me | Skip] = LogReader(saved.places.get(ME, 0))
        self.chats: dict[str, Chat] = {}
        for log, place in saved.places.items():
            if log != ME:
                self.chats[log] = Chat(log, place, place + 1, window)
                self.chats[log].gaps = list(saved.gaps.get(log, ()))
        self._removed: set[str] = set()
        self._noticed: dict[str, tuple[int, int]] = {}  # chat → rev seen, last ticket before
        self._claims = Claims(() if self.fresh else saved.places)
        self._unsaved = Unsaved()
        self._begins: dict[str, int] = {}  # where a first replay began

    # ── frames ───────────────────────────────────────────────────────────────────────────────

    def message(self, frame: Message, now: float) -> None:
        """A message, new or changed, in a replay or live."""
        chat = self._chat_of(frame.chat_id, frame.rev)
        if chat is not None:
            own = self.live and frame.sender_id == self.user_id
            self._offer(chat, frame, now if own else None)

    def skip(self, frame: Skip) -> None:
        """Positions that the user may not see."""
        if frame.chat_id == ME:
            self._offer_me(frame)
            return
        chat = self._chat_of(frame.chat_id, frame.to)
        if chat is not None:
            self._offer(chat, frame)

    def me_event(self, frame: Me) -> None:
        """An event of the own log."""
        self._offer_me(frame)

    def gap(self, frame: Gap) -> None:
        """Older positions that are not pushed. Those of the own log are read at once."""
        if frame.chat_id == ME:
            if frame.to > self.me.place and not self.me.repairing:
                self.me.repairing = True
                self._read(ME)
            return
        chat = self._chat_of(frame.chat_id, frame.to)
        if chat is None or frame.to <= chat.log.place:
            return
        first = max(frame.from_, chat.log.place + 1)
        if self.fresh:
            self._begins.setdefault(chat.id, first - 1)
        chat.add_gap(first, frame.to)
        chat.log.advance(frame.to, complete=False)
        self._unsaved.gaps(chat.id)
        self._events.append(GapFound(chat.id, first, frame.to))

    def caught_up(self, frame: CaughtUp) -> None:
        """The replay is complete; what was seen in it may be claimed now."""
        for log, position in frame.positions.items():
            if log != ME and log not in self.chats:
                self._add(log, position, position + 1)
        for log, reader in self._readers():
            if not reader.repairing:
                held = reader.held
                reader.advance(frame.positions.get(log, 0), complete=True)
                if reader.held != held:
                    self._moved(log)
        for chat in self.chats.values():
            chat.caught_up(chat.log.place)
        if self.fresh:
            self._commands.append(Save(self._anchor(), sync=True))
        self.live, self.fresh = True, False

    def _anchor(self) -> list[Record]:
        """Where a first replay began, to be stored before anything of it is claimed.

        The server keeps a new device's place by what it claims; what the application has not
        seen by then would be lost with this process.
        """
        begins = {log: self._begins.get(log, reader.place) for log, reader in self._readers()}
        begins[ME] = self._begins.get(ME, self.me.place)
        return [PlaceSaved(log, place) for log, place in begins.items()]

    def _chat_of(self, chat_id: str, rev: int) -> Chat | None:
        chat = self.chats.get(chat_id)
        if chat is not None:
            return chat
        if not self.live:
            # A first resume: the server knows the user's chats and the client does not. Nothing
            # tells where the log begins for us, so that what comes is all taken as new.
            return self._add(chat_id, 0, NOWHERE)
        # A live frame of an unknown chat: the own log's event about it must have been lost.
        if len(self._noticed) < NOTICED:
            self._noticed.setdefault(chat_id, (rev, self._repairs.last_ticket))
        if not self.me.repairing:
            self.me.repairing = True
            self._read(ME)
        return None

    def _offer(self, chat: Chat, frame: Message | Skip, own_at: float | None = None) -> None:
        first, last = (frame.from_, frame.to) if isinstance(frame, Skip) else (frame.rev, frame.rev)
        verdict = chat.log.offer(first, last, frame, self.live)
        if verdict is Verdict.APPLY:
            if isinstance(frame, Message):
                self._fold(chat, frame)
            chat.log.advance(last, complete=self.live)
            self._moved(chat.id, own_at)
        elif verdict is Verdict.HOLE:
            self._read(chat.id)

    def _fold(self, chat: Chat, message: Message) -> None:
        read = chat.read
        if self.fresh:  # the server knows from where it replays; the window begins where it does
            self._begins.setdefault(chat.id, message.rev - 1)
            if message.rev == message.seq:
                chat.from_seq = min(chat.from_seq, message.seq)
        folded = chat.fold(message, self.user_id)
        if folded is not Folded.KNOWN:
            kind = MessageArrived if folded is Folded.NEW else MessageChanged
            self._events.append(kind(message))
        self._events.extend(chat.settings_from(message))
        if message.sender_id == self.user_id:
            self._events.extend(chat.ticks_of(message, self.user_id))
        if chat.read != read:
            self._events.append(chat.read_moved)

    # ── the own log ──────────────────────────────────────────────────────────────────────────

    def _offer_me(self, frame: Me | Skip) -> None:
        first, last = (frame.from_, frame.to) if isinstance(frame, Skip) else (frame.rev, frame.rev)
        verdict = self.me.offer(first, last, frame, self.live)
        if verdict is Verdict.APPLY:
            if isinstance(frame, Me):
                if self.fresh:
                    self._begins.setdefault(ME, frame.rev - 1)
                self._apply_me(frame)
            self.me.advance(last, complete=self.live)
            self._moved(ME)
        elif verdict is Verdict.HOLE:
            self._read(ME)

    def _apply_me(self, event: Me) -> None:
        match event.kind, event.chat_id:
            case "chat", str(chat_id):
                self._apply_chat(chat_id, event)
            case _:
                self._events.extend(own_news(event, self.chats))

    def _apply_chat(self, chat_id: str, event: Me) -> None:
        chat = self.chats.get(chat_id)
        if not event.member:
            self._remove(chat_id)
            return
        start = max(0, event.joined_seq - 1)
        if chat is None or chat.log.place < start:
            # New, or a later stay than the one that is held: his log begins anew there.
            missed = self._noticed.pop(chat_id, None) is not None
            if chat is not None:
                # Frames of the new stay may wait behind the hole between the two.
                missed = missed or chat.log.repairing
                self._remove(chat_id)
            begin = NOWHERE if self.fresh else start + 1
            chat = self._add(chat_id, start, begin, event.role)
            if missed:
                chat.log.repairing = True
                self._read(chat_id)
        self._events.extend(chat.of_mine(event.role, event.muted_until))
        if chat.move_read(event.read, (event.unread, event.unread_mentions), self.live):
            self._events.append(chat.read_moved)

    def _add(self, chat_id: str, place: int, from_seq: int, role: Role = "member") -> Chat:
        self._removed.discard(chat_id)
        chat = self.chats[chat_id] = Chat(chat_id, place, from_seq, self._window)
        chat.role = role
        self._events.append(ChatAdded(chat_id, role))
        self._moved(chat_id)
        return chat

    def _remove(self, chat_id: str) -> None:
        self._removed.add(chat_id)
        self._repairs.cancel(chat_id)
        self._claims.forget(chat_id)
        known = self.chats.pop(chat_id, None) is not None
        self._unsaved.forget(chat_id, known)
        if known:
            self._events.append(ChatRemoved(chat_id))

    # ── holes ────────────────────────────────────────────────────────────────────────────────

    def page(self, log: str, ticket: int, page: EventPage) -> None:
        """One page of the events after a log's place."""
        reader = self._reader(log)
        if reader is None or not self._repairs.answered(log, ticket):
            return
        before = reader.place
        for event in page.events:
            if event.rev > reader.place:
                self._take(log, event)
                reader.advance(event.rev, complete=False)
        reader.advance(page.position, complete=False)
        if page.has_more and reader.place > before:
            self._read(log)
        else:
            self._repaired(log)

    def page_failed(
        self, log: str, ticket: int, code: Code | None, retry_after: float | None, now: float
    ) -> None:
        """The events could not be read: later again, or never when the chat is not his."""
        if self._reader(log) is None or not self._repairs.failed(log, ticket, retry_after, now):
            return
        if code is Code.NOT_FOUND and log != ME:
            self._remove(log)

    def tick(self, now: float) -> None:
        """Repeat failed reads that are due, and say what could wait."""
        self._claims.tick(now)
        for log in self._repairs.due(now):
            self._read(log)

    def _take(self, log: str, event: Message | Me) -> None:
        if isinstance(event, Me):
            self._apply_me(event)
        elif (chat := self.chats.get(log)) is not None:
            self._fold(chat, event)

    def _read(self, log: str) -> None:
        reader = self._reader(log)
        if reader is not None:
            ticket = self._repairs.begin(log)
            self._commands.append(ReadEvents(log, reader.place, ticket))

    def _repaired(self, log: str) -> None:
        ticket = self._repairs.finish(log)
        if log == ME:
            for waiting in self.me.repaired():
                self._offer_me(waiting)
            self._again(ME, self.me)
            if not self.me.repairing:
                self._adopt_noticed(ticket)
        else:
            chat = self.chats[log]
            for frame in chat.log.repaired():
                self._offer(chat, frame)
            self._again(log, chat.log)
        self._moved(log)

    def _again(self, log: str, reader: "LogReader[Message | Skip] | LogReader[Me | Skip]") -> None:
        if reader.overflowed:
            reader.overflowed = False
            if not reader.repairing:
                reader.repairing = True
                self._read(log)

    def _adopt_noticed(self, ticket: int) -> None:
        for chat_id, (rev, before) in list(self._noticed.items()):
            if chat_id in self.chats or chat_id in self._removed:
                del self._noticed[chat_id]
            elif ticket > before:
                # The own log says nothing of it since our place: a member for long.
                del self._noticed[chat_id]
                chat = self._add(chat_id, max(0, rev - 1), rev)
                chat.log.repairing = True
                self._read(chat_id)
        if self._noticed:  # seen after the read began: the event may be later than its answer
            self.me.repairing = True
            self._read(ME)

    # ── claims, places ───────────────────────────────────────────────────────────────────────

    def claims(self) -> list[Received]:
        """What is held and not yet said, in as few frames as possible. Live only."""
        if not self.live:
            return []
        positions = {}
        for log in self._claims.take():
            reader = self._reader(log)
            if reader is not None and reader.held > 0:
                positions[log] = reader.held
        return [Received(positions=part) for part in _parts(positions)]

    @property
    def claim_by(self) -> float | None:
        """When `tick` is due for a claim that waits."""
        return self._claims.by

    def positions(self) -> list[dict[str, int]]:
        """Where to resume, in parts; empty on a first resume."""
        if self.fresh:
            return []
        return list(_parts({log: reader.place for log, reader in self._readers()}))

    def checkpoint(self) -> list[Record]:
        """Records for what was held since the last checkpoint; the own log comes last.

        To be asked for when the application has taken every event: then a restart tells it
        nothing twice and leaves nothing out.
        """
        return self._unsaved.take(self.chats, self.me.held, self.fresh)

    def close_gap(self, chat_id: str, first: int, last: int) -> None:
        """The application read this range."""
        chat = self.chats.get(chat_id)
        if chat is not None:
            chat.close_gap(first, last)
            self._unsaved.gaps(chat_id)

    def learn_replies(self, messages: Sequence[StoredMessage]) -> None:
        """How many replies messages have, as REST says."""
        for message in messages:
            if message.chat_id in self.chats:
                self.chats[message.chat_id].threads.learn(message.id, message.replies)

    def lost(self) -> None:
        """The connection is gone. What was claimed on it may not have been stored: say it again."""
        self.live = False
        self._claims.lost()
        self._noticed.clear()
        self._repairs.clear()
        for _, reader in self._readers():
            reader.lost()

    def _moved(self, log: str, own_at: float | None = None) -> None:
        if own_at is None:
            self._claims.moved(log)
        else:
            self._claims.moved_by_own(log, own_at)
        self._unsaved.moved(log)

    def _reader(self, log: str) -> "LogReader[Message | Skip] | LogReader[Me | Skip] | None":
        if log == ME:
            return self.me
        chat = self.chats.get(log)
        return None if chat is None else chat.log

    def _readers(
        self,
    ) -> "Iterator[tuple[str, LogReader[Message | Skip] | LogReader[Me | Skip]]]":
        yield ME, self.me
        for log, chat in self.chats.items():
            yield log, chat.log


def _parts(positions: dict[str, int]) -> Iterator[dict[str, int]]:
    items = list(positions.items())
    for start in range(0, len(items), PART):
        yield dict(items[start : start + PART])
