"""What moves: the tasks that carry a session's commands to the transport and the storage.

reader    the connection's bytes → session; waits while the application's queue is full
pump      the session's commands, in order: store, then transmit; timers
calls     REST reads that the session asked for, a few at a time
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Final, TypeVar, assert_never

from hubbub_client.api import Api
from hubbub_client.clock import Clock, Timer
from hubbub_client.commands import (
    Command,
    Connect,
    Disconnect,
    ReadChat,
    ReadEvents,
    RenewToken,
    Save,
    Transmit,
)
from hubbub_client.errors import ClientClosed, Disconnected, SignedOut, TooLarge, Unreachable
from hubbub_client.events import MessageAccepted, SendFailed, State
from hubbub_client.pending import Pending
from hubbub_client.queue import EventQueue
from hubbub_client.session import Session
from hubbub_client.storage import Record, SendSaved, Storage
from hubbub_client.tokens import Account, Tokens
from hubbub_client.transport import Connection, Transport
from hubbub_protocol.codec import JSON, MSGPACK, Codec
from hubbub_protocol.codes import Close, Refused
from hubbub_protocol.frames import Send, ServerFrame

FRAME_BYTES: Final = 65_536  # a server's default; taken until it has said its own
READS: Final = 4  # REST reads at a time
BATCH: Final = 64  # frames read before other tasks have a turn
RENEWAL_PATIENCE: Final = 2.0  # seconds that leaving waits for a renewal under way

T = TypeVar("T")


class Engine:
    """The running parts of one client. `start` and `stop` belong to the same task."""

    def __init__(
        self,
        session: Session,
        account: Account,
        transport: Transport,
        storage: Storage,
        clock: Clock,
        codec: Codec[ServerFrame],
        capacity: int,
    ) -> None:
        self.session = session
        self.queue = EventQueue(capacity, self._taken)
        self.tokens = Tokens(account, transport, storage, self._spawn, clock.unix)
        self.api = Api(transport, self.tokens.access, self.tokens.renew)
        self._transport = transport
        self._storage = storage
        self._clock = clock
        self._codec = codec
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._wake = asyncio.Event()
        self._timer: Timer | None = None
        self._timer_at: float | None = None
        self._reads = asyncio.Semaphore(READS)
        self._reader: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._pendings: dict[str, Pending] = {}
        self._saving: dict[str, asyncio.Event] = {}
        self._checkpoint: list[Record] = []
        self._stopped = False

    # ── beginning and end ────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Begin to connect."""
        await self._group.__aenter__()
        self.session.start(self.tokens.access(), self._clock.now())
        self._spawn(self._pump())

    async def stop(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop all tasks, store what was taken, close storage and transport.

        Raises what a task of the client failed of (the storage's OSError, for instance).
        """
        self._stopped = True
        if kind is None and len(self.queue) == 0:
            self._taken()
        try:
            if kind is None:
                await self.tokens.settle(RENEWAL_PATIENCE)
        finally:
            for task in self._tasks:
                task.cancel()
            # An error of the application's own goes on as it is, not inside a group.
            own = kind is None or not issubclass(kind, asyncio.CancelledError)
            try:
                await self._group.__aexit__(*((None, None, None) if own else (kind, error, trace)))
            except BaseException:
                self._checkpoint.clear()  # what broke may be the storage
                raise
            finally:
                await self._release()

    async def _release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.queue.close()
        for pending in self._pendings.values():
            pending.resolve(None)
        for saving in self._saving.values():
            saving.set()
        try:
            if self._checkpoint:
                await self._storage.append(self._checkpoint, sync=False)
        finally:
            await self._storage.close()
            await self._transport.close()

    # ── the application's side ───────────────────────────────────────────────────────────────

    def act(self, action: Callable[[Session, float], None]) -> None:
        """Let the session do something, and see to what follows."""
        action(self.session, self._clock.now())
        self._follow()

    async def send(self, send: Send) -> Pending:
        """Put a message into the outbox; returns when it is stored.

        Raises OutboxFull, TooLarge, ClientClosed.
        """
        if self._stopped or self.session.state is State.CLOSED:
            raise ClientClosed("the client is closed")
        most = FRAME_BYTES if self.session.limits is None else self.session.limits.frame_bytes
        if (size := len(self._codec.encode(send))) > most:
            # The server would end the connection for it, each time that it comes.
            raise TooLarge(f"the message needs {size} bytes, the server takes {most}")
        saved = asyncio.Event()
        self.session.send(send, self._clock.now())
        pending = self._pendings[send.client_id] = Pending(send.client_id)
        self._saving[send.client_id] = saved
        self._follow()
        await saved.wait()
        return pending

    def _taken(self) -> None:
        # The application has finished with all events: what they told needs no replay.
        self._checkpoint += self.session.checkpoint()
        self._wake.set()

    def _follow(self) -> None:
        """After the session did something: hand out events, let the pump see to commands."""
        self._hand_out()
        self._wake.set()

    def _hand_out(self) -> None:
        events = self.session.take_events()
        for event in events:
            if isinstance(event, MessageAccepted | SendFailed):
                pending = self._pendings.pop(event.client_id, None)
                if pending is not None:
                    pending.resolve(event)
        self.queue.put(events)
        if self.session.state is State.CLOSED:
            self.queue.close()

    # ── the pump ─────────────────────────────────────────────────────────────────────────────

    async def _pump(self) -> None:
        while True:
            self._wake.clear()
            self.session.tick(self._clock.now())
            self._hand_out()
            if commands := self.session.take_commands():
                await self._carry_out(commands)
            elif self._checkpoint:
                records, self._checkpoint = self._checkpoint, []
                await self._storage.append(records, sync=False)
            else:
                self._arm()
                await self._wake.wait()

    def _arm(self) -> None:
        deadline = self.session.deadline(self._clock.now())
        if deadline == self._timer_at and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = deadline
        if deadline is not None:
            self._timer = self._clock.call_at(deadline, self._alarm)

    def _alarm(self) -> None:
        self._timer = self._timer_at = None
        self._wake.set()

    async def _carry_out(self, commands: Sequence[Command]) -> None:
        # Storing first is never wrong, and makes one fsync of many.
        await self._save([command for command in commands if isinstance(command, Save)])
        for command in commands:
            match command:
                case Save():
                    pass
                case Transmit(frame):
                    await self._transmit(self._codec.encode(frame))
                case Connect():
                    self._reader = self._spawn(self._serve())
                case Disconnect():
                    self._hang_up()
                case ReadEvents():
                    self._spawn(self._read_events(command))
                case ReadChat():
                    self._spawn(self._read_chat(command))
                case RenewToken(stale):
                    self._spawn(self._renew(stale))
                case _:
                    assert_never(command)

    async def _save(self, saves: Sequence[Save]) -> None:
        records = [record for save in saves for record in save.records]
        if records:
            await self._storage.append(records, any(save.sync for save in saves))
            for record in records:
                if isinstance(record, SendSaved):
                    self._saving.pop(record.send.client_id).set()

    def _hang_up(self) -> None:
        self._connection = None
        if self._reader is not None:
            self._reader.cancel()  # it closes the connection
            self._reader = None

    async def _transmit(self, payload: bytes) -> None:
        connection = self._connection
        if connection is not None:
            try:
                await connection.send(payload)
            except Disconnected:
                # The reader hears of it with the close code; the next connection sends again.
                if self._connection is connection:
                    self._connection = None

    # ── the other tasks ──────────────────────────────────────────────────────────────────────

    async def _serve(self) -> None:
        """One connection, from dialing to its end."""
        subprotocol = MSGPACK if self._codec.binary else JSON
        try:
            connection = await self._transport.connect(subprotocol, self.tokens.signed_in.user.id)
        except Unreachable as error:
            why, after = str(error), error.retry_after
            self.act(lambda session, now: session.closed(Close.LOST, why, now, after))
            return
        try:
            self._connection = connection
            self.act(lambda session, now: session.opened(now))
            await self._read(connection)
        except Disconnected as gone:
            if self._connection is connection:
                self._connection = None
            code, reason = gone.code, gone.reason
            self.act(lambda session, now: session.closed(code, reason, now))
        finally:
            await connection.close(Close.NORMAL)

    async def _read(self, connection: Connection) -> None:
        frames = 0
        while True:
            await self.queue.room()
            payload = await connection.receive()
            self.session.receive(payload, self._clock.now())
            self._follow()
            frames += 1
            if frames % BATCH == 0:  # a connection that never runs dry must not starve the rest
                await asyncio.sleep(0)

    async def _read_events(self, command: ReadEvents) -> None:
        log, ticket = command.log, command.ticket
        code, after = None, None
        try:
            async with self._reads:
                await self.queue.room()
                page = await self.api.events(log, command.after)
        except Refused as refused:
            code, after = refused.code, refused.retry_after
        except Unreachable as error:
            after = error.retry_after
        except SignedOut as gone:
            self._signed_out(gone)
            return
        else:
            self.act(lambda session, now: session.page(log, ticket, page, now))
            return
        self.act(lambda session, now: session.page_failed(log, ticket, code, after, now))

    async def _read_chat(self, command: ReadChat) -> None:
        try:
            async with self._reads:
                record = await self.api.chat(command.chat_id)
        except (Refused, Unreachable) as error:
            if isinstance(error, Unreachable) or error.code.retryable:
                self.act(lambda session, now: session.chat_not_read(command.chat_id, now))
            return
        except SignedOut as gone:
            self._signed_out(gone)
            return
        self.act(lambda session, _: session.learn([record]))

    async def _renew(self, stale: str) -> None:
        try:
            token = await self.tokens.renew(stale)
        except SignedOut as gone:
            self._signed_out(gone)
        except Unreachable as error:
            after = error.retry_after
            self.act(lambda session, now: session.renew_failed(False, now, after))
        else:
            self.act(lambda session, now: session.renewed(token, now))

    def _signed_out(self, gone: SignedOut) -> None:
        reason = str(gone) or "Signed out"
        self.act(lambda session, _: session.stop(reason))

    def _spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
