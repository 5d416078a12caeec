"""One message to 10,000 connected members who answer."""

from bench import limits
from bench.context import Context, Ground
from bench.load.members import Group, Talk, talk
from bench.load.reactor import Address, Reactor
from bench.plan import ChatPlan, Plan, World
from bench.row import Row, Scale
from bench.scenarios.common import open_members
from bench.server import Server

NAME = "fan_out"
WHAT = "one message to 10,000 connected members who answer `received`"
SCALE = Scale(35_000, 0.7, "deliveries/s")
_ROUNDS = 3


def run(context: Context) -> Row:
    """Messages one after the other, each when all have the one before; the limit likewise."""
    row = Row(NAME, WHAT, "35,000 deliveries/s", "≥ 0.7 of the limit")
    count, messages = context.pick(10_000, 1_000), context.pick(20, 10)
    with context.ground(Plan(count, count, [ChatPlan(range(count), title="fan-out")])) as ground:
        group = Group(ground.world.chats[0])
        members = open_members(ground, group, ground.world.tokens)
        talk(ground.reactor, group, members, 2)  # fills caches; not counted
        talks = []
        for _ in range(_ROUNDS):
            ground.server.begin()
            talks.append(talk(ground.reactor, group, members, messages))
            row.notes.append(f"{describe(talks[-1])}; {ground.server.cpu()}")
            context.say(row.notes[-1])
    rate = middle(talks)
    bound, kind = limit(count, messages)
    row.measured = f"{rate:,.0f} deliveries/s"
    row.ratio = f"{rate / bound:.2f} of {bound:,.0f}/s ({kind})"
    row.verdict = "goal" if rate >= 0.7 * bound else "floor" if rate >= 35_000 else "BELOW FLOOR"
    row.load = f"{max(one.cpu / one.wall for one in talks):.0%} CPU"
    row.broken = "out of order or repeated" if any(one.disorder for one in talks) else ""
    row.values = {"deliveries_per_second": rate, "limit": bound, "members": count}
    row.notes.append("the generator's share is large in both: it reads and answers on its own core")
    return row


def limit(count: int, messages: int) -> tuple[float, str]:
    """Deliveries a second of the limit server, and what that is."""
    with limits.running() as bare:
        reactor = Reactor()
        try:
            tokens = [bare.token(i) for i in range(count)]
            world = World([], tokens, [limits.GROUP])
            ground = Ground(Server(bare.url), Address.of(bare.url), world, reactor)
            group = Group(limits.GROUP)
            members = open_members(ground, group, tokens)
            talk(reactor, group, members, 2)
            return middle([talk(reactor, group, members, messages) for _ in range(3)]), bare.kind
        finally:
            reactor.close()


def middle(talks: list[Talk]) -> float:
    """The median of their deliveries a second."""
    return sorted(one.deliveries / one.wall for one in talks)[len(talks) // 2]


def describe(one: Talk) -> str:
    """In one line."""
    spreads = sorted(one.spreads)
    return (
        f"{one.sent} messages to {one.members}: {one.deliveries / one.wall:,.0f} deliveries/s, "
        f"to the last member {spreads[len(spreads) // 2] * 1000:.0f} ms, "
        f"ack {sorted(one.acks)[len(one.acks) // 2] * 1000:.1f} ms (medians)"
    )
