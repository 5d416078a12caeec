"""`hubbub doctor` where Valkey joins servers: a real one, and what is said of others."""

import asyncio

import pytest
from msgspec.structs import replace
from redis import asyncio as redis

from hubbub.adapters.valkey.examine import Examined, examine
from hubbub.config import Config, Valkey
from hubbub.ports import Unavailable
from hubbub.wiring.doctor.check import Check
from hubbub.wiring.doctor.valkey import checks, judge
from tests.support.server import free_port
from tests.support.valkeys import ValkeyCluster, ValkeyServer

FIT = Examined(
    name="Valkey",
    version="9.0.1",
    major=7,
    replica=False,
    used=1_000_000,
    most=0,
    policy="noeviction",
    log=False,
    trips=[0.0002] * 50,
)


async def test_a_real_one_is_looked_at(valkey: ValkeyServer) -> None:
    found = await examine(valkey.url)
    assert found.name == "Valkey"
    assert found.version.count(".") == 2
    assert found.major >= 7
    assert (found.replica, found.most, found.policy, found.log) == (False, 0, "noeviction", False)
    assert found.used > 0
    assert len(found.trips) == 50
    server, _, memory = judge(found)  # a busy machine answers late
    assert (server.state, memory.state) == ("ok", "ok")


@pytest.mark.slow
async def test_the_parts_of_a_cluster_are_counted(valkey_cluster: ValkeyCluster) -> None:
    found = await examine(valkey_cluster.url)
    assert (found.primaries, found.replicas) == (3, 3)
    assert len(found.trips) == 150
    assert not found.replica
    server, _, memory = judge(found)
    assert (server.state, memory.state) == ("ok", "ok")
    assert server.figure.endswith(", a cluster of 3 primaries and 3 replicas")


async def test_several_that_are_no_cluster(valkey: ValkeyServer) -> None:
    with pytest.raises(Unavailable, match="Several hosts are named, and they are no cluster"):
        await examine(f"redis://127.0.0.1:{free_port()},127.0.0.1:{valkey.port}")


async def test_one_that_forgets_on_its_own_is_found(own_valkey: ValkeyServer) -> None:
    async with redis.Redis.from_url(own_valkey.url) as client:
        await client.config_set("maxmemory", "100mb")
        await client.config_set("maxmemory-policy", "allkeys-lru")
        await client.config_set("appendonly", "yes")
    found = await examine(own_valkey.url)
    assert (found.most, found.policy, found.log) == (100 << 20, "allkeys-lru", True)
    _, _, memory = judge(found)
    assert memory.state == "warning"
    assert "noeviction" in memory.advice


async def test_one_with_a_password_is_not_reached_without(own_valkey: ValkeyServer) -> None:
    async with redis.Redis.from_url(own_valkey.url) as client:
        await client.config_set("requirepass", "secret")
    with pytest.raises(Unavailable, match="wants a password"):
        await examine(own_valkey.url)
    assert (await examine(own_valkey.url.replace("//", "//:secret@"))).name == "Valkey"


async def test_one_that_does_not_answer() -> None:
    for url, advice in (
        (f"redis://127.0.0.1:{free_port()}", "Compare valkey.url with where it listens"),
        ("http://localhost", "valkey.url: "),
    ):
        (said,) = await asyncio.to_thread(list, checks(Config(valkey=Valkey(url=url))))
        assert (said.name, said.state) == ("Valkey", "bad")
        assert advice in said.advice


def said(**differs: object) -> list[Check]:
    return [check for check in judge(replace(FIT, **differs)) if check.state != "ok"]


@pytest.mark.parametrize(
    ("differs", "state", "figure"),
    [
        ({"major": 6, "version": "6.2.1", "name": "Redis"}, "bad", "Redis 6.2.1, too old"),
        ({"replica": True}, "bad", "a replica"),
        ({"sentinels": 3}, "warning", "watched by 3 Sentinels, replicas: 0"),
        ({"trips": [0.02] * 50}, "warning", "p99 20 ms"),
        ({"most": 1_100_000}, "warning", "1.0 MB of 1.1 MB, noeviction"),
        ({"most": 9_000_000, "policy": "volatile-ttl"}, "warning", "volatile-ttl"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    differs: dict[str, object], state: str, figure: str
) -> None:
    (check,) = said(**differs)
    assert check.state == state
    assert figure in check.figure
    assert check.advice


def test_one_that_is_fit() -> None:
    assert not said()
    assert not said(most=10_000_000)
    assert not said(log=True)
    assert not said(sentinels=3, replicas=1)
