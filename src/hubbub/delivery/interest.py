"""What this node holds, told to the other nodes before anybody here reads the store.

So a commit is either read from the store, or published by somebody who finds this node.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from hubbub.ports import Unavailable
from hubbub.ports.nodes import Nodes, Topic, user

EVERY: Final = 0.5
"""Seconds after which what has gone is placed."""


class Interest:
    """Topics that came and went since they were last placed. `nodes` is None where one is all."""

    def __init__(self, nodes: Nodes | None) -> None:
        self._nodes = nodes
        self._news: dict[Topic, bool] = {}
        self._placing = asyncio.Lock()
        self._late = False
        self.on_late: Callable[[], None] = lambda: None
        """Some was placed later than it should have been: what was said meanwhile is lost."""

    def hold(self, topic: Topic) -> None:
        """It came."""
        if self._nodes is not None:
            self._news[topic] = True

    def drop(self, topic: Topic) -> None:
        """It went."""
        if self._nodes is not None:
            self._news[topic] = False

    async def elsewhere(self, users: Sequence[int]) -> frozenset[int]:
        """Those of the users who are connected to another node, as far as that is known."""
        if self._nodes is None or not users:
            return frozenset()
        try:
            found = await self._nodes.find([user(user_id) for user_id in users])
        except Unavailable:
            return frozenset()
        me = self._nodes.me
        there = zip(users, found, strict=True)
        return frozenset(user_id for user_id, nodes in there if any(n != me for n in nodes))

    async def run(self) -> None:
        """Place what nobody waits for, too, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            await self._place()

    def again(self, topics: Iterable[Topic]) -> None:
        """All that is held: what was placed may have been lost."""
        self._news |= dict.fromkeys(topics, True)

    async def placed(self) -> None:
        """Wait until all that came before is known to others, or cannot be now.

        Then it is placed when they can be reached again, which `on_late` is told.
        """
        if (self._news and not self._late) or self._placing.locked():
            await self._place()

    async def _place(self) -> None:
        if self._nodes is None:
            return
        async with self._placing:
            news, self._news = self._news, {}
            come = [topic for topic, here in news.items() if here]
            gone = [topic for topic, here in news.items() if not here]
            try:
                if news:
                    await self._nodes.place(come, gone)
            except Unavailable:
                self._news = news | self._news
                self._late = True
                return
        if self._late:
            self._late = False
            self.on_late()
