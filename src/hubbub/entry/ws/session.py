"""One WebSocket as a session of a user: frames in, verbs called, answers out (spec section 4).

It translates and never decides: what may be done is the verbs', what is shown is delivery's.
"""

from collections.abc import Sequence
from typing import Final, assert_never

from msgspec.structs import replace

from hubbub.actions import Unavailable
from hubbub.actions.directory import UnknownNames
from hubbub.delivery.outgoing import JSON, MSGPACK
from hubbub.delivery.subscriber import HARD_LIMIT, ME, Subscriber
from hubbub.domain.account import Principal
from hubbub.domain.change import Outcome, Posted
from hubbub.domain.draft import Draft
from hubbub.domain.gate import SendGate
from hubbub.entry.ws.connection import Connection
from hubbub.entry.ws.held import Held, ref_of
from hubbub.entry.ws.parts import SessionParts
from hubbub.entry.ws.reads import Reads
from hubbub.entry.ws.registry import MAX_CONNECTIONS
from hubbub.entry.ws.strikes import MAX_INVALID, Strikes
from hubbub.entry.ws.waiting import Changing, Sending, refused
from hubbub.present import chat_ref, message_ref
from hubbub_protocol import frames, ids
from hubbub_protocol.codec import UNREADABLE
from hubbub_protocol.codec import refusal as unreadable
from hubbub_protocol.codes import Close, Code, Refused
from hubbub_protocol.frames import ClientFrame
from hubbub_protocol.times import rfc3339

AUTH_SECONDS: Final = 5.0
WARN_MS: Final = 60_000
MAX_POSITIONS: Final = 100_000
"""Positions in all parts of one resume."""


