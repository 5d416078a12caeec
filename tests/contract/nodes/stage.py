"""Nodes as tests have them: they begin, hear, lose and end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from unittest.mock import patch

import pytest

from hubbub.ports.nodes import Nodes, user
from tests.support.wait import eventually

PATIENCE = 30.0
SLOW = ["valkey_cluster", "watched_valkey", "redis_server", "redis_cluster"]
ENGINES = ["valkey", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
"""Fixtures of what really joins nodes."""


class Node:
    """One node, running, and what it has heard."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.letters: list[bytes] = []
        self.losses = 0
        nodes.listen(self.letters.append, self._lost)

    def _lost(self) -> None:
        self.losses += 1

    async def lives(self) -> None:
        """Return once it can be used."""
        await eventually(lambda: getattr(self.nodes, "is_ready", True), "it lives", PATIENCE)
        await eventually(lambda: self.nodes.me != 0, "it has a number")

    async def heard(self, *letters: bytes) -> None:
        await eventually(lambda: self.letters == [*letters], f"{letters} came", PATIENCE)

    async def loses(self, before: int) -> None:
        """Return once it was told of a loss, after so many."""
        await eventually(lambda: self.losses > before, "it is told of the loss", PATIENCE)


Join = Callable[[], Nodes]


class Stage:
    """Nodes that begin and end."""

    def __init__(self, join: Join) -> None:
        self._join = join
        self.tasks: dict[Node, asyncio.Task[None]] = {}

    async def node(self) -> Node:
        node = Node(self._join())
        self.tasks[node] = asyncio.create_task(node.nodes.run())
        await node.lives()
        return node

    async def end(self, node: Node) -> None:
        task = self.tasks.pop(node)
        task.cancel()
        await asyncio.wait([task])

    async def kill(self, node: Node) -> None:
        """It ends, and tells nobody."""

        async def nothing() -> None:
            pass

        with patch.object(node.nodes, "_give_up_lease", nothing, create=True):
            await self.end(node)


@asynccontextmanager
async def staged(join: Join) -> AsyncIterator[Stage]:
    stage = Stage(join)
    try:
        yield stage
    finally:
        for node in list(stage.tasks):
            await stage.end(node)


async def recovered(node: Node, losses: int) -> None:
    """It was told of the loss, and works again."""
    await node.loses(losses)
    await node.lives()
    await node.nodes.place([user(1)], [])
    assert await node.nodes.find([user(1)]) == [(node.nodes.me,)]
    node.letters.clear()
    await node.nodes.send([(node.nodes.me, b"again")])
    await node.heard(b"again")
