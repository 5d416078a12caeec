"""A group of 100,000 members on eight nodes, 40,000 of them connected."""

from functools import partial

from bench.cluster import Cluster
from bench.context import Context, Ground
from bench.load.audience import Audience, audience
from bench.load.members import Group, Member, Speaker
from bench.load.reactor import clock
from bench.load.sessions import Broken, Crowd, check, hello
from bench.plan import ChatPlan, Plan
from bench.row import Row
from bench.server import Server

NAME = "large_cluster"
WHAT = "group of 100,000 members, 40,000 connected to 8 nodes: send → the last has it"
_NODES = 8
_LISTENERS = 3
"""Processes that hold the connections: each may open 20,000 files."""


def run(context: Context) -> Row:
    """Messages one after the other, each when all connected members have the one before."""
    row = Row(NAME, WHAT, "–", "–")
    all_, here = context.pick(100_000, 10_000), context.pick(40_000, 4_000)
    plan = Plan(all_, here, [ChatPlan(range(all_), title="large")])
    # Eight nodes share the connections that this PostgreSQL has.
    with context.cluster(plan, _NODES, {"HUBBUB_DATABASE_CONNECTIONS": "5"}) as ground:
        addresses, tokens = (ground.address, *ground.others), ground.world.tokens
        chat = ground.world.chats[0]
        context.say(f"connecting {here} members")
        with audience(addresses, tokens[1:], chat, _LISTENERS) as listeners:
            member = _speaker(ground, chat)
            _say(ground, listeners, member, 2)  # fills caches; not counted
            ground.server.begin()
            times = _say(ground, listeners, member, context.pick(20, 5))
            row.notes.append(ground.server.cpu())
    _judge(row, ground.server, times, here)
    context.say(row.measured)
    return row


def _speaker(ground: Ground, chat: str) -> Member:
    address, token, group = ground.address, ground.world.tokens[0], Group(chat)
    return Crowd(ground.reactor, address).open(
        1, lambda _, sock: Member(ground.reactor, sock, hello(address, token), group)
    )[0]


def _say(
    ground: Ground, listeners: Audience, member: Member, count: int
) -> list[tuple[float, float]]:
    """Seconds until the ack, and until the last member has it, of each."""
    speaker, times = Speaker(member.group, member), []
    for _ in range(count):
        began = clock()
        name = speaker.send()
        if not ground.reactor.run_until(partial(member.group.acks.__contains__, name), 30):
            raise Broken("a message to the group was not acknowledged for 30 s")
        check(ground.reactor)
        times.append((member.group.acks[name] - began, listeners.heard() - began))
    return times


def _judge(row: Row, cluster: Server, times: list[tuple[float, float]], here: int) -> None:
    assert isinstance(cluster, Cluster)
    acks, spreads = (sorted(one) for one in zip(*times, strict=True))
    ack, spread = acks[len(acks) // 2] * 1000, spreads[len(spreads) // 2]
    row.measured = f"{spread * 1000:,.0f} ms ({here / spread:,.0f}/s), ack {ack:.1f} ms"
    bus = cluster.bus / len(times)
    row.ratio = f"{bus:,.0f} bytes to Valkey a message"
    costs = (f"{name} {used / len(times) * 1e3:.0f} ms" for name, used in cluster.spent.items())
    row.notes.append(f"CPU a message: {', '.join(costs)}")
    row.verdict = "measured"
    row.values = {"spread_ms": spread * 1000, "ack_ms": ack, "bus_bytes": bus}
