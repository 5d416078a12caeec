"""What the clients saw and were told, for the checks afterwards."""

from dataclasses import dataclass, field
from typing import Any, Literal

from hubbub_protocol.frames import Send

Way = Literal["sent", "got"]
Fact = tuple[str, ...]
"""`silent` or `hidden` and a user; `apart` and two, of whom the first has blocked the second."""


@dataclass
class Connection:
    """One WebSocket as its client saw it: frames both ways, in order, with the virtual time."""

    device: str
    user_id: str
    simple: bool
    frames: list[tuple[float, Way, Any]] = field(default_factory=list)


@dataclass
class Sent:
    """A message that a user sent, by WebSocket (`order` within its device) or REST."""

    device: str
    user_id: str
    send: Send
    order: int | None
    ids: set[str] = field(default_factory=set)  # of all acknowledgements
    chat_ids: set[str] = field(default_factory=set)
    failed: str | None = None


@dataclass(frozen=True)
class Changed:
    """A change of a message that was carried out, as its author heard. No `content`: deleted."""

    message_id: str
    rev: int
    content: str | None


@dataclass
class App:
    """What one device's application holds: it outlives the client's process."""

    arrived: dict[str, dict[int, str]] = field(default_factory=dict)  # chat → seq → id
    gaps: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    name: str = ""  # what its user is called, as it was last told
    whole: bool = True  # it had one session all the time


@dataclass
class History:
    """Of a whole run."""

    connections: list[Connection] = field(default_factory=list)
    sent: dict[str, Sent] = field(default_factory=dict)  # by client_id
    changed: list[Changed] = field(default_factory=list)
    reacted: dict[tuple[str, str, str], bool | None] = field(default_factory=dict)
    """By user, message, emoji: whether it is there; None: nobody heard."""
    hidden: set[tuple[str, str]] = field(default_factory=set)  # who deleted which for himself
    deleting: set[str] = field(default_factory=set)  # messages that somebody tried to delete
    stances: dict[str, tuple[int, int]] = field(default_factory=dict)  # begun, answered, by user
    facts: set[Fact] = field(default_factory=set)  # of how users stand, for sure
    codes: list[str] = field(default_factory=list)  # of invites
    wrong: list[str] = field(default_factory=list)  # found while it ran

    def acknowledged(self, client_id: str, message_id: str, chat_id: str) -> None:
        """The server said that it has the message."""
        sent = self.sent[client_id]
        sent.ids.add(message_id)
        sent.chat_ids.add(chat_id)
