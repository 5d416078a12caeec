"""1-to-1 messages: the highest rate that holds for a minute."""

from bench import limits
from bench.context import Context, Ground
from bench.load.pairs import Outcome, Pairs
from bench.load.selftest import measure
from bench.plan import Plan
from bench.row import Row, Scale
from bench.scenarios.common import PAIRS, describe, load, open_sides, pair_chats

NAME = "one_to_one"
WHAT = "1-to-1 messages/s, durable, to the receipt; 500 pairs, p99 < 100 ms"
SCALE = Scale(8000, 11600, "/s")
MOST_MS = 100.0
FIRST, _FACTOR, _TOP = 3000.0, 1.3, 16000.0


def holds(outcome: Outcome) -> bool:
    """Whether the server keeps up with the rate: everything counted, p99 in bounds."""
    return (
        not outcome.refused
        and outcome.counted == int(outcome.rate * outcome.seconds)
        and outcome.percentile(0.99) < MOST_MS
    )


def run(context: Context) -> Row:
    """Rising steps, three halvings, then the whole time at the best rate."""
    row = Row(NAME, WHAT, "8,000/s", "11,600/s")
    with context.ground(Plan(2 * PAIRS, 2 * PAIRS, pair_chats(PAIRS))) as ground:
        search = Search(context, ground, row)
        best = search.final(search.rate())
    if best is not None:
        reached = best.counted / best.wall
        row.measured = f"{reached:,.0f}/s, p50 {best.percentile(0.5):.1f} p99 "
        row.measured += f"{best.percentile(0.99):.1f} ms"
        row.verdict = SCALE.verdict(reached if reached < 0.99 * best.rate else best.rate)
        row.load = load(best)
        row.values = {"per_second": reached, "p99_ms": best.percentile(0.99)}
        _compare(context, row, best)
    else:
        row.measured, row.verdict = "no rate held", "BELOW FLOOR"
    return row


def _compare(context: Context, row: Row, best: Outcome) -> None:
    """How far the same generator gets with a server that stores nothing."""
    context.say("limit: the same traffic without a store")
    rates = [rate for rate in (12000.0, 15000.0, 18000.0, 21000.0) if rate > best.rate]
    with limits.running() as limit:
        outcomes = measure(limit, rates, context.pick(5, 2))
    held = [one for one in outcomes if holds(one)]
    if held:
        row.ratio = f"{best.rate / held[-1].rate:.2f} of {held[-1].rate:,.0f}/s ({limit.kind})"
        row.notes.append(f"limit ({limit.kind}): {describe(held[-1])}; generator {load(held[-1])}")


class Search:
    """Looks for the highest rate at which this ground's 500 pairs are served, from `first` on."""

    def __init__(self, context: Context, ground: Ground, row: Row, first: float = FIRST) -> None:
        self._context, self._ground, self._row = context, ground, row
        self._first = first
        self._pairs = Pairs(ground.reactor, open_sides(ground, PAIRS))
        self.last: Outcome | None = None
        """Of the last step, whether it held or not."""

    def rate(self) -> float:
        """The highest rate that held for a step; 0 when none did."""
        step = self._context.pick(10, 3)
        self._step(min(1000.0, self._first), 3)  # fills caches; not counted
        good, bad, rate = 0.0, 0.0, self._first
        while not bad and rate <= _TOP:
            if holds(self._step(rate, step)):
                good, rate = rate, rate * _FACTOR
            else:
                bad = rate
        for _ in range(self._context.pick(3, 1)):
            if bad:
                middle = (good + bad) / 2
                if holds(self._step(middle, step)):
                    good = middle
                else:
                    bad = middle
        return good

    def final(self, rate: float, seconds: float = 60) -> Outcome | None:
        """So long at this rate, or the next lower one at which it holds."""
        for share in (1.0, 0.95, 0.9, 0.8, 0.7):
            if rate:
                outcome = self._step(rate * share, self._context.pick(round(seconds), 10))
                if holds(outcome):
                    return outcome
        return None

    def _step(self, rate: float, seconds: float) -> Outcome:
        self._ground.server.begin()
        outcome = self.last = self._pairs.run(rate, seconds)
        text = f"{describe(outcome)}; {self._ground.server.cpu()}; generator {load(outcome)}"
        self._context.say(text)
        self._row.notes.append(f"{seconds:.0f} s at {text}")
        self._row.broken = self._row.broken or outcome.complaint
        return outcome
