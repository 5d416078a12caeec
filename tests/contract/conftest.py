"""What all contract suites share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import MEMORY


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory: what a disk keeps is shown by the simulation."""
    with tempfile.TemporaryDirectory(prefix="hubbub-contract-", dir=MEMORY) as folder:
        yield Path(folder)
