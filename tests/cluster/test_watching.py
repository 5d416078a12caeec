"""What an operator sees of several servers: figures, `hubbub top`, `hubbub doctor`."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from hubbub.cli import main
from tests.cluster.test_across_nodes import group, people
from tests.faults.people import Api, calling
from tests.support.cluster import Cluster
from tests.support.server import PATIENCE, free_port
from tools.docs.metrics import merged

PAGE = Path(__file__).parents[2] / "docs/operate/metrics.md"


@pytest.fixture
async def nodes(cluster: Cluster) -> AsyncIterator[list[Api]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(calling(url)) for url in cluster.urls]


async def figures(nodes: list[Api]) -> list[dict[str, float]]:
    return [await node.metrics() for node in nodes]


async def test_every_figure_is_explained(nodes: list[Api]) -> None:
    page = merged(PAGE.read_text("utf-8"), (await nodes[0]("GET", "/metrics")).good)
    assert "Gauge. Whether Valkey answers" in page


async def test_letters_are_counted(cluster: Cluster, nodes: list[Api]) -> None:
    before = await figures(nodes)
    async with people(cluster, "ann", "bob", "cat") as (ann, bob, cat):
        chat = await group(ann, bob, cat)
        for number in range(20):
            await ann.client.send(f"{number}", chat_id=chat)
        for other in (bob, cat):
            await other.reads("19")
        after = await figures(nodes)

    def more(node: int, name: str) -> float:
        return after[node][name] - before[node][name]

    assert more(0, "hubbub_bus_sent_total") >= 2
    assert more(0, "hubbub_bus_sent_bytes_total") > 20 * len("bytes of a message")
    assert more(1, "hubbub_bus_received_total") >= 1
    assert 1 <= more(0, "hubbub_bus_seconds_count") <= more(0, "hubbub_bus_sent_total") + 100
    assert 0 < more(0, "hubbub_bus_seconds_sum") < PATIENCE
    assert [more(n, "hubbub_bus_lost_total") for n in range(3)] == [0, 0, 0]
    assert len({node["hubbub_node_number"] for node in after}) == 3
    for node in after:
        assert (node["hubbub_database_up"], node["hubbub_valkey_up"]) == (1, 1)
        assert node["hubbub_bus_unsent_total"] == 0
        assert 0 < node["hubbub_node_lease_seconds"] <= 25
        assert abs(node["hubbub_clock_skew_seconds"]) < 0.5


async def test_a_valkey_that_is_away_and_a_flush_are_seen(
    cluster: Cluster, nodes: list[Api]
) -> None:
    forgotten = 'hubbub_catch_ups_total{why="valkey"}'
    before = (await nodes[0].metrics())[forgotten]
    await cluster.flush()
    await nodes[0].until(lambda now: now[forgotten] > before and now["hubbub_valkey_up"] == 1)
    cluster.valkey.end()
    await nodes[0].until(lambda now: now["hubbub_valkey_up"] == 0)
    assert "Valkey is not reached" in str((await nodes[0]("GET", "/readyz")).good["warnings"])
    assert re.search(r"onnect.*valkey not reached", cluster.nodes[0].printed())
    shown = await asyncio.to_thread(_run, "top", "--once", "--every", "0.2", "--url", nodes[0].url)
    assert "database reached   valkey AWAY" in shown
    cluster.valkey.start()
    for node in nodes:
        await node.until(lambda now: now["hubbub_valkey_up"] == 1)
        assert "Valkey" not in str((await node("GET", "/readyz")).good)
    shown = await asyncio.to_thread(_run, "top", "--once", "--every", "0.2", "--url", nodes[0].url)
    assert "valkey reached" in shown
    assert "Catch-ups: valkey" in shown
    assert "/s received" in shown


async def test_doctor_looks_at_both_engines(cluster: Cluster, tmp_path: Path) -> None:
    options = ("doctor", "--json", "--data", str(tmp_path), "--port", str(free_port()))
    said = await asyncio.to_thread(_run, *options, env=cluster.nodes[0].settings)
    found = {check["name"]: check for check in json.loads(said)["checks"]}
    assert found["Valkey"]["state"] == "ok"
    assert found["Valkey memory"]["values"]["used_bytes"] > 0
    assert "3 servers may open" in found["Connections"]["figure"]


def _run(*words: str, env: dict[str, str] | None = None) -> str:
    return CliRunner().invoke(main, [*words], env=env).stdout
