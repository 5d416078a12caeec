"""The product under a seed: whatever happens to it, the guarantees hold afterwards."""

import apsw
import pytest

from hubbub.adapters.sqlite.database import UnusableDatabase
from hubbub_client import SignedOut
from hubbub_protocol.codes import Refused
from tests.simulation import seeds
from tests.simulation.simulate import simulate

UNSYNCED = 40
"""Seeds within which a disk that is never asked to sync must have lost something."""


@pytest.mark.parametrize("seed", seeds(50))
def test_guarantees_hold(seed: int) -> None:
    simulate(seed)


def test_a_seed_does_the_same_twice() -> None:
    assert simulate(7, trace=True) == simulate(7, trace=True)


def test_loss_is_seen_when_the_disk_is_not_asked_to_sync() -> None:
    for seed in range(UNSYNCED):
        if loses(seed):
            return
    pytest.fail(f"{UNSYNCED} seeds with power cuts, and nothing was missed")


def loses(seed: int) -> bool:
    """Whether the run ends with less than was promised; a lost file or session may end it."""
    try:
        simulate(seed, pragma="synchronous = OFF")
    except AssertionError:
        return True
    except (ExceptionGroup, Refused, SignedOut, UnusableDatabase, apsw.Error):
        return False
    return False
