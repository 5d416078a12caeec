"""A group of 100,000 members, 15,000 of them connected, who all confirm a message a second."""

from functools import partial
from pathlib import Path

import apsw

from bench import seed
from bench.context import Context, Ground
from bench.load.members import Group, Member, Talk, talk
from bench.load.reactor import clock
from bench.load.sessions import Broken, check
from bench.plan import ChatPlan, Plan
from bench.row import Row
from bench.scenarios.common import open_members
from bench.scenarios.fan_out import describe

NAME = "receipts"
WHAT = "group of 100,000, 15,000 connected: receipts stored, each with its time"
_PATIENCE = 60


def run(context: Context) -> Row:
    """A message a second, until its author was told that all who are connected have the last."""
    row = Row(NAME, WHAT, "–", "–")
    context.local_only("100,000 users")
    here, all_, count = context.pick(15_000, 1_000), context.pick(100_000, 10_000), 10
    with context.ground(Plan(all_, here, [ChatPlan(range(all_), title="large")])) as ground:
        group = Group(ground.world.chats[0])
        members = open_members(ground, group, ground.world.tokens)
        _talk(ground, members, 2)  # reads the group into memory; not counted
        assert ground.data is not None
        bytes_before, receipts_before = stored(ground.data)
        cpu, start = ground.server.cpu_seconds(), clock()
        done = _talk(ground, members, count)
        wall, cpu = clock() - start, ground.server.cpu_seconds() - cpu
        bytes_, receipts = stored(ground.data)
    receipts -= receipts_before
    each = (bytes_ - bytes_before) / receipts
    row.measured = f"{receipts / wall:,.0f} receipts/s, {each:.1f} bytes each"
    row.load = f"{done.cpu / done.wall:.0%} CPU"
    row.broken = "out of order or repeated" if group.disorder else ""
    row.values = {"receipts_per_second": receipts / wall, "bytes": each}
    row.notes.append(f"{describe(done)}; {cpu / wall:.0%} of a core, server and store")
    row.notes.append(
        f"{receipts} receipts of {done.deliveries} deliveries in {wall:.1f} s, "
        f"{cpu / receipts * 1e6:.0f} µs CPU for both; a member has at most one a second"
    )
    for note in row.notes:
        context.say(note)
    return row


def stored(data: Path) -> tuple[int, int]:
    """Bytes of the database for receipts of large groups, and how many there are."""
    db = apsw.Connection(str(data / seed.DATABASE), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        size = db.execute("SELECT sum(pgsize) FROM dbstat WHERE name = 'large_marks'").get
        count = db.execute("SELECT total(json_array_length(users)) FROM large_marks").get
        return int(size), int(count)
    finally:
        db.close()


def _talk(ground: Ground, members: list[Member], count: int) -> Talk:
    """Messages, until their author knows that all have the last. Raises Broken."""
    group, others = members[0].group, len(members) - 1
    done = talk(ground.reactor, group, members, count, pause=1.0)
    if not ground.reactor.run_until(partial(_counted, group, others), _PATIENCE):
        raise Broken(f"{group.counted[1]} of {others} receipts were counted")
    check(ground.reactor)
    return done


def _counted(group: Group, others: int) -> bool:
    return group.counted == (group.newest, others)
