"""The database that `database.url` names, and the server that keeps it."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hubbub.adapters.local.machine import Syncs
from hubbub.config import Config
from hubbub.config import Database as ToldDatabase
from hubbub.ports import Unavailable
from hubbub.wiring.doctor.check import Check, State, round_trip, waits
from hubbub.wiring.doctor.host import steady

if TYPE_CHECKING:
    from hubbub.adapters.postgres.examine import Examined, Followed

OLDEST: Final = 15
"""The oldest PostgreSQL that will do."""
APART: Final = 0.1
TOO_FAR_APART: Final = 1.0
"""Seconds between its clock and ours."""
OURS: Final = 3
"""Connections beside the pool: the claim of the database, the chores, and `hubbub doctor`."""

MOST_BEHIND: Final = 10.0
"""Seconds, as `adapters/postgres/replica.py` has it."""
_ALONE: Final = "the primary reads all of history"
_FAR: Final = "A commit takes several. Run Hubbub near the database, in the same data centre."
_SLOW_COMMIT: Final = (
    "Every acknowledgement waits for one. Look at the disk of PostgreSQL's log (pg_wal), and at "
    "how far its synchronous standby is."
)


def checks(config: Config) -> Iterator[Check]:
    """What is found, in place of the checks of a disk that is not here."""
    try:
        from hubbub.adapters.postgres import examine
    except ImportError:
        advice = "Install it: tools/setup cluster, or pip install 'hubbub[cluster]'."
        yield Check("Database", "bad", "the driver of PostgreSQL is missing", advice)
        return
    try:
        found = asyncio.run(examine.examine(config.database.url))
    except Unavailable as error:
        yield Check("Database", "bad", "cannot be used", f"{error}")
        return
    yield from judge(found, examine.SCHEMA, config.database)
    if config.database.replica_url:
        try:
            yield judge_replica(asyncio.run(examine.follow(config.database.replica_url)), found)
        except Unavailable as error:
            yield Check("Replica", "warning", "cannot be used", f"{error} Until then {_ALONE}.")


def judge(found: "Examined", schema: int, told: ToldDatabase) -> Iterator[Check]:
    """What is to be said of it. `schema`: the newest; `told`: the settings."""
    yield _database(found, schema)
    yield round_trip("Round trip", found.trips, _FAR)
    if found.commits:
        yield waits("Commit", _syncs(found.commits, found.ahead), "", _SLOW_COMMIT)
    yield _durability(found, told.durability == "standby")
    yield steady(0.0, found.newest)
    yield _clocks(found)
    yield _connections(found, told.connections)
    if not found.private:
        advice = "Messages can be read on the way. Add ?sslmode=verify-full to database.url."
        yield Check("Encryption", "warning", "none on the way to the database", advice)


def judge_replica(replica: "Followed", database: "Examined") -> Check:
    """What is to be said of what is to be one of this database."""
    if replica.system != database.system:
        advice = "Name a standby of database.url in database.replica_url, nothing else."
        return Check("Replica", "bad", "a copy of another database", advice)
    if not replica.standby:
        advice = f"Name another, or make it a standby again. Until then {_ALONE}."
        return Check("Replica", "warning", "no standby: it takes writes", advice)
    if replica.behind is None:
        advice = f"Look at its log, and at its primary_conninfo. Until then {_ALONE}."
        return Check("Replica", "warning", "it does not stream from anybody", advice)
    figure, values = f"{replica.behind:.1f} s behind", {"behind_s": replica.behind}
    if replica.behind < MOST_BEHIND:
        return Check("Replica", "ok", figure, values=values)
    advice = f"Look at its disk and at pg_stat_replication on the primary. Until then {_ALONE}."
    return Check("Replica", "warning", figure, advice, values)


def _database(found: "Examined", newest: int) -> Check:
    figure = f"PostgreSQL {found.version}, "
    if found.major < OLDEST:
        advice = f"Hubbub needs PostgreSQL {OLDEST} or newer: upgrade it."
        return Check("Database", "bad", figure + "too old", advice)
    if found.standby:
        advice = "Name the primary in database.url, or all hosts with commas between them."
        return Check("Database", "bad", figure + "a standby, which takes no writes", advice)
    if not found.schema:
        return Check("Database", "ok", figure + "nothing in it yet: the first start makes it")
    figure += f"schema {found.schema} of {newest}, {found.messages:,} messages"
    if found.schema < newest:
        return Check("Database", "ok", figure + "; the next start migrates it")
    if found.missing:
        advice = "A server makes them every day. If one runs, look at its log for why it does not."
        figure += f"; no partition {', '.join(found.missing)}"
        return Check("Database", "warning", figure, advice)
    return Check("Database", "ok", figure)


def _durability(found: "Examined", needs_standby: bool) -> Check:
    has = found.durability
    figure = (
        f"fsync={_on(has.fsync)}, full_page_writes={_on(has.full_page_writes)}, "
        f"synchronous_commit={found.synchronous_commit}, "
    )
    synchronous = f"{has.synchronous} of {has.standbys} standbys synchronous"
    figure += synchronous if has.standbys else "no standby"
    bad = has.unready(needs_standby) or has.unsafe
    if bad:
        return Check("Durability", "bad", figure, bad)
    if warnings := has.warnings():
        return Check("Durability", "warning", figure, " ".join(warnings))
    return Check("Durability", "ok", figure)


def _clocks(found: "Examined") -> Check:
    figure = f"the database's is {round(found.ahead * 1000):+,d} ms from here"
    values = {"ahead_ms": found.ahead * 1000}
    if abs(found.ahead) < APART:
        return Check("Clocks", "ok", figure, values=values)
    advice = "Run an NTP service on both machines: chrony, say."
    state: State = "bad" if abs(found.ahead) > TOO_FAR_APART else "warning"
    return Check("Clocks", state, figure, advice, values)


def _connections(found: "Examined", wanted: int) -> Check:
    servers = max(1, found.servers)
    wanted = servers * (wanted + OURS)
    figure = f"{found.places} for the {wanted} that "
    figure += "Hubbub may open" if servers == 1 else f"{servers} servers may open"
    values = {"limit": found.places, "wanted": wanted}
    if found.places >= wanted:
        return Check("Connections", "ok", figure, values=values)
    advice = "Raise max_connections in PostgreSQL, or lower database.connections."
    return Check("Connections", "bad", figure, advice, values)


def _syncs(times: list[float], drift: float) -> Syncs:
    return Syncs(len(times), times[len(times) // 2], times[int(len(times) * 0.99)], drift)


def _on(is_on: bool) -> str:
    return "on" if is_on else "OFF"
