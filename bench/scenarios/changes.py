"""Messages that 10,000 connected members have are edited, and get a reaction each."""

from bench.context import Context
from bench.load.members import Group, Speaker, Talk, say
from bench.plan import ChatPlan, Plan
from bench.row import Row
from bench.scenarios.common import open_members
from bench.scenarios.fan_out import describe

NAME = "changes"
WHAT = "an edit and a reaction to 10,000 connected members, beside a message to them"
_ROUNDS = 3
_OLD = 1.2  # seconds: a reaction to a message that was changed within the last one waits


def run(context: Context) -> Row:
    """Messages, an edit of each, a reaction to each; every one when all have the one before."""
    row = Row(NAME, WHAT, "–", "as fast as a message")
    count, times = context.pick(10_000, 1_000), context.pick(8, 4)
    with context.ground(Plan(count, count, [ChatPlan(range(count), title="fan-out")])) as ground:
        group = Group(ground.world.chats[0])
        members = open_members(ground, group, ground.world.tokens)
        speaker = Speaker(group, members[0])
        say(ground.reactor, members, 2, speaker.send)  # fills caches; not counted
        kinds = {"message": speaker.send, "edit": speaker.edit, "reaction": speaker.react}
        talks: dict[str, list[Talk]] = {kind: [] for kind in kinds}
        for _ in range(_ROUNDS):
            for kind, what in kinds.items():
                speaker.go_back(times)
                ground.reactor.run_until(lambda: False, _OLD)
                ground.server.begin()
                talks[kind].append(say(ground.reactor, members, times, what, 0.1))
                text = f"{kind}: {describe(talks[kind][-1])}; {ground.server.cpu()}"
                row.notes.append(text)
                context.say(text)
    last = {kind: _last(found) for kind, found in talks.items()}
    row.measured = f"edit {last['edit']:.0f} ms to the last, reaction {last['reaction']:.0f} ms"
    row.ratio = f"{last['message'] / last['edit']:.2f} of messages ({last['message']:.0f} ms)"
    row.verdict = "goal" if last["edit"] <= 1.1 * last["message"] else "–"
    row.load = f"{max(one.cpu / one.wall for one in talks['edit']):.0%} CPU"
    row.broken = "out of order or repeated" if group.disorder else ""
    row.values = {f"{kind}_ms": value for kind, value in last.items()}
    return row


def _last(talks: list[Talk]) -> float:
    """Milliseconds until the last member has it, the median."""
    spreads = sorted(spread for talk in talks for spread in talk.spreads)
    return spreads[len(spreads) // 2] * 1000
