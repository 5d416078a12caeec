"""One chat as its member's client holds it: the newest messages, ticks, unread. Pure."""

from bisect import bisect_left, bisect_right, insort
from enum import Enum
from typing import Final

from hubbub_client.events import CursorMoved, MuteChanged, ReadMoved, SettingsChanged, Ticked
from hubbub_client.mentions import Mentions
from hubbub_client.reader import LogReader
from hubbub_client.settings import Followed
from hubbub_client.threads import Threads
from hubbub_protocol.frames import Message, Skip
from hubbub_protocol.rest import Chat as ChatRecord
from hubbub_protocol.rest import Role, Status

WINDOW: Final = 1_000
GAPS: Final = 100
RECENT: Final = 50  # own messages that are looked at for unnamed recipients
NOWHERE: Final = 2**53  # the beginning of a window that is not known yet


class Folded(Enum):
    """What a message was to the fold."""

    NEW = "new"
    CHANGED = "changed"
    KNOWN = "known"


def _seq(message: Message) -> int:
    return message.seq


class Chat:
    """Folded messages in a window of the newest `window`, and the members' cursors.

    The window holds every visible message with `seq` >= `from_seq`; older ones are read from
    history. `read` is the user's own cursor; `read_number` the number there, when known.
    Without it `unread` is counted in the window, if that reaches back to the cursor; else it is
    an estimate, and `uncertain` until REST tells more.
    """

    def __init__(self, chat_id: str, place: int, from_seq: int, window: int = WINDOW) -> None:
        self.id = chat_id
        self.log: LogReader[Message | Skip] = LogReader(place)
        self.role: Role = "member"
        self.muted_until: str | None = None
        self._told_of_me = False
        self.from_seq = from_seq
        self.read = 0
        self.gaps: list[tuple[int, int]] = []
        self.settings = Followed()
        self.threads = Threads()
        self._mentions = Mentions()
        self.partial = False  # others' cursors were not asked for one by one
        self._window = window
        self._messages: list[Message] = []  # by seq
        self._by_id: dict[str, Message] = {}
        self._own: list[int] = []  # seqs of own messages in the window
        self._hidden: list[int] = []  # seqs of what the user has deleted for himself
        self._cursors: dict[str, tuple[int, int]] = {}  # user → delivered, read
        self._announced: dict[str, Status] = {}  # own messages that are more than sent
        self._floor = (0, 0)  # what the server says all others have passed
        self._newest_number = 0
        self._read_number: int | None = None
        self._unread_base = 0  # unread outside of the window, while read_number is unknown
        self._told: tuple[int, int] | None = None  # the server's counts, before their messages
        self._estimated = False
        self._stale = False  # a gap hides how many there are

    # ── messages ─────────────────────────────────────────────────────────────────────────────

    @property
    def messages(self) -> list[Message]:
        """The window, oldest first."""
        return list(self._messages)

    def message(self, message_id: str) -> Message | None:
        """A message of the window."""
        return self._by_id.get(message_id)

    def fold(self, message: Message, user_id: str) -> Folded:
        """Take a message in its state at `rev`; an older state changes nothing.

        Call before the log's reader advances over it.
        """
        if self._is_hidden(message.seq):  # its frame was under way when that was told
            self._newest_number = max(self._newest_number, message.number)
            return Folded.KNOWN
        known = self._by_id.get(message.id)
        if known is not None:
            if known.rev >= message.rev:
                return Folded.KNOWN
            self._by_id[message.id] = message
            self._messages[bisect_left(self._messages, message.seq, key=_seq)] = message
            self._take_mention(message, user_id)
            return Folded.CHANGED
        is_new = message.seq > self.log.held
        # What a member did to the chat is told in his name, but he did not send it.
        own = message.sender_id == user_id and message.message_type != "system"
        self._newest_number = max(self._newest_number, message.number)
        if message.seq >= self.from_seq:
            insort(self._messages, message, key=_seq)
            self._by_id[message.id] = message
            self.threads.take(message)
            if own:
                insort(self._own, message.seq)
            self._trim()
        if message.seq == self.read and self._read_number is None:
            self._read_number = self._from_number(message.number)
        if own and message.seq > self.read:
            self.read, self._unread_base = message.seq, 0
            self._read_number = self._from_number(message.number)
            self._stale = self._stale or not is_new  # an old one: he may have read on since
            self._mentions.read(message.seq)
        self._take_mention(message, user_id)
        return Folded.NEW if is_new else Folded.CHANGED

    def hide(self, message_id: str, seq: int) -> list[ReadMoved]:
        """The user has deleted a message for himself: it is not held any more, nor counted."""
        before = self.read_moved
        if self._is_hidden(seq):
            return []
        insort(self._hidden, seq)
        message = self._by_id.pop(message_id, None)
        if message is not None:
            del self._messages[bisect_left(self._messages, seq, key=_seq)]
            self._announced.pop(message_id, None)
            if seq in self._own:
                self._own.remove(seq)
            self.threads.hide(message, (message.thread_id or "") in self._by_id)
        if seq > self.read:
            self._mentions.hide(seq)
            self._stale = self._stale or not self._reaches_back
            if self._read_number is not None:
                self._read_number += 1
        return [self.read_moved] if self.read_moved != before else []

    def _is_hidden(self, seq: int) -> bool:
        index = bisect_left(self._hidden, seq)
        return index < len(self._hidden) and self._hidden[index] == seq

    def _from_number(self, number: int) -> int:
        """Where unread messages are counted from, with this number at the cursor."""
        return number + len(self._hidden) - bisect_right(self._hidden, self.read)

    def _take_mention(self, message: Message, user_id: str) -> None:
        if message.seq > self.read:
            self._mentions.take(message, user_id)

    def settings_from(self, source: Message | ChatRecord) -> list[SettingsChanged]:
        """The group's settings as a message or REST tells them, if that is news."""
        told = self.settings
        news = told.fold(source) if isinstance(source, Message) else told.learn(source)
        return [SettingsChanged(self.id, told.now)] if news and told.now is not None else []

    def add_gap(self, first: int, last: int) -> None:
        """Remember a range that was not pushed, and forget what is older: it may have changed."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted([*self.gaps, (first, last)]):
            if merged and start <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        while len(merged) > GAPS:  # one range more is read rather than one forgotten
            merged[:2] = [(merged[0][0], merged[1][1])]
        self.gaps = merged
        self._cut(bisect_right(self._messages, last, key=_seq), last + 1)
        self.settings.skipped(last)
        self.threads.forget()
        self._mentions.skipped(last)
        self._stale = True

    def close_gap(self, first: int, last: int) -> None:
        """`first`..`last` was read: it is no gap any more."""
        rest: list[tuple[int, int]] = []
        for start, end in self.gaps:
            if start < first:
                rest.append((start, min(end, first - 1)))
            if end > last:
                rest.append((max(start, last + 1), end))
            # what lies within first..last is gone
        self.gaps = rest

    def _trim(self) -> None:
        excess = len(self._messages) - self._window
        if excess > 0:
            self._cut(excess, self._messages[excess - 1].seq + 1)

    def _cut(self, count: int, from_seq: int) -> None:
        """Drop the oldest; the window begins at `from_seq` then."""
        if self._reaches_back:
            self._unread_base = 0
        self.from_seq = max(self.from_seq, from_seq)
        dropped = self._messages[:count]
        del self._messages[:count]
        for message in dropped:
            del self._by_id[message.id]
            self._announced.pop(message.id, None)
            self.threads.drop(message)
        if dropped:
            self._unread_base += self._countable_after(self.read, dropped)
            del self._own[: bisect_right(self._own, dropped[-1].seq)]

    # ── own cursor ───────────────────────────────────────────────────────────────────────────

    @property
    def unread(self) -> int:
        """Newest number − number at the read cursor (spec section 6), but for what is hidden."""
        if self._read_number is not None and not self._reaches_back:
            return max(0, self._newest_number - self._read_number)
        inside = self._countable_after(self.read, self._messages)
        return inside if self._reaches_back else self._unread_base + inside

    @property
    def unread_mentions(self) -> int:
        """How many of the unread messages mention the user, up to 1,000."""
        return self._mentions.count

    @property
    def read_moved(self) -> ReadMoved:
        """Where the user's cursor is, told to the application."""
        return ReadMoved(self.id, self.read, self.unread, self.unread_mentions)

    @property
    def uncertain(self) -> bool:
        """Whether `unread` or `unread_mentions` is an estimate."""
        if self._stale or self._mentions.estimated:
            return True
        return self._estimated and self._read_number is None and not self._reaches_back

    @property
    def _reaches_back(self) -> bool:
        return self.from_seq <= self.read + 1

    def move_read(self, seq: int, counts: tuple[int, int] | None = None, live: bool = True) -> bool:
        """Move the user's own read cursor, never back. False: it was there already.

        `counts`: unread messages, and mentions among them, that the server counts at that cursor;
        in a replay (not `live`) the messages that it counts are still to come.
        """
        moved = seq > self.read
        if moved:
            self.read = seq
            self._unread_base = 0
            self._read_number = self._number_at(seq) if seq <= self.log.place else None
            self._mentions.read(seq)
        if counts is not None and seq >= self.read:
            self._count(counts, live)
        if self._reaches_back:
            self._mentions.complete()
        return moved

    def _count(self, counts: tuple[int, int], live: bool) -> None:
        unread, mentions = counts
        self._told = None if live else counts
        if live:
            self._mentions.told(mentions, self.log.place, sure=False)
        if self._read_number is None:
            self._estimated = True
            known = self._countable_after(self.read, self._messages)
            self._unread_base = max(0, unread - known)

    def caught_up(self, place: int) -> None:
        """The replay is complete up to `place`: what the server counted are its messages too."""
        self.from_seq = min(self.from_seq, place + 1)
        told, self._told = self._told, None
        if told is not None:
            self._mentions.told(told[1], place, sure=False)
        if told is not None and self._read_number is None:
            inside = self._countable_after(self.read, self._messages)
            self._unread_base = max(0, told[0] - inside)
        if self._reaches_back:
            self._mentions.complete()

    def _number_at(self, seq: int) -> int | None:
        """The number there, if a message of the window is there.

        That of the message before is not it where something between was not to be seen.
        """
        index = bisect_left(self._messages, seq, key=_seq)
        found = self._messages[index : index + 1]
        at_it = found and found[0].seq == seq
        return self._from_number(found[0].number) if at_it else None

    @staticmethod
    def _countable_after(seq: int, messages: list[Message]) -> int:
        later = messages[bisect_right(messages, seq, key=_seq) :]
        return sum(message.message_type != "system" for message in later)

    # ── others' cursors ──────────────────────────────────────────────────────────────────────

    def status(self, message: Message, user_id: str) -> Status:
        """How far an own message is: the least of all its recipients."""
        delivered, read = self._floor
        if message.recipient_ids:
            others = [
                self._cursors.get(user, (0, 0)) for user in message.recipient_ids if user != user_id
            ]
            if others:
                delivered = max(delivered, min(cursor[0] for cursor in others))
                read = max(read, min(cursor[1] for cursor in others))
        if read >= message.seq:
            return "read"
        return "delivered" if delivered >= message.seq else "sent"

    def receipt(self, user: str, seq: int, read: bool, own_id: str) -> list[CursorMoved | Ticked]:
        """Another member's cursor moved, never back. The ticks that follow from it."""
        delivered, read_to = self._cursors.get(user, (0, 0))
        after = (max(delivered, seq), max(read_to, seq) if read else read_to)
        if after == (delivered, read_to):
            return []
        self._cursors[user] = after
        ticks = self._recheck(read_to if read else delivered, seq, own_id)
        return [CursorMoved(self.id, user, seq, read), *ticks]

    def learn_floor(self, delivered: int, read: int, own_id: str) -> list[Ticked]:
        """All other members are at least there. The ticks that follow from it."""
        before = self._floor
        self._floor = (max(before[0], delivered), max(before[1], read))
        if self._floor == before:
            return []
        return self._recheck(min(before), max(self._floor), own_id)

    def _recheck(self, after: int, upto: int, own_id: str) -> list[Ticked]:
        """What changed for own messages between two positions (exclusive, inclusive)."""
        changed: dict[Status, list[Message]] = {}
        for seq in self._own[bisect_right(self._own, after) : bisect_right(self._own, upto)]:
            message = self._at(seq)
            status = self.status(message, own_id)
            if status != self._announced.get(message.id, "sent"):
                self._announced[message.id] = status
                changed.setdefault(status, []).append(message)
        return [
            Ticked(self.id, tuple(m.id for m in messages), messages[-1].seq, status)
            for status, messages in changed.items()
        ]

    def ticks_of(self, message: Message, own_id: str) -> list[Ticked]:
        """What is known already when an own message arrives after its receipts."""
        return self._recheck(message.seq - 1, message.seq, own_id)

    def wants_floor(self, seq: int) -> bool:
        """Whether own messages up to `seq` have more recipients than their frames name."""
        start, stop = bisect_right(self._own, self._floor[1]), bisect_right(self._own, seq)
        newest = self._own[max(start, stop - RECENT) : stop]
        return any(self.partial or not self._at(own).recipient_ids for own in newest)

    def newest_unread_own(self, own_id: str) -> Message | None:
        """The newest own message, unless all have read it."""
        if not self._own:
            return None
        message = self._at(self._own[-1])
        return None if self.status(message, own_id) == "read" else message

    def of_mine(self, role: Role, muted_until: str | None) -> list[MuteChanged]:
        """What the user's own log says of his membership, which REST may be slower to say."""
        self._told_of_me = True
        return self._of_mine(role, muted_until)

    def _of_mine(self, role: Role, muted_until: str | None) -> list[MuteChanged]:
        self.role = role
        if muted_until == self.muted_until:
            return []
        self.muted_until = muted_until
        return [MuteChanged(self.id, muted_until)]

    def learn(self, record: ChatRecord, own_id: str) -> list[Ticked | MuteChanged]:
        """What REST says of this chat."""
        news: list[Ticked | MuteChanged] = []
        if not self._told_of_me:
            news += self._of_mine(record.role, record.muted_until)
        self.move_read(record.read, (record.unread, record.unread_mentions))
        if record.read == self.read:
            self._stale = self._stale and not record.number
            # Where all of it is held, an answer that was slow would count what is hidden since.
            if not self._reaches_back or record.seq > self.log.place:
                self._learn_counts(record)
        self._estimated = self._estimated and record.read != self.read
        if record.receipts is not None:
            news += self.learn_floor(record.receipts.delivered, record.receipts.read, own_id)
        return news

    def _learn_counts(self, record: ChatRecord) -> None:
        self._mentions.told(record.unread_mentions, record.seq, sure=True)
        if record.number:
            self._newest_number = max(self._newest_number, record.number)
            self._read_number = record.number - record.unread

    def _at(self, seq: int) -> Message:
        return self._messages[bisect_left(self._messages, seq, key=_seq)]
