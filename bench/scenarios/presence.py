"""Everybody comes back at once, each with a direct chat on the screen."""

import socket
from collections.abc import Callable

from bench.context import Context, Ground
from bench.load import wire
from bench.load.reactor import Reactor, clock
from bench.load.sessions import Crowd, Session, check, hello
from bench.plan import ChatPlan, Plan
from bench.row import Row

NAME = "presence"
WHAT = "reconnect storm of 15,000 sessions that look at a direct chat: cost of presence"
_ROUNDS = 3
_IN_FLIGHT = 500
_SETTLED = 30
"""Seconds until everybody is to know of everybody."""


class Looking(Session):
    """Focuses on a chat once it has caught up; `sees`: whether the other is here."""

    __slots__ = ("focus", "sees")

    def __init__(self, reactor: Reactor, sock: socket.socket, hello: bytes, focus: bytes) -> None:
        super().__init__(reactor, sock, hello)
        self.focus = focus
        self.sees = False

    def caught_up(self) -> None:
        if self.focus:
            self.write(self.focus)

    def text(self, payload: bytes) -> None:
        if payload.startswith(b'{"type":"presence"'):
            self.sees = b'"status":"online"' in payload


def run(context: Context) -> Row:
    """The same storm in turn with nobody looking, and with everybody looking at his partner."""
    row = Row(NAME, WHAT, "–", "–")
    count = context.pick(15_000, 2_000)
    chats = [ChatPlan((i, i + 1), 2) for i in range(0, count, 2)]
    plain: list[tuple[float, float]] = []
    looking: list[tuple[float, float]] = []
    with context.ground(Plan(count, count, chats)) as ground:
        for _ in range(_ROUNDS):
            for looks, found in ((False, plain), (True, looking)):
                found.append(_storm(ground, count, looks))
                rate, cpu = found[-1]
                what = "looking" if looks else "nobody looks"
                row.notes.append(f"{what}: {rate:,.0f} sessions/s, {cpu * 1e6:.0f} µs CPU each")
                context.say(row.notes[-1])
    rate, cpu = sorted(looking)[_ROUNDS // 2]
    bare_rate, bare_cpu = sorted(plain)[_ROUNDS // 2]
    row.measured = f"{(cpu - bare_cpu) * 1e6:.0f} µs CPU a session"
    row.ratio = f"{rate:,.0f} sessions/s, {rate / bare_rate:.2f} of those that look at nobody"
    row.values = {"cpu_us": (cpu - bare_cpu) * 1e6, "sessions_per_second": rate, "bare": bare_rate}
    row.notes.append("CPU of server and store, until each knows that the other is here")
    return row


def _storm(ground: Ground, count: int, looks: bool) -> tuple[float, float]:
    """Sessions a second until everybody is there and known, the server's CPU seconds for each."""
    start, before = clock(), ground.server.cpu_seconds()
    sessions = Crowd(ground.reactor, ground.address, in_flight=_IN_FLIGHT).open(
        count, _maker(ground, looks)
    )
    if looks and not ground.reactor.run_until(lambda: all(s.sees for s in sessions), _SETTLED):
        blind = sum(not session.sees for session in sessions)
        sessions[0].fail(f"{blind} of {count} were not told that the other is here")
    check(ground.reactor)
    wall, cpu = clock() - start, ground.server.cpu_seconds() - before
    for session in sessions:
        session.close()
    return count / wall, cpu / count


def _maker(ground: Ground, looks: bool) -> Callable[[int, socket.socket], Looking]:
    world, address = ground.world, ground.address

    def make(number: int, sock: socket.socket) -> Looking:
        chat = world.chats[number // 2].encode()
        focus = wire.frame(b'{"type":"focus","chat_ids":["%s"]}' % chat) if looks else b""
        return Looking(ground.reactor, sock, hello(address, world.tokens[number]), focus)

    return make
