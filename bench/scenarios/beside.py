"""1-to-1 messages beside a large group."""

from bench.context import Context
from bench.load.members import Group, Speaker
from bench.load.pairs import Pairs
from bench.plan import ChatPlan, Plan
from bench.row import Row, Scale
from bench.scenarios.common import (
    PAIRS,
    describe,
    load,
    open_members,
    open_sides,
    pair_chats,
)

NAME = "beside"
WHAT = "1-to-1 p99 beside one message a second to 10,000 connected members"
SCALE = Scale(100, 50, "ms", less=True)
_RATE = 2000


def run(context: Context) -> Row:
    """500 pairs at 2,000 a second; every second one message to the group."""
    row = Row(NAME, WHAT, "100 ms", "< 50 ms")
    count, sides = context.pick(10_000, 1_000), 2 * PAIRS
    group_plan = ChatPlan(range(sides, sides + count), title="beside")
    plan = Plan(sides + count, sides + count, [*pair_chats(PAIRS), group_plan])
    with context.ground(plan) as ground:
        pairs = Pairs(ground.reactor, open_sides(ground, PAIRS))
        group = Group(ground.world.chats[PAIRS])
        members = open_members(ground, group, ground.world.tokens[sides:])
        speaker = Speaker(group, members[0])
        sent = 0

        def speak(elapsed: float) -> None:
            nonlocal sent
            if elapsed >= sent + 0.5:
                speaker.send()
                sent += 1

        pairs.run(500, 2)
        ground.server.begin()
        outcome = pairs.run(_RATE, context.pick(30, 8), speak)
        row.notes.append(f"{describe(outcome)}; {ground.server.cpu()}")
        complete = ground.reactor.run_until(lambda: group.deliveries >= sent * count, 10)
    context.say(row.notes[-1])
    row.notes.append(f"{sent} group messages, {group.deliveries} deliveries")
    p99 = outcome.percentile(0.99)
    row.measured = f"p99 {p99:.1f} ms at {_RATE:,}/s"
    row.verdict, row.load = SCALE.verdict(p99), load(outcome)
    row.broken = outcome.complaint
    if not complete or group.disorder or group.deliveries != sent * count:
        row.broken += f" group: {group.deliveries} of {sent * count} deliveries"
    row.values = {"p99_ms": p99}
    return row
