"""One chat as it is shown: its record, its last message, what waits, who types. Pure."""

from collections.abc import Iterable
from time import time
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from hubbub_client import ChatRecord, Send, Settings, Status, StoredMessage
from hubbub_terminal.plain import line
from hubbub_terminal.thread import Thread
from hubbub_terminal.window import Window
from hubbub_terminal.words import AnyMessage, stamp
from hubbub_terminal.writing import Writing

LARGE: Final = 256
"""Members; in larger groups receipts come as counts."""
RANK: Final[dict[Status, int]] = {"queued": 0, "sent": 1, "delivered": 2, "read": 3}


class Outgoing(Struct):
    """A message of the user's on its way. `id`: accepted, but not seen in the log yet.

    `refusal`: the server's sentence, when it was refused for good.
    """

    send: Send
    id: str = ""
    refusal: str = ""

    @property
    def key(self) -> str:
        """Its client_id."""
        return self.send.client_id

    @property
    def created_at(self) -> str:
        """When it was written, which its UUID version 7 tells."""
        return stamp(int(self.key.replace("-", "")[:12], 16) / 1000)


class Chat(Writing):
    """A chat. `floor`: up to where all others have (got, read) it, as far as is known.

    `stale`: the window is of an earlier time, and to be read again when that is possible.
    """

    def __init__(self, record: ChatRecord) -> None:
        super().__init__()
        self.id = record.id
        self.record = record
        self.last: AnyMessage | None = record.last_message
        self.unread = record.unread
        self.mentions = record.unread_mentions  # those of the unread that name the user
        self.read = record.read
        self.window = Window()
        self.stale = True
        self.outgoing: dict[str, Outgoing] = {}
        self.typers: set[str] = set()
        self.members: list[str] = []  # as far as they were listed
        self.thread: Thread | None = None  # the one that is open instead of the chat
        self.seen_by: tuple[int, int, int] | None = None  # seq, delivered, read, in large groups
        self._floor = (0, 0)
        self.learn(record)

    # ── what it is ───────────────────────────────────────────────────────────────────────────

    @property
    def title(self) -> str:
        """Its name, as a plain line."""
        record = self.record
        if record.peer is not None:
            return line(record.peer.display_name) or line(record.peer.username) or "Nameless"
        return line(record.title or "") or "Group"

    @property
    def shown(self) -> Window:
        """What is on the screen of it: its end, another stretch, or a thread."""
        return self.window if self.thread is None else self.thread.window

    @property
    def here(self) -> Writing:
        """What is being written there."""
        return self if self.thread is None else self.thread

    def waiting(self) -> list[Outgoing]:
        """Of what waits, that which belongs to what is on the screen."""
        thread = self.thread
        return [each for each in self.outgoing.values() if thread is None or thread.has(each.send)]

    @property
    def is_group(self) -> bool:
        """Whether it is a group."""
        return self.record.chat_type == "group"

    @property
    def leads(self) -> bool:
        """Whether the user is an owner or admin."""
        return self.is_group and self.record.role != "member"

    @property
    def is_muted(self) -> bool:
        """Whether the user does not want to be disturbed by it now."""
        until = self.record.muted_until
        return until is not None and until > stamp(time())

    @property
    def may_write(self) -> bool:
        """Whether the user may send here."""
        return self.record.posting == "all" or self.leads

    @property
    def active_at(self) -> str:
        """When something last happened in it: chats are listed by this."""
        times = [self.record.last_activity_at]
        if self.last is not None:
            times.append(self.last.created_at)
        times += [each.created_at for each in self.outgoing.values()]
        return max(times)

    # ── what happens ─────────────────────────────────────────────────────────────────────────

    def learn(self, record: ChatRecord) -> None:
        """What REST says of it."""
        self.record = record
        self.read = max(self.read, record.read)
        if record.last_message is not None:
            self.heard(record.last_message)
        if record.receipts is not None:
            self.passed(record.receipts.delivered, record.receipts.read)

    def settings(self, now: Settings) -> None:
        """Other settings."""
        self.record = replace(self.record, **{name: getattr(now, name) for name in _SETTINGS})

    def mute(self, until: str | None) -> None:
        """Not to disturb before this time."""
        self.record = replace(self.record, muted_until=until)

    def heard(self, message: AnyMessage) -> None:
        """A message as it is now."""
        last = self.last
        if (
            last is None
            or message.seq > last.seq
            or (message.id == last.id and message.rev > last.rev)
        ):
            self.last = message
        if message.sender_id is not None:
            self.typers.discard(message.sender_id)
        self.confirm([message])
        self.window.arrived(message)
        if self.thread is not None:
            self.thread.heard(message)

    def hide(self, message_id: str) -> bool:
        """The user has deleted a message for himself. True: what was said last is another."""
        self.window.remove(message_id)
        if self.thread is not None:
            self.thread.window.remove(message_id)
        if self.last is None or self.last.id != message_id:
            return False
        self.last = self.window.messages[-1] if self.window.messages else None
        return True

    def confirm(self, page: Iterable[AnyMessage]) -> None:
        """Messages of the log: those that waited for their place in it wait no more."""
        for message in page:
            if message.client_id is not None:
                self.outgoing.pop(message.client_id, None)

    def passed(self, delivered: int, read: int) -> None:
        """All others are at least there."""
        before = self._floor
        self._floor = (max(before[0], delivered, read), max(before[1], read))

    def status(self, message: AnyMessage, told: Status) -> Status:
        """How far an own message is; `told`: as far as the client knows."""
        delivered, read = self._floor
        if read >= message.seq:
            return "read"
        known: Status = "delivered" if delivered >= message.seq else "sent"
        says: Status = message.status if isinstance(message, StoredMessage) else "sent"
        return max((known, says, told), key=RANK.__getitem__)


_SETTINGS: Final = Settings.__struct_fields__
