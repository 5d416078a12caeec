"""The product under a seed: whatever happens to it, the guarantees hold afterwards."""

import pytest

from tests.simulation import seeds
from tests.simulation.simulate import simulate


@pytest.mark.parametrize("seed", seeds(50))
def test_guarantees_hold(seed: int) -> None:
    simulate(seed)
