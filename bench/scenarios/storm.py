"""Everybody comes back at once."""

import time

from bench import limits
from bench.context import Context, Ground
from bench.load.reactor import Address, Reactor, clock
from bench.load.sessions import Crowd, Session, check, hello
from bench.plan import ChatPlan, Plan, World
from bench.row import Row, Scale
from bench.scenarios.common import make_bare, resume_frame
from bench.server import Server

NAME = "storm"
WHAT = "reconnect storm: sign in, resume with 2 changed chats of 10, caught_up"
SCALE = Scale(1800, 0.6, "sessions/s")
_REACH = 5
_ROUNDS = 3
_IN_FLIGHT = 500


def run(context: Context) -> Row:
    """Sessions whose client says where it is, against handshakes that never sign in."""
    row = Row(NAME, WHAT, "1,800 sessions/s", "≥ 0.6 of bare handshakes")
    plan = world_of(context)
    with context.ground(plan) as ground:
        rate, bound = rounds(context, ground, row)
    row.verdict = "goal" if rate >= 0.6 * bound else "floor" if rate >= 1800 else "BELOW FLOOR"
    row.notes.append(f"bare handshakes of a {_limit(plan.sessions)}")
    return row


def world_of(context: Context) -> Plan:
    """Users with ten direct chats each."""
    count = context.pick(5_000, 1_000)
    chats = [ChatPlan((i, (i + s) % count), 2) for s in range(1, _REACH + 1) for i in range(count)]
    return Plan(count, count, chats)


def rounds(context: Context, ground: Ground, row: Row) -> tuple[float, float]:
    """Sessions and bare handshakes a second, the medians; the row tells of each round."""
    count = len(ground.world.tokens)
    frames = _resumes(ground.world, count)
    bare, storm = [], []
    for _ in range(_ROUNDS):
        bare.append(_bare(ground, count))
        ground.server.begin()
        rate, cpu = _storm(ground, frames)
        storm.append(rate)
        text = f"{rate:,.0f} sessions/s; {ground.server.cpu()}; generator {cpu:.0%} CPU"
        row.notes.append(f"{text}; bare handshakes {bare[-1]:,.0f}/s")
        context.say(row.notes[-1])
    rate, bound = sorted(storm)[_ROUNDS // 2], sorted(bare)[_ROUNDS // 2]
    row.measured = f"{rate:,.0f} sessions/s"
    row.ratio = f"{rate / bound:.2f} of {bound:,.0f}/s bare handshakes"
    row.load = f"{cpu:.0%} CPU"
    row.values = {"sessions_per_second": rate, "bare": bound}
    return rate, bound


def _resumes(world: World, count: int) -> list[bytes]:
    """Each user's `resume`: everything seen but the newest message of two of his ten chats."""
    frames = []
    for i in range(count):
        chats = []
        for step in range(_REACH):
            chats += [step * count + i, step * count + (i - step - 1) % count]
        positions = {world.chats[chat]: 2 for chat in chats}
        positions[world.chats[chats[0]]] = positions[world.chats[chats[1]]] = 1
        frames.append(resume_frame(positions | {"me": 2 * _REACH}))
    return frames


def _storm(ground: Ground, frames: list[bytes]) -> tuple[float, float]:
    """Sessions a second, and the generator's share of a core."""
    address, reactor, tokens = ground.address, ground.reactor, ground.world.tokens
    start, cpu = clock(), time.process_time()
    sessions = Crowd(reactor, address, in_flight=_IN_FLIGHT).open(
        len(frames),
        lambda i, sock: Session(reactor, sock, hello(address, tokens[i]), frames[i]),
    )
    wall = clock() - start
    used = time.process_time() - cpu
    for session in sessions:
        if session.replayed != 2:
            session.fail(f"a session was told {session.replayed} messages instead of 2")
        session.close()
    check(reactor)
    return len(sessions) / wall, used / wall


def _bare(ground: Ground, count: int) -> float:
    start = clock()
    sessions = Crowd(ground.reactor, ground.address, in_flight=_IN_FLIGHT).open(
        count, make_bare(ground.reactor, ground)
    )
    wall = clock() - start
    for session in sessions:
        session.close()
    return count / wall


def _limit(count: int) -> str:
    with limits.running() as bare:
        reactor = Reactor()
        try:
            ground = Ground(Server(bare.url), Address.of(bare.url), World([], [], []), reactor)
            return f"{bare.kind} server: {_bare(ground, count):,.0f}/s"
        finally:
            reactor.close()
