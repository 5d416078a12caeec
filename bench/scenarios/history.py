"""Pages of history in a large database."""

import random
from itertools import combinations

from bench.context import Context
from bench.load.http import Http
from bench.load.reactor import clock
from bench.load.sessions import Broken
from bench.plan import ChatPlan, Plan
from bench.row import Row, Scale

NAME = "history"
WHAT = "history page of 50 in a database of 5 million messages"
SCALE = Scale(10, 5, "ms", less=True)
_USERS = 101
_EACH = 1000  # messages in a chat
_PAGE = 50


def run(context: Context) -> Row:
    """Pages at random places of random chats, one request after the other."""
    row = Row(NAME, WHAT, "p99 ≤ 10 ms", "≤ 5 ms, as with 50,000")
    context.local_only("five million messages")
    small = _measure(context, 50)
    large = _measure(context, context.pick(5_000, 500))
    p99, less = _share(large, 0.99), _share(small, 0.99)
    row.measured = f"p50 {_share(large, 0.5):.2f}, p99 {p99:.2f} ms"
    row.ratio = f"{p99 / less:.2f} × p99 with 50,000 ({less:.2f} ms)"
    row.verdict = SCALE.verdict(p99)
    row.values = {"p99_ms": p99, "p99_small_ms": less}
    for name, times in (("small", small), ("large", large)):
        row.notes.append(
            f"{name}: {len(times)} pages, p50 {_share(times, 0.5):.2f} p99 "
            f"{_share(times, 0.99):.2f} p99.9 {_share(times, 0.999):.2f} ms"
        )
        context.say(row.notes[-1])
    return row


def _measure(context: Context, chats: int) -> list[float]:
    """Milliseconds of each page, sorted."""
    pairs = list(combinations(range(_USERS), 2))
    chosen = random.Random(1)
    picked = sorted(chosen.sample(pairs, chats))
    plan = Plan(_USERS, _USERS, [ChatPlan(pair, _EACH) for pair in picked])
    times = []
    with context.ground(plan) as ground:
        world = ground.world
        clients = [Http(ground.address, token) for token in world.tokens]
        for number in range(context.pick(5000, 1000) + 200):
            chat = chosen.randrange(chats)
            chat_id, reader = world.chats[chat], clients[picked[chat][number & 1]]
            before = chosen.choice(world.message_ids[chat_id][3:])
            path = f"/api/v1/chats/{chat_id}/messages?limit={_PAGE}&before_id={before}"
            start = clock()
            status, body = reader.raw("GET", path)
            taken = (clock() - start) * 1000
            if status != 200 or body.count(b'"seq":') < _PAGE:
                raise Broken(f"{path}: {status} {body[:200]!r}")
            if number >= 200:  # the first open the connections
                times.append(taken)
        for client in clients:
            client.close()
    return sorted(times)


def _share(times: list[float], share: float) -> float:
    return times[min(int(len(times) * share), len(times) - 1)]
