"""What the database says, read directly: logs, stays and cursors; and that cursors only grow."""

import uuid
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import apsw
import msgspec

from hubbub.domain.extra import Extra, unpack
from hubbub_protocol import ids
from hubbub_protocol.codec import client_codec
from hubbub_protocol.frames import DeliveryReceipt, ReadReceipt
from tests.simulation.history import History

END = 2**60
CURSORS = "SELECT chat_id, user_id, delivered, read FROM members"


@dataclass(frozen=True)
class Row:
    """A message, ids as text."""

    id: str
    chat_id: str
    seq: int
    rev: int
    number: int
    sender_id: str
    client_id: str | None
    at: int
    type: str
    content: str
    media: bytes
    system: Any
    deleted: bool
    pinned: bool
    said: tuple[str, ...]  # before it was edited, the first one first
    thread_id: str | None
    extra: Extra
    reactions: bytes

    def names(self, user: str) -> bool:
        """Whether it is another's, and mentions the user."""
        named = self.extra.mention_all or ids.parse("user", user) in self.extra.mentions
        return named and self.sender_id != user


@dataclass
class Truth:
    """The end of a run."""

    logs: dict[str, list[Row]] = field(default_factory=dict)
    open_history: set[str] = field(default_factory=set)  # chats whose history is `all` now
    heads: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # seq, number, size
    stays: dict[tuple[str, str], list[tuple[int, int | None]]] = field(default_factory=dict)
    cursors: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    hidden: set[tuple[str, str]] = field(default_factory=set)  # user, message
    reactions: set[tuple[str, str, str]] = field(default_factory=set)  # user, message, emoji
    waiting: list[str] = field(default_factory=list)  # messages of reactions without a position

    def present(self, chat: str, user: str) -> bool:
        stays = self.stays.get((chat, user))
        return bool(stays) and stays is not None and stays[-1][1] is None

    def since(self, chat: str, user: str, position: int) -> bool:
        """Whether the user is present, and was without a break since the position."""
        return self.present(chat, user) and self.stays[chat, user][-1][0] <= position

    def left_after(self, chat: str, position: int) -> bool:
        """Whether anybody's stay ended after the position."""
        ends = [
            left for (where, _), stays in self.stays.items() if where == chat for _, left in stays
        ]
        return any(left is not None and left > position for left in ends)

    def chats_of(self, user: str) -> set[str]:
        return {chat for chat, member in self.stays if member == user and self.present(chat, user)}

    def might_see(self, chat: str, user: str, position: int) -> bool:
        """Whether the position was ever open to the user."""
        stays = [(since, END if left is None else left) for since, left in self._stays(chat, user)]
        open_at = [
            min(left, end)
            for since, left in stays
            for begin, end in self._opened(chat)
            if max(since, begin) < min(left, end)
        ]
        own = any(since <= position < left for since, left in stays)
        return own or any(position < end for end in open_at)

    def visible(self, chat: str, user: str) -> list[Row]:
        """What the user sees now."""
        if not self.present(chat, user):
            return []
        rows = [row for row in self.logs.get(chat, []) if (user, row.id) not in self.hidden]
        if chat in self.open_history:
            return rows
        stays = self._stays(chat, user)

        def seen(position: int) -> bool:
            return any(since <= position < (left or END) for since, left in stays)

        return [row for row in rows if seen(row.seq) and seen(row.rev)]

    def _stays(self, chat: str, user: str) -> list[tuple[int, int | None]]:
        return self.stays.get((chat, user), [])

    def _opened(self, chat: str) -> list[tuple[int, int]]:
        """Between which positions the chat's history was `all`."""
        said = [
            (row.seq, row.system["history"] == "all")
            for row in self.logs.get(chat, [])
            if row.system is not None and "history" in row.system
        ]
        # Each change is to the other of two values: so the first tells of what was before.
        at_first = not said[0][1] if said else chat in self.open_history
        points = [(0, at_first), *said, (END, False)]
        return [(at, end) for (at, is_open), (end, _) in pairwise(points) if is_open]


