"""A finding, and the words that findings share."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from hubbub.adapters.local.machine import Syncs

SLOW_TRIP: Final = 0.005
"""Seconds, p99: a commit takes about ten."""
State = Literal["ok", "warning", "bad"]

SLOW_SYNC: Final = 0.02
BAD_SYNC: Final = 0.2
"""Seconds, p99: every acknowledgement waits for one."""


class Check(Struct, frozen=True):
    """One thing that was looked at: how it is, the figure, and what to do about it.

    `values` has the figure's numbers by name, with their unit in it, for machines.
    """

    name: str
    state: State
    figure: str
    advice: str = ""
    values: Mapping[str, float] = {}


def waits(name: str, syncs: Syncs, where: str, advice: str) -> Check:
    """How long an acknowledgement waits for this. `advice`: what to do when it is slow."""
    figure = f"p50 {ms(syncs.p50)}, p99 {ms(syncs.p99)} of {syncs.count}{where}"
    values = {"p50_ms": syncs.p50 * 1000, "p99_ms": syncs.p99 * 1000}
    if syncs.p99 < SLOW_SYNC:
        return Check(name, "ok", figure, values=values)
    state: State = "bad" if syncs.p99 >= BAD_SYNC else "warning"
    return Check(name, state, figure, advice, values)


def round_trip(name: str, trips: Sequence[float], advice: str) -> Check:
    """How far away it is. `trips`: seconds, ascending; `advice`: what to do when it is far."""
    p50, p99 = trips[len(trips) // 2], trips[int(len(trips) * 0.99)]
    figure = f"p50 {ms(p50)}, p99 {ms(p99)} of {len(trips)}"
    values = {"p50_ms": p50 * 1000, "p99_ms": p99 * 1000}
    if p99 < SLOW_TRIP:
        return Check(name, "ok", figure, values=values)
    return Check(name, "warning", figure, advice, values)


def ms(seconds: float) -> str:
    """A duration."""
    return f"{seconds * 1000:.2f} ms" if seconds < 0.01 else f"{seconds * 1000:,.0f} ms"


def size(count: float) -> str:
    """A number of bytes."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("bytes", "KB") else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
