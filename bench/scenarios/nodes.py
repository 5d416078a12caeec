"""1-to-1 messages between the nodes of a cluster: 1, 2 and 4 of them on one core."""

from bench.cluster import Cluster
from bench.context import Context
from bench.load.pairs import Outcome
from bench.plan import Plan
from bench.row import Row
from bench.scenarios.common import PAIRS, load, pair_chats
from bench.scenarios.one_to_one import Search, holds

NAME = "nodes"
WHAT = "1-to-1 messages/s on 1, 2, 4 nodes, PostgreSQL and Valkey; the two on different nodes"
_FIRST = 600.0  # of one node; several on one core carry less
_SECONDS = 20


def run(context: Context) -> Row:
    """For each number of nodes rising steps, three halvings, then the best rate for 20 s.

    Where none holds, what the last and lowest step was like.
    """
    row = Row(NAME, WHAT, "–", "–")
    found = []
    for nodes in (1, 2, 4):
        context.say(f"{nodes} nodes")
        row.notes.append(f"── {nodes} nodes")
        with context.cluster(Plan(2 * PAIRS, 2 * PAIRS, pair_chats(PAIRS)), nodes) as ground:
            search = Search(context, ground, row, _FIRST / nodes)
            best = search.final(search.rate(), _SECONDS) or search.last
            assert best is not None
            held = "" if holds(best) else " (did not hold)"
            found.append(f"{nodes}: {best.rate:,.0f}/s, p99 {best.percentile(0.99):.0f} ms{held}")
            assert isinstance(ground.server, Cluster)
            _explain(row, nodes, ground.server, best)
            row.load = load(best)
    row.measured = "; ".join(found)
    row.verdict = "measured"
    return row


def _explain(row: Row, nodes: int, cluster: Cluster, best: Outcome) -> None:
    """What a message cost each part."""
    micros = {name: used / best.counted * 1e6 for name, used in cluster.spent.items()}
    bus = cluster.bus / best.counted
    costs = ", ".join(f"{name} {micro:.0f} µs" for name, micro in micros.items())
    row.notes.append(f"{nodes} nodes: CPU a message: {costs}; {bus:.0f} bytes to Valkey a message")
    row.values |= {f"per_second_{nodes}": best.rate, f"p99_ms_{nodes}": best.percentile(0.99)}
    row.values |= {f"bus_bytes_{nodes}": bus, f"micros_{nodes}": micros}
