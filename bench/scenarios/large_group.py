"""A group of 100,000 members, a tenth of them connected."""

from bench.context import Context, Ground
from bench.load.members import Group, Member, Talk, talk
from bench.plan import ChatPlan, Plan
from bench.row import Row, Scale
from bench.scenarios.common import open_members
from bench.scenarios.fan_out import describe

NAME = "large_group"
WHAT = "group of 100,000 members, 10,000 connected: send → ack"
SCALE = Scale(20, 10, "ms", less=True)


def run(context: Context) -> Row:
    """A message a second; then the same to a group of only those who are connected."""
    row = Row(NAME, WHAT, "20 ms", "≤ 10 ms")
    context.local_only("100,000 users")
    here, all_, count = context.pick(10_000, 1_000), context.pick(100_000, 10_000), 20
    chats = [ChatPlan(range(all_), title="large"), ChatPlan(range(here), title="connected only")]
    with context.ground(Plan(all_, here, chats)) as ground:
        groups = [Group(chat) for chat in ground.world.chats]
        members = open_members(ground, groups[0], ground.world.tokens)
        large, large_cpu = _talk(ground, groups[0], members, count)
        small, small_cpu = _talk(ground, groups[1], members, count)
    acks = sorted(large.acks[1:])  # the first reads the group into memory
    ack = acks[len(acks) // 2] * 1000
    row.measured = f"{ack:.1f} ms (max {acks[-1] * 1000:.1f})"
    row.verdict = SCALE.verdict(ack)
    row.load = f"{large.cpu / large.wall:.0%} CPU"
    row.ratio = f"{large_cpu / small_cpu:.2f} × the CPU of a group of {here:,}"
    row.broken = "out of order or repeated" if large.disorder or small.disorder else ""
    row.values = {"ack_ms": ack, "max_ms": acks[-1] * 1000, "cpu_ratio": large_cpu / small_cpu}
    for size, one, cpu in ((all_, large, large_cpu), (here, small, small_cpu)):
        row.notes.append(f"{size:,} members: {describe(one)}, {cpu * 1000:.0f} ms CPU a message")
    row.notes.append(f"the first, uncached: ack {large.acks[0] * 1000:.1f} ms")
    for note in row.notes:
        context.say(note)
    return row


def _talk(ground: Ground, group: Group, members: list[Member], count: int) -> tuple[Talk, float]:
    """What the group saw, and the server's CPU seconds for each message."""
    for member in members:
        member.group = group
        member.place = member.positions.get(group.chat, -1)
    before = ground.server.cpu_seconds()
    done = talk(ground.reactor, group, members, count, pause=1.0)
    return done, (ground.server.cpu_seconds() - before) / count
