"""Everybody comes back to one server of a cluster at once."""

from bench.context import Context
from bench.row import Row
from bench.scenarios.storm import rounds, world_of

NAME = "cluster_storm"
WHAT = "the same storm on one server with PostgreSQL and Valkey, all on one core"


def run(context: Context) -> Row:
    """As many sessions as of the storm, with as much to tell them."""
    row = Row(NAME, WHAT, "–", "–")
    with context.cluster(world_of(context), 1) as ground:
        rounds(context, ground, row)
    row.verdict = "measured"
    return row
