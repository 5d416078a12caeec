"""A bus between nodes that loses, repeats, delays and reorders; or, while healed, none of it."""

from collections.abc import Callable, Sequence
from random import Random

from hubbub.domain.events import Event
from tests.simulation.loop import SimulatedLoop

Publish = Callable[[Sequence[Event]], None]


class Bus:
    """Made once a world; `into` joins it to a core's way to deliver."""

    def __init__(self, loop: SimulatedLoop, rng: Random, lossy: bool) -> None:
        self._loop = loop
        self._rng = rng
        self._lossy = lossy
        self._node = 0
        self.troubled = False
        self.under_way = 0

    def into(self, deliver: Publish) -> Publish:
        """The way to publish to this node, until the next one is joined."""
        self._node += 1
        node = self._node
        if not self._lossy:
            return deliver

        def late(event: Event) -> None:
            self.under_way -= 1
            if node == self._node:
                deliver([event])

        def publish(events: Sequence[Event]) -> None:
            if not self.troubled:
                deliver(events)
                return
            for event in events:
                for delay in self._fates():
                    if delay:
                        self.under_way += 1
                        self._loop.call_later(delay, late, event)
                    else:
                        deliver([event])

        return publish

    def _fates(self) -> list[float]:
        """When each copy of an event arrives; none: it is lost."""
        draw = self._rng.random()
        if draw < 0.15:
            return []
        if draw < 0.3:
            return [0.0, self._rng.uniform(0, 2)]
        if draw < 0.5:
            return [self._rng.uniform(0, 1)]
        return [0.0]
