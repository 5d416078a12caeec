"""Who may see whom, and write to whom, followed commit by commit; and what is told of presence."""

from typing import Any

import apsw

from hubbub.domain.change import Amended, Erase, Posted
from hubbub_protocol import ids
from hubbub_protocol.codec import client_codec
from hubbub_protocol.frames import Presence, Typing
from tests.simulation.device import Device
from tests.simulation.history import History

DIRECT = "SELECT id, key FROM chats WHERE type = 'direct'"
BLOCKS = "SELECT user_id, other_id FROM blocks WHERE blocked"
CLOSED = "SELECT user_id FROM privacy WHERE inbox = 'contacts'"
HIDDEN = "SELECT user_id FROM privacy WHERE NOT last_seen"
WROTE = "SELECT chat_id, user_id FROM members WHERE sent_at > 0"


class Sights:
    """Direct chats, by the pair of their users. `exact`: whoever is connected hears of each change
    at once.
    """

    def __init__(self, history: History, exact: bool) -> None:
        self._history, self._exact = history, exact
        self._direct: dict[str, frozenset[str]] = {}
        self._blocks: set[frozenset[str]] = set()
        self._closed: set[str] = set()
        self._hidden: set[str] = set()
        self._wrote: set[tuple[str, str]] = set()
        self._codecs = (client_codec(False), client_codec(True))

    def committed(self, changes: list[Any], outcomes: list[Any], db: apsw.Connection) -> None:
        """A commit is stored: permission to write is as it was before it."""
        written: list[tuple[str, str]] = []
        for change, outcome in zip(changes, outcomes, strict=True):
            match outcome:
                case Posted(duplicate=False):
                    written.append((_chat(outcome.chat_id), _user(change.sender_id)))
                case Amended(changed=True) if not isinstance(change.do, Erase):
                    written.append((_chat(outcome.row.chat_id), _user(change.by)))
        shut = {each for each in written if self._shut(*each)}
        self.restarted(db)
        # Another server hears of a block within a second or so; until then it may permit.
        for chat, user in shut if self._exact else ():
            self._wrong(f"8.2.2: {user} wrote in {chat}, where that is not possible")

    def restarted(self, db: apsw.Connection) -> None:
        """The database was opened again."""
        for chat, key in db.execute(DIRECT):
            self._direct[_chat(chat)] = frozenset(_user(int(user)) for user in key.split(":")[1:])
        self._blocks = {frozenset((_user(a), _user(b))) for a, b in db.execute(BLOCKS)}
        self._closed = {_user(user) for (user,) in db.execute(CLOSED)}
        self._hidden = {_user(user) for (user,) in db.execute(HIDDEN)}
        self._wrote = {(_chat(chat), _user(user)) for chat, user in db.execute(WROTE)}

    def _shut(self, chat: str, user: str) -> bool:
        """Whether the user may not write there, where that is a direct chat."""
        pair = self._direct.get(chat, frozenset())
        strange = {other for other in pair - {user} if (chat, other) not in self._wrote}
        return pair in self._blocks or bool(strange & self._closed)

    def written(self, payload: bytes, binary: bool, reader: str) -> None:
        """The server writes this to a client of the reader's."""
        if b"presence" not in payload and b"typing" not in payload:
            return
        frame: Any = self._codecs[binary].decode(payload)
        if isinstance(frame, Presence):
            told = frame.status == "online" or frame.last_seen_at is not None
            direct = frozenset((reader, frame.user_id)) in self._direct.values()
            if told and not direct:
                self._wrong(f"G6: {reader} is told that {frame.user_id} is here or not")
            if told and self._exact and self._apart(reader, frame.user_id, "hidden"):
                self._wrong(f"8.1.2: {reader} is told that {frame.user_id} is here or not")
        elif self._exact and isinstance(frame, Typing) and self._apart(reader, str(frame.user_id)):
            self._wrong(f"8.2.3: {reader} is told that {frame.user_id} types")

    def _apart(self, one: str, two: str, kind: str = "apart") -> bool:
        """Whether the server has said that a block is between the two, or one is of this kind."""
        facts = {("apart", one, two), ("apart", two, one), (kind, one), (kind, two)}
        return bool(facts & self._history.facts)

    def judge(self, device: Device) -> list[str]:
        """At the end, when all are connected: whom the device looks at and may see is online."""
        client, reader = device.client, device.owner.user_id
        assert client is not None
        wrong = []
        for chat in client.session.screen._chat_ids:
            pair = self._direct.get(chat, frozenset())
            for other in pair - {reader} if reader in pair else ():
                sees = not pair & self._hidden and pair not in self._blocks
                told = client.presence(other)
                here = told is not None and told.status == "online"
                then = told is not None and told.last_seen_at is not None
                if here != sees or (then and not sees):
                    wrong.append(f"presence: {device.name} was told {told} of {other}, sees {sees}")
        return wrong

    def _wrong(self, what: str) -> None:
        self._history.wrong.append(what)


def _user(number: int) -> str:
    return ids.text("user", number)


def _chat(number: int) -> str:
    return ids.text("chat", number)
