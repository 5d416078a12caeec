"""Who may see whom, followed commit by commit, and what the server tells of presence."""

from typing import Any

import apsw

from hubbub_protocol import ids
from hubbub_protocol.codec import client_codec
from hubbub_protocol.frames import Presence
from tests.simulation.device import Device
from tests.simulation.history import History


class Sights:
    """Direct chats, by the pair of their users."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._direct: dict[str, frozenset[str]] = {}
        self._codecs = (client_codec(False), client_codec(True))

    def committed(self, db: apsw.Connection) -> None:
        """A commit is stored, or the database was opened again."""
        query = "SELECT id, key FROM chats WHERE type = 'direct'"
        for chat, key in db.execute(query):
            pair = frozenset(ids.text("user", int(user)) for user in key.split(":")[1:])
            self._direct[ids.text("chat", chat)] = pair

    def written(self, payload: bytes, binary: bool, reader: str) -> None:
        """The server writes this to a client of the reader's."""
        if b"presence" not in payload:
            return
        frame: Any = self._codecs[binary].decode(payload)
        if not isinstance(frame, Presence):
            return
        told = frame.status == "online" or frame.last_seen_at is not None
        if told and not self._sees(reader, frame.user_id):
            self._history.wrong.append(f"G6: {reader} is told that {frame.user_id} is here or not")

    def _sees(self, reader: str, other: str) -> bool:
        return frozenset((reader, other)) in self._direct.values()

    def judge(self, device: Device) -> list[str]:
        """At the end, when everybody is connected: whom the device looks at is online."""
        client, reader = device.client, device.owner.user_id
        assert client is not None
        wrong = []
        for chat in client.session.screen._chat_ids:
            pair = self._direct.get(chat, frozenset())
            for other in pair - {reader} if reader in pair else ():
                told = client.presence(other)
                if told is None or told.status != "online":
                    wrong.append(f"presence: {device.name} was told {told} of {other}, who is here")
        return wrong
