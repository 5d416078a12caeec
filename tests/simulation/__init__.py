"""Seeded simulation: the product under a clock, a network and a disk that obey a seed.

A failing seed is replayed with ``HUBBUB_SEED=<seed> pytest <test>``; the failure prints it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def seeds(default: int, most: int | None = None) -> range:
    """The seeds a test runs: `HUBBUB_SEED` alone, or the first `HUBBUB_SEEDS`, or `default`.

    `most` bounds tests of the simulation's own tools, which need no thousand.
    """
    one = os.environ.get("HUBBUB_SEED")
    if one is not None:
        return range(int(one), int(one) + 1)
    count = int(os.environ.get("HUBBUB_SEEDS", default))
    return range(count if most is None else min(count, most))


@contextmanager
def replayable(seed: int) -> Iterator[None]:
    """Put the way to replay `seed` on whatever exception leaves the block."""
    try:
        yield
    except BaseException as error:
        test = os.environ.get("PYTEST_CURRENT_TEST", "tests/simulation").split(" ")[0]
        error.add_note(f"seed {seed}; replay with: HUBBUB_SEED={seed} pytest '{test}'")
        raise
