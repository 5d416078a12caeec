"""What each part tells of itself, asked once a second."""

import asyncio
import csv
import json
from collections.abc import Callable, Mapping
from typing import Final

import asyncpg
from msgspec import Struct
from redis import asyncio as redis
from redis.exceptions import RedisError

from hubbub.adapters.postgres.hosts import FAILURES
from hubbub.cli.figures import Change, Sample
from hubbub.cli.http import ask
from hubbub.cli.top import fetch
from tests.support.cluster import Cluster
from tests.support.engines import PostgresServer
from tests.support.proxies import Haproxy
from tools.cluster.parts import Parts

EVERY: Final = 1.0
PATIENCE: Final = 1.0
"""Seconds to wait for what a part tells."""
OFTEN: Final = 10.0
"""Seconds over which a node's rate and latency are counted."""

_POSTGRES: Final = """
    SELECT pg_is_in_recovery() AS standby,
        (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'hubbub%') AS used,
        (SELECT count(*) FROM pg_stat_replication
            WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')) AS synchronous,
        (SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming') AS receives,
        current_setting('synchronous_standby_names') <> '' AS waits
"""


class Told(Struct):
    """What a part told last; figures that it has not are None.

    `rate`: messages a second. `p99`: seconds until they are delivered. `lost`: times that letters
    may have been lost. `note`: what an operator would have to know.
    """

    text: str
    well: bool = True
    connections: int | None = None
    rate: float | None = None
    p99: float | None = None
    lost: int | None = None
    note: str = ""


DEAD: Final = Told("killed", False)
SILENT: Final = Told("does not answer", False)


class Looks:
    """The newest of each part, by its key. `run` asks."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._samples: dict[str, list[Sample]] = {}
        self.told: dict[str, Told] = {}

    async def run(self) -> None:
        """Ask again and again, until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        """Ask all of them, at once."""
        cluster, proxy = self._parts.cluster, self._parts.proxy
        async with asyncio.TaskGroup() as group:
            for number, node in enumerate(cluster.nodes, 1):
                key = str(number)
                group.create_task(self._node(key, node.url))
            group.create_task(self._postgres("p", lambda: cluster.postgres))
            group.create_task(self._postgres("s", lambda: cluster.standby))
            group.create_task(self._valkey(cluster))
            if proxy is not None:
                group.create_task(self._haproxy(proxy))

    def _is_dead(self, key: str) -> bool:
        pid = self._parts.by_key[key].pid
        if pid is None or pid() is None:
            self.told[key] = DEAD
            self._samples.pop(key, None)
            return True
        return False

    async def _node(self, key: str, url: str) -> None:
        if self._is_dead(key):
            return
        try:
            sample = await asyncio.to_thread(fetch, url)
            status, body = await asyncio.to_thread(ask, f"{url}/readyz")
            said = json.loads(body)
        except (OSError, ValueError):
            self.told[key] = SILENT
            return
        kept = self._samples.setdefault(key, [])
        kept.append(sample)
        while len(kept) > 2 and kept[-1].at - kept[1].at > OFTEN:
            kept.pop(0)
        change = Change(kept[0], sample)
        p99 = change.quantile("hubbub_accept_to_delivery_seconds", 0.99)
        notes = said.get("warnings", []) if status == 200 else [said.get("detail", "")]
        self.told[key] = Told(
            _state(status, said),
            status == 200,
            int(sample.values.get("hubbub_connections", 0)),
            change.rate("hubbub_stored_total"),
            p99[0] if p99 else None,
            int(sample.values.get("hubbub_bus_lost_total", 0)),
            " ".join(notes),
        )

    async def _postgres(self, key: str, which: Callable[[], PostgresServer]) -> None:
        if self._is_dead(key):
            return
        server = which()
        try:
            async with asyncio.timeout(PATIENCE):
                db = await asyncpg.connect(server.url())
                try:
                    found = await db.fetchrow(_POSTGRES)
                finally:
                    db.terminate()
        except FAILURES:
            self.told[key] = SILENT
            return
        if found["standby"]:
            well = bool(found["receives"])
            text = "has every commit" if well else "receives nothing"
        else:
            well = not found["waits"] or bool(found["synchronous"])
            text = "commits, and waits for its standby" if found["waits"] else "commits alone"
            text = text if well else "its commits wait for a standby"
        self.told[key] = Told(f":{server.port} {text}", well, found["used"])

    async def _valkey(self, cluster: Cluster) -> None:
        if self._is_dead("v"):
            return
        try:
            async with (
                asyncio.timeout(PATIENCE),
                redis.Redis.from_url(cluster.valkey.url) as client,
            ):
                found = await client.info()
        except (OSError, TimeoutError, RedisError):
            self.told["v"] = SILENT
            return
        text = f"{found['instantaneous_ops_per_sec']} commands/s, {found['used_memory_human']}"
        self.told["v"] = Told(text, True, found["connected_clients"])

    async def _haproxy(self, proxy: Haproxy) -> None:
        if self._is_dead("h"):
            return
        try:
            where = f"http://{proxy.settings['PROXY_STATS']}/;csv"
            _, body = await asyncio.to_thread(ask, where)
        except OSError:
            self.told["h"] = SILENT
            return
        rows = csv.DictReader(body.decode().removeprefix("# ").splitlines())
        servers = [r for r in rows if r["pxname"] == "servers" and r["svname"].startswith("node")]
        checked = [r for r in servers if "unready" not in r["svname"]]
        up = sum(r["status"].startswith("UP") for r in checked)
        used = sum(int(r["scur"] or 0) for r in servers)
        self.told["h"] = Told(f"{up} of {len(checked)} nodes are ready", up > 0, used)


def _state(status: int, said: Mapping[str, object]) -> str:
    if status != 200:
        return "not ready"
    return "ready, does the chores" if said.get("leads") else "ready"
