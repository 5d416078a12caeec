"""One session that comes back to many messages."""

import json
import socket
import statistics
from collections import Counter

from bench.context import Context, Ground
from bench.load.reactor import Reactor, clock
from bench.load.sessions import Broken, Crowd, Session, hello
from bench.plan import ChatPlan, Plan
from bench.row import Row, Scale
from bench.scenarios.common import resume_frame


class _Returning(Session):
    """Keeps what it is told, and looks at it later."""

    __slots__ = ("last", "told")

    def __init__(self, reactor: Reactor, sock: socket.socket, hello: bytes, resume: bytes) -> None:
        super().__init__(reactor, sock, hello, resume)
        self.told: list[bytes] = []
        self.last = 0.0

    def step(self, payload: bytes) -> None:
        if payload.startswith(b'{"type":"message"'):
            self.told.append(payload)
            self.last = clock()
        else:
            super().step(payload)


def ten_thousand(context: Context) -> Row:
    """10,000 in 20 chats."""
    row = Row("missed_10000", "10,000 missed messages in 20 chats to one session", "0.5 s", "0.3 s")
    seconds = _measure(context, row, chats=20, each=500)
    row.measured = f"{seconds:.2f} s"
    row.verdict = Scale(0.5, 0.3, "s", less=True).verdict(seconds)
    return row


def thousand(context: Context) -> Row:
    """1,000 in one chat."""
    row = Row(
        "missed_1000", "1,000 missed messages to one session, connect → last", "60 ms", "≤ 20 ms"
    )
    seconds = _measure(context, row, chats=1, each=1000)
    row.measured = f"{seconds * 1000:.1f} ms"
    row.verdict = Scale(0.06, 0.02, "s", less=True).verdict(seconds)
    return row


def _measure(context: Context, row: Row, chats: int, each: int) -> float:
    """The median of seconds from connect to the last message; to caught_up is in the notes."""
    plan = Plan(1 + chats, 1, [ChatPlan((0, 1 + i), each, behind=(0,)) for i in range(chats)])
    lasts, wholes = [], []
    with context.ground(plan, read_size=262_144) as ground:
        for _ in range(context.pick(11, 5)):
            last, whole = _come_back(ground, each)
            lasts.append(last)
            wholes.append(whole)
    row.values = {"seconds": statistics.median(lasts), "all": lasts}
    row.notes.append(
        "connect → last, ms: "
        + ", ".join(f"{one * 1000:.1f}" for one in lasts)
        + f"; to caught_up {statistics.median(wholes) * 1000:.1f} (median)"
    )
    context.say(f"{row.name}: {row.notes[-1]}")
    return statistics.median(lasts)


def _come_back(ground: Ground, each: int) -> tuple[float, float]:
    world, address = ground.world, ground.address
    resume = resume_frame(dict.fromkeys(world.chats, 0) | {"me": len(world.chats)})
    start = clock()
    (session,) = Crowd(ground.reactor, address).open(
        1,
        lambda _, sock: _Returning(ground.reactor, sock, hello(address, world.tokens[0]), resume),
    )
    whole = clock() - start
    session.close()
    places: Counter[str] = Counter()
    for payload in session.told:
        message = json.loads(payload)
        if message["seq"] != places[message["chat_id"]] + 1:
            raise Broken(f"{message['chat_id']}: {message['seq']} after {places}")
        places[message["chat_id"]] += 1
    if places != dict.fromkeys(world.chats, each):
        raise Broken(f"{len(session.told)} of {each * len(world.chats)} messages came")
    return session.last - start, whole
