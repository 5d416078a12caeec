"""What the client's tests share: frames by hand, a session that is live, records of signing in."""

from random import Random
from typing import Any

from hubbub_client.commands import Command, Transmit
from hubbub_client.events import Event
from hubbub_client.session import Session
from hubbub_client.storage import Saved, TokensSaved
from hubbub_protocol import ids
from hubbub_protocol.frames import CaughtUp, ClientFrame, Limits, Message, Welcome
from hubbub_protocol.rest import SignedIn, User

ANN = ids.text("user", 1)
BEN = ids.text("user", 2)
CEM = ids.text("user", 3)
CHAT = ids.text("chat", 1)
OTHER = ids.text("chat", 2)
TIME = "2026-02-01T10:00:00.000Z"
WELCOME = Welcome(ANN, ids.text("session", 1), TIME, 30.0, Limits(16384, 65536, 10, 256))


def signed_in(token: str = "t1", refresh: str = "r1", expires: str = "2099-01-01T00:00:00.000Z"):
    user = User(ANN, "ann", "Ann")
    return SignedIn(user, ids.text("session", 1), token, expires, refresh)


def saved(places: dict[str, int] | None = None) -> Saved:
    state = Saved(places=dict(places or {}))
    state.apply(TokensSaved(signed_in()))
    return state


def message(seq: int, rev: int | None = None, sender: str = BEN, **fields) -> Message:
    values: dict[str, Any] = {
        "id": ids.text("msg", fields.pop("n", seq)),
        "chat_id": CHAT,
        "seq": seq,
        "rev": rev or seq,
        "number": seq,
        "created_at": TIME,
        "sender_id": sender,
        "recipient_ids": [ANN, BEN],
        "content": f"message {seq}",
    } | fields
    return Message(**values)


class Peer:
    """A session with everything that it said and did, and the server's side by hand."""

    def __init__(self, places: dict[str, int] | None = None, state: Saved | None = None, **options):
        self.session = Session(state or saved(places), Random(1), **options)
        self.now = 100.0
        self.commands: list[Command] = []
        self.events: list[Event] = []

    def take(self) -> "Peer":
        """Forget what was said before, keep what is said from here."""
        self.commands = self.session.take_commands()
        self.events = self.session.take_events()
        return self

    def hear(self, *frames) -> "Peer":
        for frame in frames:
            self.session.receive_frame(frame, self.now)
        return self.take()

    def wait(self, seconds: float) -> "Peer":
        self.now += seconds
        self.session.tick(self.now)
        return self.take()

    def close(self, code: int = 1006, reason: str = "") -> "Peer":
        self.session.closed(code, reason, self.now)
        return self.take()

    def connect(self) -> "Peer":
        """From nothing (or the end of a wait) to the server's welcome."""
        if self.session.deadline(self.now) is None:
            self.session.start("t1", self.now)
        else:
            self.now = self.session.deadline(self.now) or self.now
            self.session.tick(self.now)
        self.session.opened(self.now)
        self.take()
        return self.hear(WELCOME)

    def live(self, positions: dict[str, int] | None = None) -> "Peer":
        return self.connect().hear(CaughtUp(positions or {}))

    @property
    def frames(self) -> list[ClientFrame]:
        return [command.frame for command in self.commands if isinstance(command, Transmit)]

    def of(self, kind):
        """Commands, frames or events of this type."""
        return [x for x in [*self.commands, *self.frames, *self.events] if isinstance(x, kind)]
