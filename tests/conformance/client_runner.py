"""Plays the server's side of a conversation to the Python client's state machine.

The machine has to say the user's lines by itself: `send` is the next frame that it transmits,
`rest` the read that it asks for. What the server says may hold unbound variables; they get values.
"""

from random import Random
from typing import Any

import msgspec

from hubbub_client.commands import Connect, Disconnect, ReadEvents, RenewToken, Transmit
from hubbub_client.session import Session
from hubbub_client.storage import Saved
from hubbub_protocol.frames import ClientFrame, Send
from hubbub_protocol.rest import EventPage
from tests.conformance.conversations import Codec, Conversation, Step
from tests.conformance.patterns import NAME, Bound, Mismatch, expect, fill

LATER = 60.0
"""Seconds after which every wait of the client is over."""


class ClientPlay:
    """One conversation, heard by the client in one wire version."""

    def __init__(self, conversation: Conversation, codec: Codec) -> None:
        assert conversation.head.client is not None
        self._conversation = conversation
        self._user = conversation.head.client
        self._binary = codec == "msgpack"
        self._session = Session(Saved(), Random(1), binary=self._binary)
        self._bound: Bound = {f"{self._user}.token": "token"}
        self._said: list[dict[str, Any]] = []
        self._reads: list[ReadEvents] = []
        self._asked: list[type] = []
        self._now = 0.0

    def run(self) -> None:
        """Play every line. Raises AssertionError that names the line which failed."""
        for step in self._conversation.steps:
            if step.who != self._user:
                continue
            try:
                self._step(step)
            except Mismatch as error:
                place = f"{self._conversation.name}, line {step.line} (client)"
                raise AssertionError(f"{place}: {error}") from error
        self._take()
        assert not self._said, f"{self._conversation.name}: the client also says {self._said}"

    def _step(self, step: Step) -> None:
        if step.open is not None:
            self._open()
        elif step.send is not None:
            self._hears(step.send)
        elif step.rest is not None:
            self._reads_page(step)
        elif step.app is not None:
            self._app(dict(step.app))
        elif step.state is not None:
            expect(step.state, self._session.state.value, self._bound)
        elif isinstance(step.expect_close, int):
            self._session.closed(step.expect_close, "", self._now)
        elif step.drop is not None:
            self._session.closed(1006, "", self._now)
        elif step.silence is not None:
            self._take()
            if self._said:
                raise Mismatch(f"the client should be silent, and says {self._said}")
        else:
            frames = step.expect if isinstance(step.expect, list) else [step.expect]
            for frame in frames:
                self._tell(frame)

    def _open(self) -> None:
        """The first connection, or the next one when its time has come."""
        if Connect not in self._asked:
            self._take()
        if Connect not in self._asked:
            if self._session.state.value == "waiting" and self._now:
                self._now += LATER
                self._session.tick(self._now)
            else:
                self._session.start("token", self._now)
            self._take()
        if Connect not in self._asked:
            raise Mismatch(f"the client does not connect; it is {self._session.state.value}")
        self._asked.clear()
        self._now += 1.0
        self._session.opened(self._now)
        self._hears({"type": "auth", "token": f"${self._user}.token"})

    def _hears(self, pattern: dict[str, Any]) -> None:
        if not self._said:
            self._take()
        if not self._said:
            self._now += LATER
            self._session.tick(self._now)
            self._take()
        if not self._said:
            raise Mismatch(f"the client says nothing instead of {pattern}")
        expect(pattern, self._said.pop(0), self._bound)

    def _tell(self, pattern: Any) -> None:
        frame = fill(self._invented(pattern), self._bound)
        encode = msgspec.msgpack.encode if self._binary else msgspec.json.encode
        self._session.receive(encode(frame), self._now)

    def _invented(self, pattern: Any) -> Any:
        """Bind the variables that the server would have bound."""
        match pattern:
            case dict():
                return {key: self._invented(value) for key, value in pattern.items()}
            case list():
                return [self._invented(value) for value in pattern]
            case str() if (found := NAME.fullmatch(pattern)) and not found[1].startswith("uuid"):
                self._bound.setdefault(found[1], f"{found[1]}_invented")
        return pattern

    def _reads_page(self, step: Step) -> None:
        self._take()
        if not self._reads:
            raise Mismatch(f"the client does not ask for {step.rest}")
        asked = self._reads.pop(0)
        log = "me" if asked.log == "me" else f"chats/{asked.log}"
        expect(step.rest, f"GET /{log}/events?after={asked.after}", self._bound)
        answer = fill(self._invented(step.expect), self._bound)
        page = msgspec.convert(answer, EventPage)
        self._session.page(asked.log, asked.ticket, page, self._now)

    def _app(self, act: dict[str, Any]) -> None:
        act = fill(self._invented(act), self._bound)
        match act.pop("does"):
            case "send":
                self._session.send(msgspec.convert(act, Send), self._now)
            case "renewed":
                self._take()
                if RenewToken not in self._asked:
                    raise Mismatch("the client does not ask for a new token")
                self._asked.remove(RenewToken)
                self._session.renewed("token", self._now)
            case other:
                raise Mismatch(f"an application cannot {other}")

    def _take(self) -> None:
        for command in self._session.take_commands():
            match command:
                case Transmit(frame):
                    self._said.append(_plain(frame))
                case ReadEvents():
                    self._reads.append(command)
                case Connect() | RenewToken():
                    self._asked.append(type(command))
                case Disconnect():
                    self._asked.clear()


def _plain(frame: ClientFrame) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(frame)
    return plain
