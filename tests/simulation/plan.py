"""What a seed decides before a run: sizes, bounds, and which troubles the world has."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from hubbub.delivery import catching_up, replay, subscriber
from hubbub.domain import chat, recent, roster


@dataclass(frozen=True)
class Plan:
    """Everything small, so that bounds are met: bytes, counts, seconds."""

    users: int
    steps: int  # actions of each device
    nodes: int  # on one store; what is between several loses, repeats, delays
    large: int  # chats with more members are large
    high_water: int
    held: int
    round_rows: int
    per_chat: int
    per_resume: int
    queue: int
    batch: int
    rate: float  # messages a second and user, 0: no limit
    known_chats: int  # what the roster remembers
    tail: int
    window: int
    events: int  # of the client's queue
    troubles: int
    recent: int  # messages that a server keeps of a chat
    recent_bytes: int


def plan_of(rng: Random) -> Plan:
    """The plan that a seed makes."""
    batch = rng.choice((2, 1_000))
    return Plan(
        users=rng.choice((3, 3, 4, 5)),
        steps=rng.randint(6, 14),
        nodes=rng.choice((1, 1, 2, 3)),
        large=rng.choice((256, 256, 3, 2)),
        high_water=rng.choice((1_500, 4_000, 64_000)),
        held=rng.choice((1, 4, 64)),
        round_rows=rng.choice((3, 4_000)),
        per_chat=rng.choice((3, 20, 1_000)),
        per_resume=rng.choice((10, 20_000)),
        queue=rng.choice((5, 10_000)),
        batch=batch,
        rate=rng.choice((0, 0, 5)),
        known_chats=3 if batch == 2 else 50_000,  # more than one commit's
        tail=rng.choice((1, 16)),
        window=rng.choice((5, 1_000)),
        events=rng.choice((3, 1_000)),
        troubles=rng.randint(2, 7),
        recent=rng.choice((3, 64)),
        recent_bytes=rng.choice((6_000, 1_000_000)),
    )


@contextmanager
def small_world(plan: Plan) -> Iterator[None]:
    """Give the product's own constants the plan's values for a while."""
    values = {
        (subscriber, "HIGH_WATER"): plan.high_water,
        (catching_up, "MAX_HELD"): plan.held,
        (subscriber, "MAX_HELD"): plan.held,
        (replay, "ROUND_ROWS"): plan.round_rows,
        (roster, "TAIL"): plan.tail,
        (recent, "TAIL"): plan.recent,
    }
    for name, module in sorted(sys.modules.items()):
        if name.startswith("hubbub.") and getattr(module, "LARGE", None) is chat.LARGE:
            values[module, "LARGE"] = plan.large
    before = {key: getattr(*key) for key in values}
    try:
        for (module, name), value in values.items():
            setattr(module, name, value)
        yield
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)
