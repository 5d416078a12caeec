"""Memory of an idle session."""

from bench.context import Context
from bench.load.pairs import Pairs, Side
from bench.load.reactor import clock
from bench.load.sessions import Crowd, hello
from bench.machine import pss
from bench.plan import ChatPlan, Plan
from bench.row import Row, Scale
from bench.scenarios.common import describe

NAME = "memory"
WHAT = "memory of an idle session, 10 chats, a message each way; 15,000 connections"
SCALE = Scale(12, 7, "KB", less=True)
_REACH = 5  # chats with so many neighbours on each side


def run(context: Context) -> Row:
    """PSS of all server processes with the sessions less PSS of the empty server."""
    row = Row(NAME, WHAT, "12 KB", "≤ 7 KB PSS")
    context.local_only("its processes' memory is read")
    count = context.pick(15_000, 2_000)
    # Neighbours 2p and 2p + 1 come first, since they talk.
    chats = [ChatPlan((i, i + 1), 1) for i in range(0, count, 2)]
    chats += [ChatPlan((i, (i + 1) % count), 1) for i in range(1, count, 2)]
    chats += [
        ChatPlan((i, (i + step) % count), 1) for step in range(2, _REACH + 1) for i in range(count)
    ]
    with context.ground(Plan(count, count, chats)) as ground:
        server, world, address = ground.server, ground.world, ground.address
        before = {pid: pss(pid) for pid in server.processes()}
        start = clock()
        sides = Crowd(ground.reactor, address).open(
            count,
            lambda i, sock: Side(
                ground.reactor, sock, hello(address, world.tokens[i]), world.chats[i // 2], i & 1
            ),
        )
        context.say(f"{count} sessions after {clock() - start:.1f} s")
        # Both sides of a pair send one: message k comes from pair k mod P.
        outcome = Pairs(ground.reactor, sides).run(500, count / 500)
        ground.reactor.run_until(lambda: False, 5)
        after = {pid: pss(pid) for pid in server.processes()}
    grown = [(after[pid] - before.get(pid, 0)) / 1024 for pid in after]
    each = sum(grown) / count
    row.measured = f"{each:.1f} KB"
    row.verdict = SCALE.verdict(each)
    row.broken = outcome.complaint
    row.values = {"kb": each, "connections": count}
    row.notes.append(
        "server + store processes: "
        + " + ".join(f"{kb / count:.2f}" for kb in grown)
        + " KB per connection; empty: "
        + " + ".join(f"{size / 2**20:.1f}" for size in before.values())
        + " MB. PSS from smaps_rollup; what the kernel keeps for sockets is not in it"
    )
    row.notes.append(describe(outcome))
    return row
