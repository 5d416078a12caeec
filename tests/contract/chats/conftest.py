"""Each test of this folder runs on each adapter."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.chats.world import ANN, BOB, CAT, DAN, EVE, MemoryWorld, SqliteWorld, World


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A store with the users Ann to Eve."""
    made: World
    if request.param == "memory":
        made = MemoryWorld()
    else:
        made = SqliteWorld(tmp_path / "hubbub.db")
    made.add_users(ANN, BOB, CAT, DAN, EVE)
    yield made
    if isinstance(made, SqliteWorld):
        made.close()
