"""Where the connection stands, and when the next one is tried. Pure.

connecting ─opened→ authenticating ─welcome→ resuming ─caught_up→ live
↑                     │ closed with …           │                │
└─── waiting ←────────┴── backoff ──────────────┴────────────────┤
└─── renewing ←────────── token (4401) ──────────────────────────┤
closed  ←─────────── never (1002, 1007, 1008, 1009) ────────┘
"""

import re
from random import Random
from typing import Final

from hubbub_client.backoff import Backoff
from hubbub_client.commands import Command, Connect, Disconnect, RenewToken, Transmit
from hubbub_client.events import ConnectionChanged, Event, State
from hubbub_protocol.codes import Close, Reconnect, reconnect
from hubbub_protocol.frames import Auth

SILENCE: Final = 15.0  # seconds without a frame, before live, after which a connection is dead
STEADY: Final = 10.0  # seconds of live after which earlier failures are forgotten

_TEXTS: Final = {
    State.CONNECTING: "Connecting",
    State.AUTHENTICATING: "Signing in",
    State.RESUMING: "Catching up",
    State.LIVE: "Online",
    State.WAITING: "Network error; retrying",
    State.RENEWING: "Renewing the sign-in",
}
_OPEN: Final = (State.AUTHENTICATING, State.RESUMING, State.LIVE)
_SECONDS: Final = re.compile(r"\d+(?:\.\d+)?")


class Lifecycle:
    """The states and their timers. Writes to the two lists that its owner drains."""

    def __init__(self, random: Random, commands: list[Command], events: list[Event]) -> None:
        self._random = random
        self._backoff = Backoff(random)
        self._commands = commands
        self._events = events
        self._token = ""
        self._token_is_new = False  # renewed, and not yet proven by a connection
        self._live_since: float | None = None
        self.hint: float | None = None  # seconds that the server asked to wait
        self.state = State.WAITING
        self.until: float | None = None  # end of a wait, or of the patience with a connection

    @property
    def is_open(self) -> bool:
        """Whether frames come in."""
        return self.state in _OPEN

    @property
    def takes_frames(self) -> bool:
        """Whether the server takes sends: after its welcome."""
        return self.state in (State.RESUMING, State.LIVE)

    def start(self, token: str, now: float) -> None:
        """Begin to connect. An empty token is renewed first."""
        self._token = token
        if token:
            self._connect(now)
        else:
            self._renew()

    def opened(self, now: float) -> None:
        """The WebSocket is open."""
        if self.state is State.CONNECTING:
            self._to(State.AUTHENTICATING)
            self.until = now + SILENCE
            self._commands.append(Transmit(Auth(self._token)))

    def heard(self, now: float) -> None:
        """A frame came: be patient again."""
        if self.until is not None:
            self.until = now + SILENCE

    def welcomed(self) -> bool:
        """The server took the token. False: that was a renewal on the open connection."""
        if self.state is not State.AUTHENTICATING:
            return False
        self._to(State.RESUMING)
        return True

    def caught_up(self, now: float) -> bool:
        """The replay is complete. False: it was already."""
        if self.state is not State.RESUMING:
            return False
        self.until, self._live_since = None, now
        self._token_is_new, self.hint = False, None
        self._to(State.LIVE)
        return True

    def closed(self, code: int, reason: str, retry_after: float | None, now: float) -> bool:
        """The WebSocket is closed, or could not be opened (1006). False: there was none."""
        if not self.is_open and self.state is not State.CONNECTING:
            return False
        if self._live_since is not None and now - self._live_since >= STEADY:
            self._backoff.reset()
        self._live_since = None
        rule = reconnect(code)
        if rule is Reconnect.NEVER:
            self._end(f"The server ended the connection: {reason or code}")
        elif rule is Reconnect.TOKEN and not self._token_is_new:
            self._renew()
        else:
            if rule is Reconnect.TOKEN:
                self._token = ""  # a new token was refused: not at once again
            self._wait(self._delay(code, reason, retry_after), now)
        return True

    def ask_for_token(self) -> None:
        """The token ends, or has ended."""
        self._commands.append(RenewToken(self._token))

    def renewed(self, token: str, now: float) -> None:
        """There is a new access token."""
        self._token, self._token_is_new = token, True
        if self.is_open:
            self._commands.append(Transmit(Auth(token)))
        elif self.state is State.RENEWING:
            self._connect(now)

    def renew_failed(self, retry_after: float | None, now: float) -> None:
        """The server could not be reached for a new token.

        On an open connection nothing is done: it closes with 4401 when the old token ends.
        """
        if self.state is State.RENEWING:
            self._token = ""
            self._wait(self._backoff.delay(retry_after), now)

    def stop(self, reason: str) -> None:
        """End for good."""
        if self.is_open or self.state is State.CONNECTING:
            self._commands.append(Disconnect())
        if self.state is not State.CLOSED:
            self._end(reason)

    def tick(self, now: float) -> bool:
        """Do what is due. True: the connection was silent for too long and is given up."""
        if self.until is None or self.until > now:
            return False
        if self.state is State.WAITING:
            self.start(self._token, now)
            return False
        self._commands.append(Disconnect())
        return self.closed(Close.LOST, "no answer", None, now)

    def _connect(self, now: float) -> None:
        self._to(State.CONNECTING)
        self.until = now + SILENCE
        self._commands.append(Connect())

    def _renew(self) -> None:
        self.until = None
        self._to(State.RENEWING)
        self.ask_for_token()

    def _wait(self, delay: float, now: float) -> None:
        self.until = now + delay
        self._to(State.WAITING, retry_in=delay)

    def _end(self, reason: str) -> None:
        self.until = None
        self._to(State.CLOSED, text=reason)

    def _to(self, state: State, text: str | None = None, retry_in: float | None = None) -> None:
        self.state = state
        self._events.append(ConnectionChanged(state, text or _TEXTS[state], retry_in))

    def _delay(self, code: int, reason: str, retry_after: float | None) -> float:
        hint = retry_after if retry_after is not None else self.hint
        self.hint = None
        named = _SECONDS.search(reason) if code in (Close.GOING_AWAY, Close.TRY_LATER) else None
        if code == Close.GOING_AWAY and named is not None:
            # A drain: the hint is the time over which its clients are to spread.
            self._backoff.delay()
            return self._random.uniform(0, float(named[0]))
        if hint is None and named is not None:
            hint = float(named[0])
        return self._backoff.delay(hint)
