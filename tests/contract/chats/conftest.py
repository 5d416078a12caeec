"""Each test of this folder runs on each adapter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.chats.on_postgres import PostgresWorld
from tests.contract.chats.world import (
    ANN,
    BOB,
    CAT,
    DAN,
    EVE,
    MemoryWorld,
    SqliteWorld,
    World,
)
from tests.support.engines import PostgresServer


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A store with the users Ann to Eve."""
    made: World
    if request.param == "memory":
        made = MemoryWorld()
    elif request.param == "sqlite":
        made = SqliteWorld(tmp_path / "hubbub.db")
    else:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        made = PostgresWorld(await postgres.emptied())
    made.add_users(ANN, BOB, CAT, DAN, EVE)
    yield made
    if isinstance(made, SqliteWorld):
        made.close()
    elif isinstance(made, PostgresWorld):
        await made.close()
