"""The running client on a transport in memory: tasks, order, storage, tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import TypeVar

import pytest
from msgspec.structs import asdict, replace

from hubbub_client import (
    ChatAdded,
    Client,
    ClientClosed,
    ConnectionChanged,
    Event,
    GapFound,
    MessageAccepted,
    MessageArrived,
    Options,
    SendRefused,
    SignedOut,
    State,
    WrongAccount,
)
from hubbub_client.errors import Disconnected, TooLarge, Unreachable
from hubbub_client.storage import PlaceSaved, SendSaved, SendSettled, TokensSaved
from hubbub_protocol import ids
from hubbub_protocol.accounts import Account
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.frames import (
    ME,
    Ack,
    Auth,
    Error,
    Gap,
    Me,
    Read,
    Received,
    Resume,
    Send,
    TokenExpiring,
    Typing,
)
from hubbub_protocol.rest import Chat, EventPage, Problem, Receipts, SignedIn
from tests.support.wait import eventually
from tests.unit.client.fakes import FakeClock, FakeTransport, WatchedStorage
from tests.unit.client.peers import ANN, BEN, CHAT, TIME, WELCOME, message, signed_in

T = TypeVar("T", bound=Event)

JOINED = Me(1, "chat", CHAT, joined_seq=1)


class Bench:
    """A client with everything around it."""

    def __init__(self, options: Options | None = None) -> None:
        self.transport = FakeTransport()
        self.storage = WatchedStorage()
        self.clock = FakeClock()
        self.options = options

    def make(self) -> Client:
        return Client(
            "http://nowhere",
            transport=self.transport,
            storage=self.storage,
            random=Random(1),
            clock=self.clock,
            options=self.options,
        )

    @asynccontextmanager
    async def live(self) -> AsyncIterator[Client]:
        client = self.make()
        await client.use_tokens(signed_in())
        async with client:
            connection = await self.transport.connection()
            await connection.go_live(JOINED, positions={ME: 1, CHAT: 0})
            await eventually(lambda: client.state is State.LIVE, "live")
            yield client

    async def pass_time(self, client: Client, state: State) -> None:
        """Once the client rests in this state, move the clock to its next deadline."""

        def rests() -> bool:
            alarm = self.clock.alarm
            deadline = client.session.deadline(self.clock.now())
            return client.state is state and alarm is not None and alarm == deadline

        await eventually(rests, f"resting while {state}")
        alarm = self.clock.alarm
        assert alarm is not None
        self.clock.advance(alarm - self.clock.now())


async def first(client: Client, kind: type[T]) -> T:
    async for event in client.events():
        if isinstance(event, kind):
            return event
    raise AssertionError(f"no {kind.__name__}")


async def take_one(events: AsyncIterator[Event]) -> Event:
    return await anext(events)


async def test_sends_and_hears() -> None:
    bench = Bench()
    async with bench.live() as client:
        connection = bench.transport.connections[0]
        pending = await client.send("Hello!", recipient_ids=[BEN])
        send = await connection.hear(Send)
        assert (send.client_id, send.content, send.recipient_ids) == (
            pending.client_id,
            "Hello!",
            [BEN],
        )
        connection.say(Ack(ids.text("msg", 1), CHAT, TIME, client_id=send.client_id))
        assert await pending == MessageAccepted(send.client_id, ids.text("msg", 1), CHAT, TIME)
        connection.say(message(1, sender=ANN), message(2))
        assert (await first(client, MessageArrived)).message.seq == 1
        assert (await first(client, MessageArrived)).message.seq == 2
        assert [m.seq for m in client.messages(CHAT)] == [1, 2]
        assert client.status(client.messages(CHAT)[0]) == "sent"
        assert client.unread(CHAT) == 1
        client.mark_read(CHAT, 2)
        client.typing(CHAT)
        assert await connection.hear(Read) == Read(CHAT, 2)
        assert await connection.hear(Typing) == Typing(CHAT)
        await eventually(lambda: Received(positions={CHAT: 2}) in connection.heard, "received")
    assert connection.closed_with == 1000
    assert bench.transport.closed
    assert bench.storage.closed


async def test_tells_what_waits_and_what_the_server_takes() -> None:
    bench = Bench()
    async with bench.live() as client:
        connection = bench.transport.connections[0]
        assert client.limits == WELCOME.limits
        pending = await client.send("Later", chat_id=CHAT)
        assert [(s.client_id, s.content) for s in client.waiting()] == [
            (pending.client_id, "Later")
        ]
        connection.say(Ack(ids.text("msg", 1), CHAT, TIME, client_id=pending.client_id))
        await pending
        assert client.waiting() == []


async def test_learns_from_a_chat_that_it_reads() -> None:
    bench = Bench()
    async with bench.live() as client:
        mine = message(1, sender=ANN, recipient_ids=[])
        bench.transport.connections[0].say(mine)
        await first(client, MessageArrived)
        bench.transport.routes["GET", f"/api/v1/chats/{CHAT}"] = Chat(
            CHAT, "group", TIME, 3, "member", 1, TIME, receipts=Receipts(delivered=1, read=1)
        )
        assert (await client.chat(CHAT)).member_count == 3
        assert client.status(mine) == "read"


async def test_speaks_msgpack() -> None:
    bench = Bench(Options(binary=True))
    async with bench.live() as client:
        bench.transport.connections[0].say(message(1))
        assert (await first(client, MessageArrived)).message == message(1)


async def test_send_is_stored_before_the_socket_has_it() -> None:
    bench = Bench()
    async with bench.live() as client, asyncio.TaskGroup() as group:
        connection = bench.transport.connections[0]
        bench.storage.gate.clear()
        sending = group.create_task(client.send("x", chat_id=CHAT))
        connection.say(message(1))  # reading goes on meanwhile
        await eventually(lambda: len(client.messages(CHAT)) == 1, "the message")
        assert connection.of(Send) == []
        assert not sending.done()
        bench.storage.gate.set()
        pending = await sending
        saved = [r.send.client_id for r in bench.storage.records if isinstance(r, SendSaved)]
        assert saved == [pending.client_id]
        await connection.hear(Send)


async def test_outbox_survives_the_process() -> None:
    bench = Bench()
    async with bench.live() as client:
        pending = await client.send("x", chat_id=CHAT)
        await bench.transport.connections[0].hear(Send)
    with pytest.raises(ClientClosed):
        await pending
    async with bench.make() as client:
        connection = await bench.transport.connection(2)
        await connection.go_live()
        send = await connection.hear(Send)
        assert send.client_id == pending.client_id
        connection.say(message(1, sender=ANN, client_id=send.client_id))
        assert (await first(client, MessageAccepted)).client_id == send.client_id
        await eventually(
            lambda: SendSettled(send.client_id) in bench.storage.records, "settled in storage"
        )


async def test_refused_send_raises() -> None:
    bench = Bench()
    async with bench.live() as client:
        pending = await client.send("x", chat_id=CHAT)
        bench.transport.connections[0].say(Error("cannot_message", "No.", pending.client_id))
        with pytest.raises(SendRefused) as refused:
            await pending
        assert refused.value.refusal.code is Code.CANNOT_MESSAGE


async def test_what_no_frame_holds_is_not_taken() -> None:
    bench = Bench()
    async with bench.live() as client:
        with pytest.raises(TooLarge, match="bytes, the server takes"):
            await client.send("x" * 70_000, chat_id=CHAT)
        assert client.waiting() == []
        assert not [r for r in bench.storage.records if isinstance(r, SendSaved)]


async def test_reconnects_resumes_and_sends_again() -> None:
    bench = Bench()
    async with bench.live() as client:
        one = bench.transport.connections[0]
        one.say(message(1))
        pending = await client.send("x", chat_id=CHAT)
        await one.hear(Send)
        bench.transport.unreachable = True
        one.say(Disconnected(1006, ""))
        await eventually(lambda: client.state is State.WAITING, "waiting")
        assert one.closed_with is not None
        for dials in (2, 3, 4):  # still no route
            await bench.pass_time(client, State.WAITING)
            await bench.transport.dialed(dials)
        bench.transport.unreachable = False
        await bench.pass_time(client, State.WAITING)
        two = await bench.transport.connection(2)
        await two.go_live(message(2, sender=ANN, client_id=pending.client_id))
        assert (await two.hear(Resume)).positions == {ME: 1, CHAT: 1}
        assert (await two.hear(Send)).client_id == pending.client_id
        assert (await pending).client_id == pending.client_id
        texts = []
        async for event in client.events():
            if isinstance(event, ConnectionChanged):
                texts.append(event.text)
                if event.state is State.LIVE and len(texts) > 6:
                    break
        assert "Network error; retrying" in texts


async def test_silent_server_is_given_up() -> None:
    bench = Bench()
    client = bench.make()
    await client.use_tokens(signed_in())
    async with client:
        connection = await bench.transport.connection()
        await connection.hear(Auth)
        await bench.pass_time(client, State.AUTHENTICATING)
        await eventually(lambda: connection.closed_with is not None, "closed")
        await bench.pass_time(client, State.WAITING)
        await bench.transport.connection(2)


async def test_hole_is_read_by_rest() -> None:
    bench = Bench()
    path = f"/api/v1/chats/{CHAT}/events"
    bench.transport.routes["GET", path] = EventPage([message(1), message(2), message(3)], 3, False)
    async with bench.live() as client:
        bench.transport.connections[0].say(message(3), message(4))
        await eventually(lambda: len(client.messages(CHAT)) == 4, "all four")
        assert [(c[1], c[2]) for c in bench.transport.calls] == [
            (path + "?after=0&limit=200", "t1")
        ]


async def test_failed_read_is_repeated() -> None:
    bench = Bench()
    path = f"/api/v1/chats/{CHAT}/events"
    problem = Problem("Busy", 503, "overloaded", "Try again.", retry_after=2.0)
    bench.transport.routes["GET", path] = (503, problem)
    async with bench.live() as client:
        bench.transport.connections[0].say(message(2))
        await eventually(lambda: bench.clock.alarm is not None, "a timer")
        bench.transport.routes["GET", path] = EventPage([message(1), message(2)], 2, False)
        await bench.pass_time(client, State.LIVE)
        await eventually(lambda: len(client.messages(CHAT)) == 2, "both")


async def test_slow_application_stops_the_reading() -> None:
    bench = Bench(Options(queue=20))
    async with bench.live() as client:
        connection = bench.transport.connections[0]
        connection.say(*(message(n) for n in range(1, 101)))
        await eventually(lambda: connection.received >= 15, "some frames")
        await client.send("x", chat_id=CHAT)  # sending goes on, and gives the reader its turns
        await connection.hear(Send)
        assert connection.received <= 25
        seqs = []
        async for event in client.events():
            if isinstance(event, MessageArrived):
                seqs.append(event.message.seq)
                if len(seqs) == 100:
                    break
        assert seqs == list(range(1, 101))


async def test_places_are_stored_once_the_application_has_the_events() -> None:
    bench = Bench()
    async with bench.live() as client:
        bench.transport.connections[0].say(message(1))
        events = client.events()
        async for event in events:
            if isinstance(event, MessageArrived):
                break
        await eventually(lambda: len(client.messages(CHAT)) == 1, "held")
        assert PlaceSaved(CHAT, 1) not in bench.storage.records  # the application has it in hand
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(take_one(events))
            await eventually(lambda: PlaceSaved(CHAT, 1) in bench.storage.records, "stored")
            bench.transport.connections[0].say(message(2))
            await asking
    assert PlaceSaved(CHAT, 2) in bench.storage.records


async def test_errors_of_the_application_pass_as_they_are() -> None:
    bench = Bench()
    with pytest.raises(ZeroDivisionError):
        async with bench.live():
            raise ZeroDivisionError
    assert bench.storage.closed


async def test_broken_storage_ends_the_client() -> None:
    bench = Bench()

    async def send() -> None:
        async with bench.live() as client:
            bench.storage.error = OSError("disk full")
            await client.send("x", chat_id=CHAT)

    with pytest.raises(BaseExceptionGroup) as failed:
        await send()
    assert failed.group_contains(OSError, match="disk full")


async def test_signs_in_and_keeps_the_account() -> None:
    bench = Bench()
    bench.transport.routes["POST", "/api/v1/auth/login"] = signed_in()
    client = await Client.login(
        "http://nowhere", "ann", "secret123", storage=bench.storage, transport=bench.transport
    )
    assert bench.storage.records == [TokensSaved(signed_in())]
    with pytest.raises(RuntimeError):
        client.typing(CHAT)
    other = signed_in()
    other.user.id = BEN
    with pytest.raises(WrongAccount):
        await bench.make().use_tokens(other)
    problem = Problem("No", 401, "bad_credentials", "Wrong password.")
    bench.transport.routes["POST", "/api/v1/auth/register"] = (401, problem)
    with pytest.raises(Refused) as refused:
        await Client.register("http://nowhere", "ann", "secret123", transport=bench.transport)
    assert refused.value.code is Code.BAD_CREDENTIALS


async def test_needs_a_sign_in() -> None:
    bench = Bench()
    with pytest.raises(SignedOut):
        await bench.make().__aenter__()
    assert bench.storage.closed


def refreshing(bench: Bench) -> list[bytes]:
    """Serve `refresh`: each token works once."""
    used: list[bytes] = []

    def refresh(path: str, token: str | None, body: bytes) -> SignedIn:
        used.append(body)
        n = len(used) + 1
        return signed_in(f"t{n}", f"r{n}")

    bench.transport.routes["POST", "/api/v1/auth/refresh"] = refresh
    return used


async def test_expired_token_is_renewed_before_connecting() -> None:
    bench = Bench()
    used = refreshing(bench)
    client = bench.make()
    await client.use_tokens(signed_in(expires="2020-01-01T00:00:00.000Z"))
    async with client:
        connection = await bench.transport.connection()
        assert await connection.hear(Auth) == Auth("t2")
        assert used == [b'{"refresh_token":"r1"}']
        assert TokensSaved(signed_in("t2", "r2")) in bench.storage.records


async def test_token_is_renewed_when_told_and_on_401() -> None:
    bench = Bench()
    used = refreshing(bench)
    user = Account(**asdict(signed_in().user))
    unauthorized = (401, Problem("No", 401, "unauthorized", "Expired."))
    bench.transport.routes["GET", "/api/v1/me"] = lambda path, token, body: (
        user if token != "t1" else unauthorized
    )
    async with bench.live() as client, asyncio.TaskGroup() as group:
        connection = bench.transport.connections[0]
        connection.say(TokenExpiring(TIME))
        calls = [group.create_task(client.api.me()) for _ in range(5)]
        assert await connection.hear(Auth, 2) == Auth("t2")
        assert [await call for call in calls] == [user] * 5
        assert used == [b'{"refresh_token":"r1"}']  # one renewal for all


class Application:
    """A host application: gives tokens, of whom it says, or raises."""

    def __init__(self, bench: Bench) -> None:
        self.given = 0
        self.trouble: Exception | None = None
        self.answer: object = signed_in().user
        bench.transport.routes["GET", "/api/v1/me"] = lambda *_: self.answer

    async def token(self) -> str:
        if self.trouble is not None:
            raise self.trouble
        self.given += 1
        return f"host{self.given}"


def hosted(bench: Bench, application: Application) -> Client:
    return Client(
        "http://nowhere",
        transport=bench.transport,
        storage=bench.storage,
        random=Random(1),
        clock=bench.clock,
        token=application.token,
    )


async def test_tokens_of_a_host_application() -> None:
    bench = Bench()
    application = Application(bench)
    async with hosted(bench, application) as client:
        connection = await bench.transport.connection()
        assert client.user == signed_in().user
        assert await connection.hear(Auth) == Auth("host1")
        connection.say(TokenExpiring(TIME))
        assert await connection.hear(Auth, 2) == Auth("host2")
    stored = [
        record.signed_in for record in bench.storage.records if isinstance(record, TokensSaved)
    ]
    assert [each and (each.token, each.refresh_token) for each in stored] == [("", "")]
    # The next time the storage knows who it is: nothing is asked before it is entered.
    bench.transport.unreachable, application.trouble = True, OSError("down")
    async with hosted(bench, application) as client:
        assert client.user == signed_in().user
        await bench.pass_time(client, State.WAITING)
        bench.transport.unreachable, application.trouble = False, ValueError("still down")
        await bench.pass_time(client, State.WAITING)
        application.trouble = None
        connection = await bench.transport.connection(2)
        assert await connection.hear(Auth) == Auth("host3")


@pytest.mark.parametrize("end", ["signed out", "refused", "another"])
async def test_a_host_application_without_a_token_for_good(end: str) -> None:
    bench = Bench()
    application = Application(bench)
    async with hosted(bench, application) as client:
        connection = await bench.transport.connection()
        await connection.go_live(JOINED, positions={ME: 1, CHAT: 0})
        if end == "signed out":
            application.trouble = SignedOut("signed out there")
        elif end == "refused":
            application.answer = 401, Problem("No", 401, "unauthorized", "Ended.")
        else:
            application.answer = replace(signed_in().user, id="user_0000000000009")
        connection.say(Disconnected(4401, "ended"))
        states = [e.state async for e in client.events() if isinstance(e, ConnectionChanged)]
        assert states[-1] is State.CLOSED
    assert bench.storage.records[-1] == TokensSaved(None)


async def test_a_host_application_that_cannot_be_asked_at_first() -> None:
    for trouble, kind in (
        (OSError("down"), Unreachable),
        (SignedOut("nobody"), SignedOut),
        (Unreachable("down"), Unreachable),
    ):
        bench = Bench()
        application = Application(bench)
        application.trouble = trouble
        with pytest.raises(kind):
            await hosted(bench, application).__aenter__()
        assert bench.storage.closed
        assert bench.transport.closed
        assert bench.storage.records == []
    bench = Bench()
    application = Application(bench)
    application.answer = 401, Problem("No", 401, "unauthorized", "Not for us.")
    with pytest.raises(Refused, match="Not for us"):
        await hosted(bench, application).__aenter__()


async def test_revoked_session_ends() -> None:
    bench = Bench()
    problem = Problem("No", 401, "unauthorized", "Revoked.")
    bench.transport.routes["POST", "/api/v1/auth/refresh"] = (401, problem)
    async with bench.live() as client:
        bench.transport.connections[0].say(Disconnected(4401, "revoked"))
        states = [e.state async for e in client.events() if isinstance(e, ConnectionChanged)]
        assert states[-1] is State.CLOSED  # and the events end
        with pytest.raises(ClientClosed):
            await client.send("x", chat_id=CHAT)
    assert TokensSaved(None) in bench.storage.records


async def test_missed_ranges_are_read_when_wanted() -> None:
    bench = Bench()
    path = f"/api/v1/chats/{CHAT}/events"

    def events(where: str, token: str | None, body: bytes | None) -> EventPage:
        if "after=0&" in where:
            return EventPage([message(1), message(2)], 2, True)
        return EventPage([message(3), message(9)], 9, False)

    bench.transport.routes["GET", path] = events
    client = bench.make()
    await client.use_tokens(signed_in())
    async with client:
        connection = await bench.transport.connection()
        await connection.go_live(JOINED, Gap(CHAT, 1, 8), message(9), positions={CHAT: 9})
        assert await first(client, GapFound) == GapFound(CHAT, 1, 8)
        assert [m.seq async for m in client.missed(CHAT)] == [1, 2, 3]
        assert [m.seq async for m in client.missed(CHAT)] == []


async def test_chats_arrive_as_events() -> None:
    bench = Bench()
    async with bench.live() as client:
        assert await first(client, ChatAdded) == ChatAdded(CHAT)
