"""From nothing to the first message."""

import socket
import statistics
import time
from pathlib import Path

from bench import net, server
from bench.context import Context
from bench.load.pairs import Side, Tally
from bench.load.reactor import Address, Reactor, clock
from bench.load.sessions import Broken, Crowd, check, hello
from bench.plan import ChatPlan, Plan, World
from bench.row import Row, Scale

NAME = "start"
WHAT = "process start → first message delivered"
SCALE = Scale(2, 0.5, "s", less=True)


def run(context: Context) -> Row:
    """The median of several starts; two clients knock until somebody opens."""
    row = Row(NAME, WHAT, "2 s", "0.5 s")
    context.local_only("it is started")
    with context.data(Plan(2, 2, [ChatPlan((0, 1))])) as (data, world):
        _start(data, world)  # reads the program from the disk; not counted
        taken = [_start(data, world) for _ in range(context.pick(7, 3))]
    seconds = statistics.median(one[1] for one in taken)
    listening = statistics.median(one[0] for one in taken)
    row.measured = f"{seconds:.2f} s"
    row.verdict = SCALE.verdict(seconds)
    row.values = {"seconds": seconds, "listening": listening}
    row.notes.append(f"it listened after {listening:.3f} s; all: {[round(t[1], 3) for t in taken]}")
    context.say(row.notes[-1])
    return row


def _start(data: Path, world: World) -> tuple[float, float]:
    """Seconds until somebody listens, and until the message is there."""
    port = net.free_port()
    reactor = Reactor()
    start = clock()
    process = server.spawn(port, data, data.parent / "server.log")
    try:
        _knock(port, start)
        listening = clock() - start
        address = Address.of(f"http://127.0.0.1:{port}")
        sides = Crowd(reactor, address).open(
            2,
            lambda i, sock: Side(reactor, sock, hello(address, world.tokens[i]), world.chats[0], i),
        )
        tally = Tally(1, 1)
        for side in sides:
            side.begin(tally)
        sides[0].send(0)
        if not reactor.run_until(lambda: tally.delivered[0] == 1, 10):
            raise Broken("the message was not delivered within 10 s")
        whole = clock() - start
        check(reactor)
        return listening, whole
    finally:
        reactor.close()
        server.stop(process)


def _knock(port: int, start: float) -> None:
    while clock() - start < 30:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.001)
    raise Broken("nobody listened within 30 s")
