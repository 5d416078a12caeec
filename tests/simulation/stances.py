"""What users keep to themselves, followed commit by commit, and what others are told of it."""

from typing import Any

import apsw

from hubbub_protocol import ids
from hubbub_protocol.codec import client_codec
from hubbub_protocol.frames import ReadReceipt, ReceiptCounts
from tests.simulation.device import Device
from tests.simulation.history import History
from tests.simulation.truth import Truth

SILENT = "SELECT user_id FROM privacy WHERE NOT read_receipts"
READ = "SELECT chat_id, user_id, read FROM members"


class Stances:
    """See the module. `exact`: whoever is connected hears of each change at once."""

    def __init__(self, history: History, exact: bool) -> None:
        self._history, self._exact = history, exact
        self._silent: set[str] = set()
        self._ever: set[str] = set()  # silent at some time
        self._shown: dict[tuple[str, str], int] = {}  # how far one read while one showed it
        self._codecs = (client_codec(False), client_codec(True))

    def committed(self, db: apsw.Connection) -> None:
        """A commit is stored, or the database was opened again."""
        before, self._silent = self._silent, {_user(row[0]) for row in db.execute(SILENT)}
        self._ever |= self._silent
        for chat_id, user_id, read in db.execute(READ):
            key = (ids.text("chat", chat_id), _user(user_id))
            if key[1] not in before & self._silent:
                self._shown[key] = max(read, self._shown.get(key, 0))

    def written(self, payload: bytes, binary: bool, reader: str) -> None:
        """The server writes this to a client of the reader's."""
        if b"d_receipt" not in payload and b"receipt_counts" not in payload:
            return
        frame: Any = self._codecs[binary].decode(payload)
        told = False
        if isinstance(frame, ReadReceipt):
            told = True
            if self._shown.get((frame.chat_id, frame.read_by), 0) < frame.seq:
                self._wrong(f"{reader} is told that silent {frame.read_by} read {frame.seq}")
        elif isinstance(frame, ReceiptCounts):
            told = frame.read > 0
            seen = [c for (c, _), read in self._shown.items() if read >= frame.seq]
            if seen.count(frame.chat_id) < frame.read:
                self._wrong(f"{reader} is told of {frame.read} reads in {frame.chat_id}")
        if told and self._exact and ("silent", reader) in self._history.facts:
            self._wrong(f"silent {reader} is told {frame}")

    async def judge(self, truth: Truth, device: Device) -> list[str]:
        """At the end: what the device is answered of others' reads."""
        client, user = device.client, device.owner.user_id
        assert client is not None
        wrong = []
        for chat in sorted(truth.chats_of(user) & set(client.session.logs.chats)):
            page = await client.api.members(chat)
            for member in page.members:
                other, read = member.user.id, truth.cursors[chat, member.user.id][1]
                if member.read != (0 if self._hides(user, other) else read):
                    wrong.append(f"8.1.4: {user} is told that {other} read {member.read}")
            stored = {row.id for row in truth.logs[chat] if row.sender_id == user}
            mine = [m for m in client.messages(chat) if m.id in stored and not m.system]
            receipts = (await client.api.receipts(mine[-1].id)).receipts if mine else []
            wrong += [
                f"8.1.4: {user} is told when {receipt.user_id} read"
                for receipt in receipts
                if receipt.read_at is not None and self._hides(user, receipt.user_id)
            ]
        return wrong

    def _hides(self, user: str, other: str) -> bool:
        return user != other and bool(self._silent & {user, other})

    def silent(self, *users: str) -> bool:
        """Whether one of them keeps to himself what he reads."""
        return bool(self._silent & {*users})

    def were_silent(self, *users: str) -> bool:
        """Whether one of them ever did: what was read then is told to who asks, not live."""
        return bool(self._ever & {*users})

    def _wrong(self, what: str) -> None:
        self._history.wrong.append(f"8.1.4: {what}")


def _user(number: int) -> str:
    return ids.text("user", number)