class Session:
    """A Handler of the edge. `simple`: the client only listens, the server resumes for it."""

    __slots__ = (
        "_arriving",
        "_auth_by",
        "_closed",
        "_codec",
        "_connection",
        "_gate",
        "_held",
        "_part",
        "_parts",
        "_pinged",
        "_principal",
        "_reads",
        "_simple",
        "_strikes",
        "_subscriber",
        "_warned",
    )

    def __init__(
        self, parts: SessionParts, connection: Connection, binary: bool, simple: bool
    ) -> None:
        self._parts = parts
        self._connection = connection
        self._codec = parts.msgpack if binary else parts.json
        self._simple = simple
        self._principal: Principal | None = None
        self._subscriber: Subscriber | None = None
        self._auth_by = parts.monotonic() + AUTH_SECONDS
        self._warned = False
        self._strikes: Strikes | None = None
        self._part: tuple[dict[str, int], list[str]] | None = None
        self._pinged: dict[int, int] | None = None
        self._gate: SendGate | None = None
        self._closed = False
        self._arriving = False  # a host application's token is being looked at
        self._held: Held | None = None
        self._reads: Reads | None = None
        parts.registry.arrived(self)

    # ── the edge's callbacks ──

    def message(self, payload: bytes, binary: bool) -> None:
        """One whole message."""
        codec = self._codec
        try:
            if binary != codec.binary:
                raise Refused(Code.MALFORMED, "JSON goes in text messages, MessagePack in binary.")
            try:
                frame = codec.read(payload)
            except UNREADABLE as error:
                raise unreadable(error) from None
            self._dispatch(frame)
        except Refused as refusal:
            if refusal.code in (Code.MALFORMED, Code.UNKNOWN_TYPE):
                self._strike()
            self._say(refused(refusal, None))

    def _strike(self) -> None:
        strikes = self._strikes = self._strikes or Strikes()
        if strikes.are_out(self._parts.monotonic()):
            self._connection.close(Close.POLICY, f"over {MAX_INVALID} invalid frames a minute")

    def pong(self) -> None:
        """All that was written before our ping has been read: simple clients have received it."""
        pinged, self._pinged = self._pinged, None
        if pinged and self._principal is not None:
            now = self._parts.now_ms()
            for log_id, rev in pinged.items():
                if log_id == ME:
                    self._parts.received(self._principal, {frames.ME: rev})
                else:
                    self._parts.received_at(self._principal, log_id, rev, now)

    def writable(self) -> None:
        """The socket takes more."""
        if self._subscriber is not None:
            self._parts.replays.writable(self._subscriber)

    def closed(self, code: int) -> None:
        """The end."""
        self._closed = True
        if self._reads is not None:
            self._reads.end()
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is not None:
            self._parts.hub.detach(subscriber)
            subscriber.replay = None
        self._parts.registry.gone(self._principal.session_id if self._principal else 0, self)

    # ── the registry's callbacks ──

    def tick(self, now_ms: int, now: float) -> None:
        """Deadlines, and the question whether a simple client has read."""
        principal = self._principal
        if principal is None:
            if now >= self._auth_by and not self._arriving:
                self._connection.close(Close.TOKEN, "no token came within 5 s")
            return
        if now_ms >= principal.expires_at:
            self._connection.close(Close.TOKEN, "the token has expired")
        elif now_ms >= principal.expires_at - WARN_MS and not self._warned:
            self._warned = True
            self._say(frames.TokenExpiring(rfc3339(principal.expires_at)))
        self._ask_simple()

    def _ask_simple(self) -> None:
        subscriber = self._subscriber
        if subscriber is not None and subscriber.sent and self._pinged is None:
            self._pinged, subscriber.sent = subscriber.sent, {}
            self._connection.ping()

    def revoked(self) -> None:
        """Signed out elsewhere."""
        self._connection.close(Close.TOKEN, "the session was revoked")

    def going_away(self, reason: str) -> None:
        """The server drains."""
        self._connection.close(Close.GOING_AWAY, reason)

    # ── signing in ──

    def authenticate(self, token: str) -> None:
        """Sign in, or renew the token of the same session. A bad one closes with 4401."""
        try:
            principal = self._parts.authenticate(token)
        except Refused as refusal:
            self._connection.close(Close.TOKEN, refusal.message)
            return
        if principal is not None:
            self._arrived(principal)
        elif self._arriving or not self._parts.spawn(self._enter(token)):
            self._connection.close(Close.TRY_LATER, "too many sign in just now")
        else:
            self._arriving = True

    async def _enter(self, token: str) -> None:
        try:
            principal = await self._parts.enter(token)
        except Refused as refusal:
            self._connection.close(Close.TOKEN, refusal.message)
        except Unavailable:
            self._connection.close(Close.TRY_LATER, "tokens cannot be verified now")
        else:
            self._arrived(principal)
        finally:
            self._arriving = False

    def _arrived(self, principal: Principal) -> None:
        before = self._principal
        if before is None:
            if not self._sign_in(principal):
                return
        elif principal.host and principal.user_id == before.user_id:
            # The host application may have signed the user in anew; the session here goes on.
            principal = replace(principal, session_id=before.session_id)
        elif principal.session_id != before.session_id:
            self._connection.close(Close.POLICY, "the token is of another session")
            return
        self._principal = principal
        self._warned = False
        self._welcome(principal)

    def _sign_in(self, principal: Principal) -> bool:
        parts = self._parts
        if self._closed:
            return False
        if not parts.registry.signed_in(principal.session_id, self):
            self._connection.close(
                Close.POLICY, f"the session has {MAX_CONNECTIONS} connections already"
            )
            return False
        self._subscriber = Subscriber(
            principal.user_id,
            principal.session_id,
            self._connection,
            MSGPACK if self._codec.binary else JSON,
            parts.encoders,
            parts.hub.mark_dirty,
        )
        return True

    def _welcome(self, principal: Principal) -> None:
        parts = self._parts
        first = self._subscriber is not None and self._subscriber.replay is None
        self._say(
            frames.Welcome(
                ids.text("user", principal.user_id),
                ids.text("session", principal.session_id),
                rfc3339(parts.now_ms()),
                parts.heartbeat,
                parts.limits,
            )
        )
        if self._simple and first and self._subscriber is not None:
            self._simple = False
            self._subscriber.sent = {}
            parts.replays.resume(self._subscriber, None, 0, ())

    # ── frames ──

    def _dispatch(self, frame: ClientFrame) -> None:
        principal = self._principal
        if isinstance(frame, frames.Auth):
            self.authenticate(frame.token)
            return
        if principal is None:
            raise Refused(Code.UNAUTHORIZED, "Sign in first: send an auth frame.")
        match frame:  # the most frequent first
            case frames.Received():
                self._received(principal, frame)
            case frames.Send() | frames.Edit() | frames.Delete() | frames.Pin() | frames.React():
                self._ask(principal, frame)
            case frames.Read():
                self._read(principal, frame)
            case frames.Typing():
                self._typing(principal, frame)
            case frames.Resume():
                self._resume(frame)
            case frames.Focus():
                if self._subscriber is not None:
                    self._parts.focus(self._subscriber, self._parts.chats(frame.chat_ids))
            case _:
                assert_never(frame)

    def _ask(self, principal: Principal, frame: frames.Send | frames.ChangeFrame) -> None:
        if self._held is not None:
            if not self._held.add(frame):
                self._connection.close(Close.TRY_LATER, "names are being looked up")
            return
        try:
            if isinstance(frame, frames.Send):
                self._put(self._parts.compose(principal.user_id, frame), frame.client_id)
            else:
                change = self._parts.amend(principal.user_id, frame)
                self._parts.put(Changing(frame.ref, change, self._answer, self._say))
        except UnknownNames as unknown:
            held = self._held = Held(frame)
            if not self._parts.spawn(self._learn(principal, held, unknown.names)):
                self._connection.close(Close.TRY_LATER, "too many names are being looked up")
        except Refused as refusal:
            self.refuse(ref_of(frame), refusal)

    async def _learn(self, principal: Principal, held: Held, names: Sequence[str]) -> None:
        try:
            waiting = await held.until(self._parts.learn(names), self.refuse)
        except Unavailable:  # what comes back on a new connection keeps its order
            self._connection.close(Close.TRY_LATER, "names cannot be looked up now")
            return
        self._held = None
        for frame in waiting:
            self._ask(principal, frame)

    def _put(self, draft: Draft, client_id: str) -> None:
        parts, gate = self._parts, self._gate
        if gate is None:
            gate = self._gate = SendGate()
        sending = Sending(self, client_id, draft, gate, parts.target(draft))
        try:
            parts.limit(draft.sender_id)
        except Refused:
            gate.close(sending.target, draft.client_id, draft.id, parts.monotonic())
            raise
        parts.put(sending)

    def answer(self, client_id: str, outcome: Outcome) -> None:
        """A send is committed."""
        if not isinstance(outcome, Posted):
            self.refuse(client_id, self._parts.refusal(outcome))
            return
        if self._subscriber is not None:
            chat, at = chat_ref(outcome.chat_id), rfc3339(outcome.at)
            ack = frames.Ack(message_ref(outcome.id), chat, at, "queued", client_id)
            self._subscriber.answer(ack)

    def refuse(self, ref: str | None, refusal: Refused) -> None:
        """A send is not carried out, or a change."""
        if self._subscriber is not None:
            self._say(refused(refusal, ref))

    def _received(self, principal: Principal, frame: frames.Received) -> None:
        if frame.positions is not None:
            self._parts.received(principal, frame.positions)
        elif frame.chat_id is not None and frame.seq is not None:
            self._parts.received_to(principal, frame.chat_id, frame.seq)
        else:
            raise Refused(Code.MALFORMED, "received needs chat_id and seq, or positions.")

    def _read(self, principal: Principal, frame: frames.Read) -> None:
        if frame.message_id is not None:
            if self._reads is None:
                self._reads = Reads(self._parts, lambda why: self._say(refused(why, None)))
            self._reads.add(principal, frame.message_id)
        elif frame.chat_id is not None and frame.seq is not None:
            self._parts.read_to(principal, frame.chat_id, frame.seq)
        else:
            raise Refused(Code.MALFORMED, "read needs chat_id and seq, or message_id.")

    def _typing(self, principal: Principal, frame: frames.Typing) -> None:
        if not self._parts.typing(principal, frame.chat_id, frame.is_typing):
            look_up = self._parts.look_up_typing(principal, frame.chat_id, frame.is_typing)
            self._parts.spawn(look_up)

    def _resume(self, frame: frames.Resume) -> None:
        positions, receipts = frame.positions, list(frame.receipts)
        if self._part is not None:
            earlier, earlier_receipts = self._part
            positions = {**earlier, **(positions or {})}
            receipts = earlier_receipts + receipts
        if positions is not None and len(positions) > MAX_POSITIONS:
            self._part = None
            raise Refused(Code.INVALID, f"resume has more than {MAX_POSITIONS} positions.")
        if frame.more:
            self._part = (positions or {}, receipts[: frames.MAX_RECEIPTS])
            return
        self._part = None
        places, me = (None, 0) if positions is None else self._parts.places(positions)
        chats = self._parts.chats(receipts[: frames.MAX_RECEIPTS])
        if self._subscriber is not None:
            self._parts.replays.resume(self._subscriber, places, me, chats)

    # ── answers ──

    def _answer(self, frame: object) -> None:
        """With what else a commit brings."""
        if self._subscriber is not None:
            self._subscriber.answer(frame)

    def _say(self, frame: object) -> None:
        """An answer outside a batch; joined with others of this turn of the loop."""
        version = MSGPACK if self._codec.binary else JSON
        self._connection.write_soon(self._parts.encoders[version](frame))
        if self._connection.buffered() > HARD_LIMIT:
            self._connection.close(Close.TRY_LATER, "answers are not read; reconnect to go on")
