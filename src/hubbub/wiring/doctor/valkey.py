"""The Valkey that `valkey.url` names."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hubbub.config import Config
from hubbub.ports import Unavailable
from hubbub.wiring.doctor.check import Check, round_trip, size

if TYPE_CHECKING:
    from hubbub.adapters.valkey.examine import Examined

OLDEST: Final = 7
"""The oldest that has sharded publish and subscribe, of Redis' numbers."""
FULL: Final = 0.8
_FAR: Final = "News for other servers takes two. Run Valkey near them, in the same data centre."


def checks(config: Config) -> Iterator[Check]:
    """What is found."""
    from hubbub.adapters.valkey import examine

    try:
        found = asyncio.run(examine.examine(config.valkey.url))
    except Unavailable as error:
        yield Check("Valkey", "bad", "cannot be used", f"{error}")
        return
    yield from judge(found)


def judge(found: "Examined") -> Iterator[Check]:
    """What is to be said of it."""
    yield _server(found)
    yield round_trip("Valkey trip", found.trips, _FAR)
    yield _memory(found)


def _server(found: "Examined") -> Check:
    figure = f"{found.name} {found.version}"
    if found.primaries > 1:
        figure += f", a cluster of {found.primaries} primaries and {found.replicas} replicas"
    if found.sentinels:
        figure += f", watched by {found.sentinels} Sentinels, replicas: {found.replicas}"
    if found.major < OLDEST:
        advice = "Hubbub needs Valkey 8 or Redis 7, or newer: upgrade it."
        return Check("Valkey", "bad", f"{figure}, too old", advice)
    if found.replica:
        advice = "Name the primary in valkey.url."
        return Check("Valkey", "bad", f"{figure}, a replica, which takes no writes", advice)
    if found.sentinels and not found.replicas:
        advice = "When it dies, nothing can take over: give it a replica."
        return Check("Valkey", "warning", figure, advice)
    return Check("Valkey", "ok", figure + "; keeps a log, which is not needed" * found.log)


def _memory(found: "Examined") -> Check:
    figure = f"{size(found.used)} of {size(found.most) if found.most else 'no limit'}"
    figure += f", {found.policy}" * bool(found.most)
    values = {"used_bytes": float(found.used), "limit_bytes": float(found.most)}
    if found.most and found.policy != "noeviction":
        advice = (
            "At the limit it drops what servers have placed, and all connections are looked at "
            "again: set maxmemory-policy to noeviction."
        )
        return Check("Valkey memory", "warning", figure, advice, values)
    if found.most and found.used > FULL * found.most:
        advice = "At the limit news reaches other servers late: raise maxmemory."
        return Check("Valkey memory", "warning", figure, advice, values)
    return Check("Valkey memory", "ok", figure, values=values)
