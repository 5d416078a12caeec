"""A message that 10,000 connected members have is edited, again and again."""

from bench.context import Context
from bench.load.members import Group, Speaker, Talk, say
from bench.plan import ChatPlan, Plan
from bench.row import Row
from bench.scenarios.common import open_members
from bench.scenarios.fan_out import describe

NAME = "changes"
WHAT = "an edit to 10,000 connected members, beside a message to them"
_ROUNDS = 3


def run(context: Context) -> Row:
    """Messages, then edits of the last of them, in turn; each when all have the one before."""
    row = Row(NAME, WHAT, "–", "as fast as a message")
    count, times = context.pick(10_000, 1_000), context.pick(10, 5)
    with context.ground(Plan(count, count, [ChatPlan(range(count), title="fan-out")])) as ground:
        group = Group(ground.world.chats[0])
        members = open_members(ground, group, ground.world.tokens)
        speaker = Speaker(group, members[0])
        say(ground.reactor, members, 2, speaker.send)  # fills caches; not counted
        sends: list[Talk] = []
        edits: list[Talk] = []
        for _ in range(_ROUNDS):
            for name, what, talks in (
                ("messages", speaker.send, sends),
                ("edits", speaker.edit, edits),
            ):
                ground.server.begin()
                talks.append(say(ground.reactor, members, times, what, pause=0.1))
                row.notes.append(f"{name}: {describe(talks[-1])}; {ground.server.cpu()}")
                context.say(row.notes[-1])
    edit, send = _last(edits), _last(sends)
    row.measured = f"{edit * 1000:.0f} ms to the last, {count / edit:,.0f} deliveries/s"
    row.ratio = f"{send / edit:.2f} of messages ({send * 1000:.0f} ms)"
    row.verdict = "goal" if edit <= 1.1 * send else "–"
    row.load = f"{max(one.cpu / one.wall for one in edits):.0%} CPU"
    row.broken = "out of order or repeated" if group.disorder else ""
    row.values = {"edit_ms": edit * 1000, "message_ms": send * 1000}
    return row


def _last(talks: list[Talk]) -> float:
    """Seconds until the last member has it, the median."""
    spreads = sorted(spread for talk in talks for spread in talk.spreads)
    return spreads[len(spreads) // 2]
