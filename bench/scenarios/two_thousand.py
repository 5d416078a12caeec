"""1-to-1 messages at a rate that leaves room: what a message takes."""

from bench.context import Context
from bench.load.pairs import Pairs
from bench.plan import Plan
from bench.row import Row, Scale
from bench.scenarios.common import PAIRS, describe, load, open_sides, pair_chats

NAME = "two_thousand"
WHAT = "the same at 2,000/s"
P50, P99 = Scale(5, 5, "ms", less=True), Scale(40, 25, "ms", less=True)


def run(context: Context) -> Row:
    """A minute at 2,000 a second."""
    row = Row(NAME, WHAT, "p50 < 5, p99 < 40 ms", "p99 < 25 ms")
    with context.ground(Plan(2 * PAIRS, 2 * PAIRS, pair_chats(PAIRS))) as ground:
        pairs = Pairs(ground.reactor, open_sides(ground, PAIRS))
        pairs.run(1000, 3)
        ground.server.begin()
        outcome = pairs.run(2000, context.pick(60, 10))
        row.notes.append(f"{describe(outcome)}; {ground.server.cpu()}")
    context.say(row.notes[-1])
    p50, p99 = outcome.percentile(0.5), outcome.percentile(0.99)
    row.measured = f"p50 {p50:.1f}, p99 {p99:.1f} ms"
    slow = P50.verdict(p50) == "BELOW FLOOR"
    row.verdict = "BELOW FLOOR" if slow else P99.verdict(p99)
    row.load, row.broken = load(outcome), outcome.complaint
    row.values = {"p50_ms": p50, "p99_ms": p99}
    return row
