"""How much the load generator itself can do: `python -m bench.load.selftest [rate …]`.

It runs the 1-to-1 traffic against the limit server, which stores nothing. The generator is fast
enough when the rate it reaches there is far above any server's.
"""

import gc
import sys
from collections.abc import Sequence

from bench import limits, machine
from bench.load.pairs import Outcome, Pairs, Side
from bench.load.reactor import Address, Reactor
from bench.load.sessions import Crowd, hello


def measure(limit: limits.Limit, rates: Sequence[float], seconds: float) -> list[Outcome]:
    """Run 500 pairs at each of these rates, and return what came of each."""
    reactor = Reactor()
    try:
        address = Address.of(limit.url)
        sides = Crowd(reactor, address).open(
            1000,
            lambda i, sock: Side(
                reactor, sock, hello(address, limit.token(i)), limit.pair_chat(i // 2), i & 1
            ),
        )
        pairs = Pairs(reactor, sides)
        return [pairs.run(rate, seconds) for rate in rates]
    finally:
        reactor.close()
        gc.collect()


def main() -> int:
    """Print a line for each rate. 1 when a message was lost or doubled."""
    rates = [float(word) for word in sys.argv[1:]] or [2000.0, 8000.0, 12000.0, 15000.0, 18000.0]
    machine.pin(machine.LOAD_CORE)
    machine.allow_files(20_000)
    sound = True
    with limits.running() as limit:
        print(f"against {limit.kind}; {machine.line()}")
        for one in measure(limit, rates, 5):
            sound = sound and one.sound
            reached = one.counted / one.wall
            print(
                f"{one.rate:8.0f}/s asked, {reached:8.0f}/s reached, p50 {one.percentile(0.5):.2f} "
                f"p99 {one.percentile(0.99):.2f} ms, generator {one.cpu:.0%} of a core, "
                f"late p99 {one.lateness * 1000:.2f} ms {one.complaint}"
            )
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
