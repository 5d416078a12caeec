"""Parts of the delivery, joined for a test that looks at one of them."""

from collections.abc import Callable, Sequence
from typing import Any

from hubbub.delivery.announce import Announcer
from hubbub.delivery.counting import Counting
from hubbub.delivery.flight import Flight
from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import Encoders, encoders
from hubbub.delivery.receipts import Receipts
from hubbub.delivery.replay import Replays
from hubbub.domain.change import Advanced
from hubbub.domain.events import Event, UnsureEvent
from hubbub.domain.reading import ReplayBounds
from hubbub.domain.roster import KnownChat, Roster
from tests.support.accounts import HandClock

WIRE: Encoders = encoders(lambda encode, _: encode)
"""Frames as they are, in every version."""


def counting_of(
    hub: Hub,
    store: Any = None,
    roster: Roster | None = None,
    publish: Callable[[Sequence[Event]], None] = lambda _: None,
    exact: bool = True,
) -> Counting:
    """The counts of one node; it asks `store` where they are not sure."""
    known = Roster() if roster is None else roster
    return Counting(hub, WIRE, known, store, publish, exact)


def replays_of(
    hub: Hub, store: Any, bounds: ReplayBounds | None = None, flight: Flight | None = None
) -> Replays:
    """The replays of one node, which read what they need from `store`."""
    receipts = Receipts(store, counting_of(hub, store))
    bounds, flight = bounds or ReplayBounds(), flight or Flight()
    return Replays(hub, store, receipts, store, HandClock(), bounds, flight)


def announcer_of(
    roster: Roster,
    store: Any = None,
    publish: Callable[[Sequence[Event]], None] = lambda _: None,
    begin_anew: Callable[[UnsureEvent], None] = lambda _: None,
    count: Callable[[KnownChat, Advanced], None] = lambda chat, moved: None,
) -> Announcer:
    """What tells the commits of one node."""
    return Announcer(roster, store, publish, count, Flight(), begin_anew, lambda: None)
