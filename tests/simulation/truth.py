"""What the database says, read directly: logs, stays and cursors; and that cursors only grow."""

import uuid
from dataclasses import dataclass, field
from typing import Any

import apsw
import msgspec

from hubbub_protocol import ids
from hubbub_protocol.codec import client_codec
from hubbub_protocol.frames import DeliveryReceipt, ReadReceipt
from tests.simulation.history import History

CURSORS = "SELECT chat_id, user_id, delivered, read FROM members"


@dataclass(frozen=True)
class Row:
    """A message, ids as text."""

    id: str
    chat_id: str
    seq: int
    number: int
    sender_id: str
    client_id: str | None
    at: int
    type: str
    content: str
    system: Any


@dataclass
class Truth:
    """The end of a run."""

    logs: dict[str, list[Row]] = field(default_factory=dict)
    open_history: set[str] = field(default_factory=set)  # chats whose history is `all`
    heads: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # seq, number, size
    stays: dict[tuple[str, str], list[tuple[int, int | None]]] = field(default_factory=dict)
    cursors: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def present(self, chat: str, user: str) -> bool:
        stays = self.stays.get((chat, user))
        return bool(stays) and stays is not None and stays[-1][1] is None

    def chats_of(self, user: str) -> set[str]:
        return {chat for chat, member in self.stays if member == user and self.present(chat, user)}

    def might_see(self, chat: str, user: str, position: int) -> bool:
        """Whether the position was ever open to the user."""
        stays = self.stays.get((chat, user), [])
        if chat in self.open_history and stays:
            left = stays[-1][1]
            return left is None or position < left
        return any(s <= position and (left is None or position < left) for s, left in stays)

    def visible(self, chat: str, user: str) -> list[Row]:
        """What the user sees now."""
        if not self.present(chat, user):
            return []
        return [row for row in self.logs.get(chat, []) if self.might_see(chat, user, row.seq)]


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
        "SELECT id, chat_id, seq, number, sender_id, client_id, at, type, content, system"
        " FROM messages ORDER BY chat_id, seq"
    )
    for message_id, chat_id, seq, number, sender, client, at, kind, content, system in db.execute(
        messages
    ):
        row = Row(
            ids.text("msg", message_id),
            ids.text("chat", chat_id),
            seq,
            number,
            ids.text("user", sender),
            None if client is None else str(uuid.UUID(bytes=client)),
            at,
            kind,
            content,
            msgspec.json.decode(system) if system else None,
        )
        truth.logs[row.chat_id].append(row)
    for table in ("stays", "members"):
        for chat_id, user_id, since, left in db.execute(
            f"SELECT chat_id, user_id, since, left FROM {table} ORDER BY since"
        ):
            stays = truth.stays.setdefault(_key(chat_id, user_id), [])
            if (since, left) not in stays:
                stays.append((since, left))
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