def read_truth(db: apsw.Connection) -> Truth:
    """Everything, in one snapshot."""
    truth = Truth()
    chats = "SELECT id, history, seq, number, size FROM chats"
    for chat_id, history, seq, number, size in db.execute(chats):
        chat = ids.text("chat", chat_id)
        truth.heads[chat] = (seq, number, size)
        truth.logs[chat] = []
        if history == "all":
            truth.open_history.add(chat)
    messages = (
        "SELECT id, chat_id, seq, rev, number, sender_id, client_id, at, type, content, media,"
        " system, deleted_at > 0, pinned > 0, thread_id, extra, reactions"
        " FROM messages ORDER BY chat_id, seq"
    )
    said: dict[int, list[str]] = {}
    for message_id, content in db.execute("SELECT message_id, content FROM edits ORDER BY rev"):
        said.setdefault(message_id, []).append(content)
    for message_id, chat_id, seq, rev, number, sender, client, at, *rest in db.execute(messages):
        kind, content, media, system, deleted, pinned, thread_id, extra, reactions = rest
        row = Row(
            ids.text("msg", message_id),
            ids.text("chat", chat_id),
            seq,
            rev,
            number,
            ids.text("user", sender),
            None if client is None else str(uuid.UUID(bytes=client)),
            at,
            kind,
            content,
            media,
            msgspec.json.decode(system) if system else None,
            bool(deleted),
            bool(pinned),
            tuple(said.get(message_id, ())),
            ids.text("msg", thread_id) if thread_id else None,
            unpack(extra),
            reactions,
        )
        truth.logs[row.chat_id].append(row)
    for table in ("stays", "members"):
        for chat_id, user_id, since, left in db.execute(
            f"SELECT chat_id, user_id, since, left FROM {table} ORDER BY since"
        ):
            stays = truth.stays.setdefault(_key(chat_id, user_id), [])
            if (since, left) not in stays:
                stays.append((since, left))
    for user, message, emoji in db.execute("SELECT user_id, message_id, emoji FROM reactions"):
        truth.reactions.add((ids.text("user", user), ids.text("msg", message), emoji))
    waiting = db.execute("SELECT message_id FROM waiting")
    truth.waiting = [ids.text("msg", message) for (message,) in waiting]
    for user_id, message_id in db.execute("SELECT user_id, message_id FROM hidden"):
        truth.hidden.add((ids.text("user", user_id), ids.text("msg", message_id)))
    for chat_id, user_id, delivered, read in db.execute(CURSORS):
        truth.cursors[_key(chat_id, user_id)] = (delivered, read)
    return truth


def _key(chat_id: int, user_id: int) -> tuple[str, str]:
    return ids.text("chat", chat_id), ids.text("user", user_id)


class Cursors:
    """Cursors that are stored, followed commit by commit (G5)."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._stored: dict[tuple[int, int], tuple[int, int]] = {}
        self._codecs = (client_codec(False), client_codec(True))

    def committed(self, changes: list[Any], outcomes: list[Any], db: apsw.Connection) -> None:
        """A commit is stored; `db` sees it."""
        del changes, outcomes
        self._compare(db, "after a commit")

    def restarted(self, db: apsw.Connection) -> None:
        """The database was opened again."""
        self._compare(db, "after a restart")

    def judge(self, db: apsw.Connection) -> list[str]:
        """The end."""
        self._compare(db, "at the end")
        return []

    def _compare(self, db: apsw.Connection, when: str) -> None:
        found = {(c, u): (d, r) for c, u, d, r in db.execute(CURSORS)}
        for key, (delivered, read) in self._stored.items():
            now = found.get(key, (0, 0))
            if now[0] < delivered or now[1] < read:
                self._wrong(f"G5: cursor {_key(*key)} went back {when}: {(delivered, read)}→{now}")
        self._stored = found

    def written(self, payload: bytes, binary: bool) -> None:
        """The server writes this to a client: a receipt's cursor must be stored."""
        if b"y_receipt" not in payload and b"d_receipt" not in payload:
            return
        frame: Any = self._codecs[binary].decode(payload)
        if isinstance(frame, DeliveryReceipt):
            self._check(frame.chat_id, frame.delivered_to, frame.seq, 0)
        elif isinstance(frame, ReadReceipt):
            self._check(frame.chat_id, frame.read_by, frame.seq, 1)

    def _check(self, chat: str, user: str, seq: int, which: int) -> None:
        stored = self._stored.get((ids.parse("chat", chat), ids.parse("user", user)), (0, 0))
        if stored[which] < seq:
            self._wrong(f"G5: a receipt of {user} in {chat} at {seq}, but stored is {stored}")

    def _wrong(self, what: str) -> None:
        self._history.wrong.append(what)
