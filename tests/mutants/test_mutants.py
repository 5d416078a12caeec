"""The simulation sees each rule that is missing, and blames nothing on a product that has it."""

import re

import pytest

from tests.mutants.mutants import MUTANTS, Mutant
from tests.simulation.simulate import simulate

WITHIN = 200


def verdict(seed: int, nodes: int | None) -> str | None:
    """What the simulation finds wrong; None: nothing."""
    try:
        simulate(seed, nodes=nodes)
    except Exception as error:  # a mutant may also break the run itself, which is no verdict
        return str(error)
    return None


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_caught(mutant: Mutant) -> None:
    for seed in range(WITHIN):
        with mutant.patches():
            found = verdict(seed, mutant.nodes)
        if found is not None and re.search(mutant.expect, found):
            unpatched = verdict(seed, mutant.nodes)
            assert unpatched is None, f"seed {seed} fails without the mutant too"
            return
    pytest.fail(f"{mutant.name} survived {WITHIN} seeds")
