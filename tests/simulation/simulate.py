"""One seed, from an empty disk to the verdict."""

import asyncio
from dataclasses import replace
from random import Random
from typing import cast

from tests.simulation.loop import SimulatedLoop, run
from tests.simulation.plan import plan_of, small_world
from tests.simulation.vfs import PowerLossVFS
from tests.simulation.world import World

MOST_SECONDS = 900.0  # of virtual time, about ten times what a run takes


def simulate(
    seed: int, pragma: str | None = None, trace: bool = False, nodes: int | None = None
) -> str:
    """Run the seed; a digest of it with `trace`, else "". Raises AssertionError and its kin.

    `pragma`: what the store sets on its writing connection, for a disk that is not asked to sync.
    `nodes`: how many, in place of what the seed decides.
    """
    plan = plan_of(Random(f"{seed}/plan"))
    plan = replace(plan, nodes=nodes or plan.nodes)
    disk = PowerLossVFS(seed=seed, failed_sync_drops=True)
    digest = ""

    async def main() -> None:
        nonlocal digest
        loop = cast(SimulatedLoop, asyncio.get_running_loop())
        world = World(loop, plan, disk)
        world.machine.pragma = pragma
        await world.run()
        digest = loop.digest() if trace else ""

    try:
        with small_world(plan):
            run(main, seed, shuffle=True, trace=trace, max_time=MOST_SECONDS)
    finally:
        disk.close()
    return digest
