"""`hubbub doctor` where PostgreSQL stores: a real one, and what is said of others."""

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from hubbub.adapters.local import machine
from hubbub.adapters.postgres.durability import Durability
from hubbub.adapters.postgres.examine import SCHEMA, Examined, Followed, examine, follow
from hubbub.adapters.postgres.schema import DAY_MS, partitions
from hubbub.cli import main
from hubbub.config import Database as Told
from hubbub.wiring.doctor.postgres import judge, judge_replica
from tests.support.engines import PostgresServer
from tests.support.server import free_port

FIT = Examined(
    system=7,
    version="18.6",
    major=18,
    standby=False,
    synchronous_commit="on",
    places=97,
    private=True,
    schema=SCHEMA,
    messages=5,
    servers=0,
    newest=0,
    ahead=0.002,
    trips=[0.0002] * 50,
    commits=[0.002] * 50,
    missing=[],
    durability=Durability(True, True, "", 0, 0),
)


def checks(url: str, data: Path) -> dict[str, dict[str, Any]]:
    options = ["--json", "--data", str(data), "--port", str(free_port())]
    result = CliRunner().invoke(main, ["doctor", *options], env={"HUBBUB_DATABASE_URL": url})
    return {check["name"]: check for check in json.loads(result.stdout)["checks"]}


async def test_a_real_one_is_looked_at_and_not_changed(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "sync_times", lambda *_: pytest.fail("the disk is not used"))
    url = await postgres.fresh()
    found = await examine(url)
    assert (found.schema, found.messages, found.missing, found.standby) == (SCHEMA, 0, [], False)
    assert len(found.trips) == len(found.commits) == 50
    assert abs(found.ahead) < 0.5
    said = await asyncio.to_thread(checks, url, tmp_path)
    assert f"schema {SCHEMA} of {SCHEMA}, 0 messages" in said["Database"]["figure"]
    # The tests' server does not sync, and whoever runs one so must hear of it.
    bad = [check["name"] for check in said.values() if check["state"] == "bad"]
    assert bad == ["Durability"]
    assert "Disk sync" not in said


async def test_partitions_that_are_not_there(postgres: PostgresServer) -> None:
    url = await postgres.fresh()
    db = await asyncpg.connect(url)
    tomorrow = int(time.time() * 1000) // DAY_MS + 1
    _, name, _, _ = partitions(tomorrow)[0]
    await db.execute(f"DROP TABLE {name}")
    await db.close()
    assert (await examine(url)).missing == [name]


async def test_one_that_is_not_ours_or_newer(postgres: PostgresServer, tmp_path: Path) -> None:
    url = await postgres.fresh()
    db = await asyncpg.connect(url)
    await db.execute("UPDATE schema_version SET version = version + 2")
    said = (await asyncio.to_thread(checks, url, tmp_path))["Database"]
    assert said["state"] == "bad"
    assert "newer version of Hubbub" in said["advice"]
    await db.execute("DROP TABLE schema_version")
    await db.close()
    said = (await asyncio.to_thread(checks, url, tmp_path))["Database"]
    assert said["state"] == "bad"
    assert "another program" in said["advice"]


def test_one_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"postgres://hubbub@127.0.0.1:{closed.getsockname()[1]}/hubbub"
        said = checks(url, tmp_path)["Database"]
    assert (said["state"], said["figure"]) == ("bad", "cannot be used")


@pytest.mark.parametrize(
    ("name", "state", "advice", "values"),
    [
        ("Database", "bad", "15 or newer", {"major": 14, "version": "14.2"}),
        ("Database", "bad", "Name the primary", {"standby": True, "commits": []}),
        ("Database", "ok", "", {"schema": 0}),
        ("Database", "ok", "", {"schema": SCHEMA - 1}),
        ("Database", "warning", "every day", {"missing": ["messages_20000"]}),
        ("Round trip", "warning", "near the database", {"trips": [0.03] * 50}),
        ("Commit", "warning", "pg_wal", {"commits": [0.05] * 50}),
        ("Commit", "bad", "pg_wal", {"commits": [0.5] * 50}),
        ("Clocks", "warning", "NTP", {"ahead": -0.3}),
        ("Clocks", "bad", "NTP", {"ahead": 2.0}),
        ("Clock", "bad", "Set the clock", {"newest": int(time.time() * 1000) + 3_600_000}),
        ("Connections", "bad", "max_connections", {"places": 11}),
        ("Encryption", "warning", "sslmode", {"private": False}),
    ],
)
def test_what_is_said(name: str, state: str, advice: str, values: dict[str, Any]) -> None:
    assert {check.state for check in judge(FIT, SCHEMA, Told())} == {"ok"}
    found = {check.name: check for check in judge(replace(FIT, **values), SCHEMA, Told())}
    check = found.pop(name)
    assert check.state == state
    assert advice in check.advice
    assert {other.state for other in found.values()} == {"ok"}


@pytest.mark.parametrize(
    ("durability", "alone", "with_standby", "says"),
    [
        (Durability(False, True, "", 0, 0), "bad", "bad", "SET fsync = on"),
        (Durability(True, False, "*", 1, 1), "bad", "bad", "SET full_page_writes = on"),
        (Durability(True, True, "*", 0, 0), "bad", "bad", "start it, or go on without"),
        (Durability(True, True, "ANY 2 (a, b)", 2, 1), "bad", "bad", "start it"),
        (Durability(True, True, "", 2, 0), "warning", "bad", "'ANY 1 (*)'"),
        (Durability(True, True, "", 0, 0), "ok", "bad", "No standby"),
        (Durability(True, True, "a", 1, 0, told=False), "ok", "bad", "GRANT pg_monitor"),
        (Durability(True, True, "a, b", 2, 1), "ok", "ok", ""),
    ],
)
def test_what_is_said_of_durability(
    durability: Durability, alone: str, with_standby: str, says: str
) -> None:
    found = replace(FIT, durability=durability)
    for state, told in ((alone, Told()), (with_standby, Told(durability="standby"))):
        check = next(c for c in judge(found, SCHEMA, told) if c.name == "Durability")
        assert check.state == state
        assert (says in check.advice) == (state != "ok" or not says)


async def test_a_replica_is_looked_at(postgres: PostgresServer) -> None:
    standby = PostgresServer(postgres)
    try:
        standby.start()
        found = await examine(await postgres.fresh())
        await standby.until("SELECT pg_last_wal_replay_lsn() = pg_last_wal_receive_lsn()")
        assert judge_replica(await follow(standby.url()), found).state == "ok"
        alone = judge_replica(await follow(postgres.url()), found)
        assert (alone.state, alone.figure) == ("warning", "no standby: it takes writes")
        await standby.promote()
        await standby.until("SELECT NOT pg_is_in_recovery()")
        assert judge_replica(await follow(standby.url()), found).state == "warning"
    finally:
        await asyncio.to_thread(standby.close)


@pytest.mark.parametrize(
    ("replica", "state", "says"),
    [
        (Followed(7, True, 0.3), "ok", "0.3 s behind"),
        (Followed(7, True, 30.0), "warning", "30.0 s behind"),
        (Followed(7, True, None), "warning", "does not stream"),
        (Followed(8, True, 0.3), "bad", "another database"),
    ],
)
def test_what_is_said_of_a_replica(replica: Followed, state: str, says: str) -> None:
    said = judge_replica(replica, FIT)
    assert said.state == state
    assert says in said.figure
    assert bool(said.advice) == (state != "ok")
