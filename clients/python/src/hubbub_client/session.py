"""One signed-in user on one device: a pure state machine, from frames to commands and events.

No input, no output, no clock, no event loop: time comes in as `now` (seconds of a monotonic
clock), randomness as a `random.Random`. The owner calls the inputs (`start`, `opened`,
`receive`, `closed`, …), then carries out `take_commands()` in their order and hands
`take_events()` to the application; it calls `tick` at `deadline()`.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

from hubbub_client.chat import WINDOW
from hubbub_client.commands import (
    Command,
    ReadChat,
    Save,
    Transmit,
)
from hubbub_client.events import (
    Event,
    MessageAccepted,
    ReceiptsCounted,
    SendFailed,
    ServerComplained,
    State,
)
from hubbub_client.lifecycle import Lifecycle
from hubbub_client.logs import Logs
from hubbub_client.lookups import FLOOR_EVERY, Lookups
from hubbub_client.outbox import CAPACITY, Outbox
from hubbub_client.repairs import Repairs
from hubbub_client.screen import Screen
from hubbub_client.storage import Record, Saved, SendSaved, SendSettled
from hubbub_client.typers import Typers
from hubbub_protocol.codec import client_codec
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.frames import (
    Ack,
    CaughtUp,
    DeliveryReceipt,
    Error,
    Focus,
    Gap,
    Limits,
    Me,
    Message,
    Presence,
    Read,
    ReadReceipt,
    ReceiptCounts,
    Resume,
    Send,
    ServerFrame,
    Skip,
    TokenExpiring,
    Typing,
    Welcome,
)
from hubbub_protocol.rest import Chat as ChatRecord
from hubbub_protocol.rest import EventPage

READS_SAID: Final = 3  # replays in which a read cursor is said again


class Session:
    """The machine. `saved`: what the storage holds; `binary`: MessagePack instead of JSON."""

    def __init__(
        self,
        saved: Saved,
        random: Random,
        binary: bool = False,
        window: int = WINDOW,
        outbox: int = CAPACITY,
    ) -> None:
        self._codec = client_codec(binary)
        self._commands: list[Command] = []
        self._events: list[Event] = []
        self._line = Lifecycle(random, self._commands, self._events)
        self._repairs = Repairs(random)
        self.logs = Logs(saved, self._commands, self._events, self._repairs, window)
        self.outbox = Outbox(random, outbox)
        for send in saved.outbox.values():
            self.outbox.add(send, force=True)
        if saved.signed_in is not None:
            self.logs.user_id = saved.signed_in.user.id
        self._typers = Typers()
        self._reads: dict[str, int] = {}  # read cursors that the server may not have stored yet
        self._reads_said: dict[str, int] = {}  # in how many replays since
        self._lookups = Lookups(self.logs)
        self.screen = Screen()
        self.frames_unreadable = 0
        self.limits: Limits | None = None  # what the server takes, since its first welcome

    # ── outputs ──────────────────────────────────────────────────────────────────────────────

    def take_commands(self) -> list[Command]:
        """What to do, in order. Coalesces `received`: one for all frames since the last call."""
        if self.state is State.LIVE:
            self._commands.extend(Transmit(frame) for frame in self.logs.claims())
        commands = self._commands.copy()
        self._commands.clear()  # the list is shared with `logs`
        return commands

    def take_events(self) -> list[Event]:
        """What the application is to hear, in order."""
        events = self._events.copy()
        self._events.clear()
        return events

    def checkpoint(self) -> list[Record]:
        """Records to store (without sync) once the application has taken every event."""
        return self.logs.checkpoint()

    def deadline(self, now: float) -> float | None:
        """When to call `tick` at the latest."""
        times = [self._line.until, self._typers.deadline(), self._repairs.deadline()]
        times.append(self.logs.claim_by)
        if self._line.takes_frames:
            times.append(self.outbox.deadline(now))
            times.append(self._lookups.deadline())
        return min((time for time in times if time is not None), default=None)

    # ── the connection ───────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self._line.state

    def start(self, token: str, now: float) -> None:
        """Begin to connect. An empty token is renewed first."""
        self._line.start(token, now)

    def opened(self, now: float) -> None:
        """The WebSocket is open."""
        self._line.opened(now)

    def closed(self, code: int, reason: str, now: float, retry_after: float | None = None) -> None:
        """The WebSocket is closed, or could not be opened (1006)."""
        if self._line.closed(code, reason, retry_after, now):
            self._lost()

    def renewed(self, token: str, now: float) -> None:
        """The answer to `RenewToken`: a new access token."""
        self._line.renewed(token, now)

    def renew_failed(self, signed_out: bool, now: float, retry_after: float | None = None) -> None:
        """There is no new token: for good, or because the server could not be reached."""
        if signed_out:
            self.stop("Signed out")
        else:
            self._line.renew_failed(retry_after, now)

    def stop(self, reason: str) -> None:
        """End for good."""
        self._line.stop(reason)
        self._lost()

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self._line.tick(now):
            self._lost()
        self._events.extend(self._typers.expire(now))
        self.logs.tick(now)
        if self._line.takes_frames:
            self._flush(now)
            self._commands.extend(ReadChat(chat_id) for chat_id in self._lookups.due(now))

    def _lost(self) -> None:
        self.outbox.lost()
        self.logs.lost()
        self._lookups.lost()
        self.screen.lost()
        self._events.extend(self._typers.forget())

    # ── frames ───────────────────────────────────────────────────────────────────────────────

    def receive(self, payload: bytes, now: float) -> None:
        """One WebSocket message. One that cannot be read is passed over: holes are seen anyway."""
        try:
            frame = self._codec.decode(payload)
        except Refused:
            self.frames_unreadable += 1
        else:
            self.receive_frame(frame, now)

    def receive_frame(self, frame: ServerFrame, now: float) -> None:
        """One frame of the server."""
        if not self._line.is_open:
            return  # of a connection that was given up
        self._line.heard(now)
        match frame:
            case Message():
                self._message(frame, now)
            case Me():
                self._me(frame, now)
            case Skip():
                self.logs.skip(frame)
            case Gap():
                self.logs.gap(frame)
                self._look_up(frame.chat_id, now)
            case CaughtUp():
                self._caught_up(frame, now)
            case Welcome():
                self._welcome(frame, now)
            case Ack(message_id, chat_id, at, client_id=client_id):  # "" of a change: not ours
                self._settle(MessageAccepted(client_id or "", message_id, chat_id, at), now)
            case TokenExpiring():
                self._line.ask_for_token()
            case Error():
                self._error(frame, now)
            case _:
                self._passing(frame, now)

    def _passing(
        self, frame: DeliveryReceipt | ReadReceipt | ReceiptCounts | Typing | Presence, now: float
    ) -> None:
        """Frames outside of the logs."""
        match frame:
            case DeliveryReceipt():
                self._receipt(frame.chat_id, frame.delivered_to, frame.seq, False, now)
            case ReadReceipt():
                self._receipt(frame.chat_id, frame.read_by, frame.seq, True, now)
            case ReceiptCounts(chat_id, seq, delivered, read):
                self._events.append(ReceiptsCounted(chat_id, seq, delivered, read))
                self._lookups.want_floor(chat_id, seq, now)
            case Presence():
                self._events.extend(self.screen.heard(frame))
            case Typing(chat_id, user_id, is_typing):
                if user_id is not None and user_id != self.logs.user_id:
                    heard = self._typers.heard(chat_id, user_id, is_typing, now)
                    self._events.extend(heard)

    def _welcome(self, frame: Welcome, now: float) -> None:
        if not self._line.welcomed():
            return
        self.logs.user_id, self.limits = frame.user_id, frame.limits
        for chat_id, seq in self._reads.items():
            self._commands.append(Transmit(Read(chat_id, seq)))
        parts = self.logs.positions()
        for part in parts[:-1]:
            self._commands.append(Transmit(Resume(part, more=True)))
        receipts = self._lookups.ask_receipts()
        self._commands.append(Transmit(Resume(parts[-1] if parts else None, receipts=receipts)))
        self._focus(self.screen.again())
        self._flush(now)  # not waiting for caught_up

    def _caught_up(self, frame: CaughtUp, now: float) -> None:
        self.logs.caught_up(frame)
        if self._line.caught_up(now):
            # Heard is not stored. The own log tells what was; where nothing moved it says nothing.
            for chat_id in list(self._reads):
                self._reads_said[chat_id] = said = self._reads_said.get(chat_id, 0) + 1
                if said >= READS_SAID:
                    self._forget_read(chat_id)
        self._lookups.after_replay(now)

    def _forget_read(self, chat_id: str) -> None:
        self._reads.pop(chat_id, None)
        self._reads_said.pop(chat_id, None)

    def _message(self, frame: Message, now: float) -> None:
        self._settle_by(frame, now)
        self.logs.message(frame, now)
        self._look_up(frame.chat_id, now)
        if frame.sender_id is not None and frame.seq == frame.rev:
            heard = self._typers.heard(frame.chat_id, frame.sender_id, False, now)
            self._events.extend(heard)

    def _me(self, frame: Me, now: float) -> None:
        self.logs.me_event(frame)
        chat_id = frame.chat_id
        if chat_id is None:
            return
        self._look_up(chat_id, now)
        if frame.kind != "chat":
            return
        if frame.read >= self._reads.get(chat_id, frame.read + 1) or not frame.member:
            self._forget_read(chat_id)
        if not frame.member:
            self._events.extend(self._typers.forget(chat_id))

    def _look_up(self, chat_id: str, now: float) -> None:
        """Ask soon what frames do not tell of a chat. A replay asks for all at its end."""
        chat = self.logs.chats.get(chat_id)
        if chat is not None and chat.uncertain and self.state is State.LIVE:
            self._lookups.want(chat_id, now + FLOOR_EVERY)

    def _receipt(self, chat_id: str, user_id: str, seq: int, read: bool, now: float) -> None:
        chat = self.logs.chats.get(chat_id)
        if chat is not None and user_id != self.logs.user_id:
            self._events.extend(chat.receipt(user_id, seq, read, self.logs.user_id))
            self._lookups.want_floor(chat_id, seq, now)

    # ── sending ──────────────────────────────────────────────────────────────────────────────

    def send(self, send: Send, now: float) -> None:
        """Put a message into the outbox, stored before it is sent. Raises OutboxFull."""
        self.outbox.add(send)
        self._commands.append(Save([SendSaved(send)], sync=True))
        self._flush(now)

    def mark_read(self, chat_id: str, seq: int, now: float) -> None:
        """Move the user's read cursor, never back; it is said again until surely heard."""
        chat = self.logs.chats.get(chat_id)
        if chat is not None:
            if not chat.move_read(seq):
                return
            self._events.append(chat.read_moved)
        if seq > self._reads.get(chat_id, 0):
            self._reads[chat_id] = seq
            self._reads_said.pop(chat_id, None)
            if self._line.takes_frames:
                self._commands.append(Transmit(Read(chat_id, seq)))

    def typing(self, chat_id: str, is_typing: bool, now: float) -> None:
        """The user types, or stopped. Said when live, and not more often than useful."""
        if self.state is State.LIVE and self._typers.say(chat_id, is_typing, now):
            self._commands.append(Transmit(Typing(chat_id, is_typing=is_typing)))

    def focus(self, chat_ids: Sequence[str]) -> None:
        """These chats are on the screen; said again on each connection. Raises ValueError."""
        self._focus(self.screen.focus(chat_ids))

    def _focus(self, frame: Focus | None) -> None:
        if frame is not None and self._line.takes_frames:
            self._commands.append(Transmit(frame))

    def _flush(self, now: float) -> None:
        if self._line.takes_frames:
            self._commands.extend(Transmit(send) for send in self.outbox.due(now))

    def _settle_by(self, message: Message, now: float) -> None:
        # The message itself proves that it was accepted, when the ack was lost.
        if message.client_id is not None:
            self._settle(
                MessageAccepted(message.client_id, message.id, message.chat_id, message.created_at),
                now,
            )

    def _settle(self, accepted: MessageAccepted, now: float) -> None:
        if self.outbox.settle(accepted.client_id, accepted.chat_id):
            self._commands.append(Save([SendSettled(accepted.client_id)], sync=False))
            self._events.append(accepted)
            self._flush(now)

    def _error(self, frame: Error, now: float) -> None:
        known = frame.code in {code.value for code in Code}
        retryable = Code(frame.code).retryable if known else frame.retry_after is not None
        if frame.ref is None or frame.ref not in self.outbox:
            self._line.hint = frame.retry_after
            self._events.append(ServerComplained(frame.code, frame.message))
        elif retryable:
            self.outbox.refuse(frame.ref, frame.retry_after, now)
        else:
            self.outbox.settle(frame.ref)
            self._commands.append(Save([SendSettled(frame.ref)], sync=False))
            self._events.append(SendFailed(frame.ref, frame.code, frame.message))
        self._flush(now)

    # ── answers of REST ──────────────────────────────────────────────────────────────────────

    def page(self, log: str, ticket: int, page: EventPage, now: float) -> None:
        """The answer to `ReadEvents`."""
        for event in page.events:
            if isinstance(event, Message):
                self._settle_by(event, now)
        self.logs.page(log, ticket, page)
        self._look_up(log, now)

    def page_failed(
        self, log: str, ticket: int, code: Code | None, retry_after: float | None, now: float
    ) -> None:
        """`ReadEvents` failed; `code` is None when the server was not reached."""
        self.logs.page_failed(log, ticket, code, retry_after, now)

    def chat_not_read(self, chat_id: str, now: float) -> None:
        """A `ReadChat` failed: what it asks for is wanted still, when there is a connection."""
        self._lookups.want(chat_id, now + FLOOR_EVERY)

    def learn(self, records: Sequence[ChatRecord]) -> None:
        """What REST says of chats: the answer to `ReadChat`, or any list of chats."""
        for record in records:
            chat = self.logs.chats.get(record.id)
            if chat is None:
                continue
            self._events.extend(chat.settings_from(record))
            before = chat.read_moved
            self._events.extend(chat.learn(record, self.logs.user_id))
            if chat.read_moved != before:
                self._events.append(chat.read_moved)
