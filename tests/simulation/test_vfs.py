"""The simulated disk loses what was not synced, keeps what was, and the tests can tell."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import apsw
import pytest

from hubbub.adapters.sqlite.database import open_database
from hubbub.adapters.sqlite.process import settle
from tests.simulation import replayable, seeds
from tests.simulation.vfs import (
    Op,
    Operation,
    PowerCutError,
    PowerLossVFS,
    SimulatedIOError,
    io_error,
    no_space,
)

State = dict[int, bytes]
CHECKPOINTS = (
    apsw.SQLITE_CHECKPOINT_PASSIVE,
    apsw.SQLITE_CHECKPOINT_FULL,
    apsw.SQLITE_CHECKPOINT_RESTART,
    apsw.SQLITE_CHECKPOINT_TRUNCATE,
)
SEEDS = 25


class LostError(AssertionError):
    """The database does not hold what its commits promised."""


class Database:
    """A writer, a reader and a checkpointer on one file, and what their commits promised."""

    def __init__(self, disk: PowerLossVFS, synchronous: str, journal: str = "wal") -> None:
        self.disk = disk
        self.synchronous = synchronous
        self.journal = journal
        self.promised: State = {}
        self.history: list[State] = [{}]
        self.attempted: list[State] = []  # commits that failed: they may have happened or not
        self.connections: list[apsw.Connection] = []

    def connect(self) -> apsw.Connection:
        connection = apsw.Connection(str(self.disk.root / "chat.db"), vfs=self.disk.name)
        self.connections.append(connection)
        connection.pragma("journal_mode", self.journal)
        connection.pragma("synchronous", self.synchronous)
        connection.pragma("cache_size", 20)
        connection.pragma("wal_autocheckpoint", 0)
        return connection

    def open(self) -> None:
        self.writer, self.reader, self.checkpointer = (self.connect() for _ in range(3))
        self.writer.execute("CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, body BLOB)")
        self.writer.execute("CREATE INDEX IF NOT EXISTS bodies ON log (body)")

    def close(self) -> None:
        for connection in self.connections:
            connection.close()
        self.connections.clear()

    def state(self, connection: apsw.Connection) -> State:
        return dict(connection.execute("SELECT id, body FROM log"))

    def transact(self, rng: Random) -> None:
        """Change something and commit; a failure leaves the promise as it was."""
        wanted = dict(self.promised)
        try:
            self.writer.execute("BEGIN IMMEDIATE")
            for _ in range(rng.randint(1, 6)):
                key = rng.randint(1, 400)
                if wanted.pop(key, None) is not None and rng.random() < 0.3:
                    self.writer.execute("DELETE FROM log WHERE id = ?", (key,))
                    continue
                wanted[key] = rng.randbytes(rng.choice((10, 100, 3000)))
                self.writer.execute("REPLACE INTO log VALUES (?, ?)", (key, wanted[key]))
            self.attempted.append(wanted)
            self.writer.execute("COMMIT")
        except apsw.Error:
            if self.writer.in_transaction and not self.disk.is_off:
                self.writer.execute("ROLLBACK")
            raise
        self.promised, self.attempted = wanted, []
        self.history.append(wanted)

    def checkpoint(self, rng: Random) -> None:
        with suppress(apsw.BusyError):
            self.checkpointer.wal_checkpoint("main", rng.choice(CHECKPOINTS))

    def check(self, *, may_be_older: bool = False) -> None:
        """Reopen and compare; raises `LostError`."""
        try:
            self.open()
            broken = self.writer.pragma("integrity_check")
            found = self.state(self.reader)
        except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError) as error:
            raise LostError(f"the file is broken: {error!r}") from error
        if broken != "ok":
            raise LostError(f"integrity_check: {broken}")
        if found not in (self.promised, *self.attempted):
            older = may_be_older and found in self.history
            if not older:
                raise LostError(f"{len(found)} rows found, {len(self.promised)} promised")
        self.promised, self.attempted = found, []
        self.history.append(found)


@pytest.fixture
def disk() -> Iterator[PowerLossVFS]:
    with fresh_disk(0) as made:
        yield made


@contextmanager
def fresh_disk(seed: int, *, drops: bool = False) -> Iterator[PowerLossVFS]:
    sector = 512 if seed % 2 else 4096
    made = PowerLossVFS(seed=seed, sector=sector, failed_sync_drops=drops)
    try:
        yield made
    finally:
        made.power_off()
        gc.collect()
        made.close()


def live(database: Database, rng: Random, *, faults: bool = False) -> None:
    """Commit, read and checkpoint until the power goes at some operation."""
    database.disk.power_off(after=rng.randint(1, 250))
    try:
        while True:
            if faults and rng.random() < 0.1:
                if rng.random() < 0.5:
                    database.disk.fail_next("sync", io_error("sync"))
                else:
                    database.disk.fail_next("write", rng.choice((no_space, io_error("write"))))
            try:
                if rng.random() < 0.15:
                    database.checkpoint(rng)
                database.transact(rng)
            except PowerCutError:
                raise
            except (apsw.FullError, apsw.IOError):
                assert faults
            assert database.state(database.reader) == database.promised
    except PowerCutError:
        return


def endure(
    seed: int,
    synchronous: str,
    *,
    journal: str = "wal",
    kill: bool = False,
    faults: bool = False,
    may_be_older: bool = False,
    drops: bool = False,
) -> None:
    """Live through four ends of the world; after each, what was committed must be there."""
    rng = Random(seed)
    with replayable(seed), fresh_disk(seed, drops=drops) as disk:
        database = Database(disk, synchronous, journal)
        database.open()
        for _ in range(4):
            live(database, rng, faults=faults)
            database.close()
            disk.heal()
            if kill:
                disk.crash()
            else:
                disk.power_loss(rng)
            database.check(may_be_older=may_be_older)
        database.close()


def loses(seed: int, synchronous: str) -> bool:
    try:
        endure(seed, synchronous)
    except LostError:
        return True
    return False


def fill(database: Database, rng: Random) -> None:
    """Commit until something fails."""
    while True:
        database.transact(rng)


def test_full_sync_loses_nothing_to_power_losses() -> None:
    for seed in seeds(SEEDS, most=100):
        endure(seed, "FULL")


@pytest.mark.parametrize("drops", [False, True])
def test_full_sync_loses_nothing_when_writes_and_syncs_fail_as_well(drops: bool) -> None:
    for seed in seeds(SEEDS, most=100):
        endure(seed, "FULL", faults=True, drops=drops)


def test_without_sync_something_is_lost_and_the_check_sees_it() -> None:
    losses = [seed for seed in range(20) if loses(seed, "OFF")]
    assert len(losses) > 5


def test_normal_sync_loses_commits_but_never_the_file() -> None:
    """SQLite's promise for WAL with NORMAL: a power loss may take the last commits, no more."""
    for seed in seeds(SEEDS, most=100):
        endure(seed, "NORMAL", may_be_older=True)
    losses = [seed for seed in range(20) if loses(seed, "NORMAL")]
    assert len(losses) > 5


def test_a_rollback_journal_with_extra_sync_loses_nothing() -> None:
    for seed in seeds(SEEDS, most=100):
        endure(seed, "EXTRA", journal="delete")


@pytest.mark.parametrize("synchronous", ["FULL", "OFF"])
def test_kill_9_loses_nothing(synchronous: str) -> None:
    for seed in seeds(SEEDS, most=100):
        endure(seed, synchronous, kill=True)


def test_a_full_disk_is_reported_and_enlarged_without_reopening(disk: PowerLossVFS) -> None:
    database, rng = Database(disk, "FULL"), Random(1)
    database.open()
    disk.limit = disk.used + 200_000
    with pytest.raises(apsw.FullError):
        fill(database, rng)
    with pytest.raises(apsw.FullError):
        fill(database, rng)
    assert database.state(database.reader) == database.promised
    disk.limit *= 2
    before = len(database.history)
    while len(database.history) < before + 50:
        database.transact(rng)
        database.checkpoint(rng)
    assert disk.used <= disk.limit
    database.close()
    disk.power_loss(rng)
    database.check()


def test_a_failed_sync_is_no_commit(disk: PowerLossVFS) -> None:
    database, rng = Database(disk, "FULL"), Random(2)
    database.open()
    database.transact(rng)
    disk.fail_next("sync", io_error("sync"), lambda asked: asked.path.endswith("-wal"))
    with pytest.raises(apsw.IOError) as caught:
        database.transact(rng)
    assert isinstance(caught.value, SimulatedIOError)
    assert caught.value.extendedresult == apsw.SQLITE_IOERR_FSYNC
    assert database.state(database.reader) == database.promised
    disk.power_off()
    database.close()
    disk.power_loss(rng)
    database.check()
    database.transact(rng)


@pytest.mark.parametrize("checkpoint_first", [True, False])
def test_after_a_failed_sync_a_new_process_must_checkpoint_first(checkpoint_first: bool) -> None:
    """On Linux a failed sync forgets its pages, and the page cache still shows them.

    A new process reads the failed commit from there, takes it for durable and commits behind the
    hole that the device has in its place; the next power loss takes both. A checkpoint at the
    start writes what was found into the database, so that nothing depends on the hole.
    """

    def survives(seed: int) -> bool:
        rng = Random(seed)
        with replayable(seed), fresh_disk(seed, drops=True) as disk:
            database = Database(disk, "FULL")
            database.open()
            disk.fail_next("sync", io_error("sync"))
            with pytest.raises(apsw.IOError):
                database.transact(rng)
            disk.power_off()
            database.close()
            disk.crash()
            database.check()
            if checkpoint_first:
                database.checkpointer.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_TRUNCATE)
            database.transact(rng)
            disk.power_off()
            database.close()
            disk.power_loss(rng)
            with suppress(LostError):
                database.check()
                return True
            return False

    survived = [survives(seed) for seed in range(20)]
    assert all(survived) if checkpoint_first else not all(survived)


@pytest.mark.parametrize("seed", range(40))
def test_after_a_start_the_old_log_does_not_come_back(seed: int) -> None:
    disk = PowerLossVFS(sector=4096)
    path, rng = str(disk.root / "hubbub.db"), Random(seed)
    database = open_database(path, vfs=disk.name)
    settle(database)
    add = "INSERT INTO invites (code_hash, created_by, expires_at, uses) VALUES (?, 1, 1, 1)"
    for number in range(30):
        database.execute(add, (bytes([number]),))
    database.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    disk.power_off(after=rng.randint(1, 3))  # the log begins anew: its header, the header's sync
    with pytest.raises(apsw.IOError):
        database.execute(add, (bytes([30]),))
    database.close(force=True)
    disk.crash()
    database = open_database(path, vfs=disk.name)
    settle(database)
    disk.power_off()
    database.close(force=True)
    disk.power_loss(rng)
    database = open_database(path, vfs=disk.name)
    assert database.execute("SELECT count(*) FROM invites").get >= 30
    database.close()
    disk.close()


@pytest.mark.parametrize("hindrance", ["power", "sync"])
@pytest.mark.parametrize("seed", range(20))
def test_a_start_that_fails_after_a_failed_sync_leaves_no_half_transaction(
    seed: int, hindrance: str
) -> None:
    disk = PowerLossVFS(seed=seed, sector=4096, failed_sync_drops=True)
    path, rng = str(disk.root / "hubbub.db"), Random(seed)
    database = open_database(path, vfs=disk.name)
    database.execute("CREATE TABLE a (x); CREATE TABLE b (x)")
    rows = [(bytes(900),)] * 30
    for table in "ab":
        database.executemany(f"INSERT INTO {table} VALUES (?)", rows)
    settle(database)
    disk.fail_next("sync", io_error("sync"))
    database.execute("BEGIN")
    for table in "ab":
        database.execute(f"UPDATE {table} SET x = ?", (b"1" * 900,))
    with pytest.raises(apsw.IOError):
        database.execute("COMMIT")
    disk.power_off()
    database.close(force=True)
    disk.crash()
    if hindrance == "power":
        disk.power_off(after=rng.randint(1, 40))
    else:
        disk.fail_next("sync", io_error("sync"), lambda it: it.path == path)
    database = open_database(path, vfs=disk.name)
    for _ in range(40):
        try:
            settle(database)
        except apsw.IOError:
            break
    else:
        pytest.fail("nothing hindered the start")
    disk.power_off()
    database.close(force=True)
    disk.power_loss(rng)
    database = open_database(path, vfs=disk.name)
    found = database.execute("SELECT x FROM a UNION ALL SELECT x FROM b").fetchall()
    assert len(found) == 60
    assert len(set(found)) == 1
    database.close()
    disk.close()


@pytest.mark.parametrize(
    ("op", "suffix"), [("write", "-wal"), ("sync", ".db"), ("read", ".db"), ("delete", "-wal")]
)
def test_a_fault_meets_the_operation_it_was_meant_for(
    disk: PowerLossVFS, op: Op, suffix: str
) -> None:
    database, rng, met = Database(disk, "FULL"), Random(3), list[Operation]()

    def chosen(asked: Operation) -> bool:
        if asked.path.endswith(suffix):
            met.append(asked)
        return asked.path.endswith(suffix)

    database.open()
    database.transact(rng)
    disk.fail_next(op, io_error(op), chosen)
    with suppress(apsw.IOError):
        database.transact(rng)
        database.checkpoint(rng)
        database.close()
        apsw.Connection(str(disk.root / "chat.db"), vfs=disk.name).pragma("user_version")
    assert [asked.op for asked in met] == [op]


def test_dead_handles_touch_nothing_of_the_living(disk: PowerLossVFS) -> None:
    old, rng = Database(disk, "FULL"), Random(4)
    old.open()
    old.transact(rng)
    old.writer.execute("BEGIN IMMEDIATE")
    old.writer.execute("DELETE FROM log")
    disk.crash()
    new = Database(disk, "FULL")
    new.promised = dict(old.promised)
    new.check()
    with pytest.raises(apsw.IOError):
        old.writer.execute("COMMIT")
    new.transact(rng)
    old.close()
    new.transact(rng)
    assert new.state(new.reader) == new.promised
    new.close()


def test_nothing_is_possible_while_the_power_is_off(disk: PowerLossVFS) -> None:
    cuts: list[int] = []
    disk.on_power_cut = lambda: cuts.append(1)
    database = Database(disk, "FULL")
    database.open()
    disk.power_off(after=1)
    with pytest.raises(PowerCutError):
        database.transact(Random(5))
    assert disk.is_off
    assert cuts == [1]
    with pytest.raises(apsw.Error):
        database.connect()
    database.close()


def test_files_outside_the_disk_are_refused(disk: PowerLossVFS, tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        apsw.Connection(str(tmp_path / "real.db"), vfs=disk.name)


def test_a_file_laid_onto_the_disk_is_durable(disk: PowerLossVFS, tmp_path: Path) -> None:
    with apsw.Connection(str(tmp_path / "template.db")) as template:
        template.execute("CREATE TABLE laid (x)")
    template.close()
    (disk.root / "chat.db").write_bytes((tmp_path / "template.db").read_bytes())
    apsw.Connection(str(disk.root / "chat.db"), vfs=disk.name).close()
    disk.power_loss(Random(6))
    again = apsw.Connection(str(disk.root / "chat.db"), vfs=disk.name)
    assert again.execute("SELECT name FROM sqlite_schema").get == "laid"
    again.close()


def test_the_same_seed_loses_the_same() -> None:
    def once(seed: int) -> tuple[dict[str, int], float]:
        with fresh_disk(seed) as disk:
            database, rng = Database(disk, "OFF"), Random(seed)
            database.open()
            for _ in range(20):
                database.transact(rng)
            disk.power_off()
            database.close()
            disk.power_loss(rng)
            # Not the bytes: SQLite draws the salts of its WAL itself.
            return {path.name: path.stat().st_size for path in disk.root.iterdir()}, rng.random()

    left = [once(seed) for seed in range(8)]
    assert left == [once(seed) for seed in range(8)]
    assert any(left[0] != other for other in left[1:])


def test_waiting_for_a_lock_takes_no_time(disk: PowerLossVFS) -> None:
    database = Database(disk, "FULL")
    database.open()
    database.reader.set_busy_timeout(60_000)
    database.writer.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(apsw.BusyError):
        database.reader.execute("BEGIN IMMEDIATE")
    assert time.monotonic() - began < 10
    database.close()


def test_the_disk_is_quick(disk: PowerLossVFS) -> None:
    """Far below what the simulation needs, so that a busy machine does not fail it."""
    database = Database(disk, "FULL")
    database.open()
    begin = time.process_time()
    for number in range(1000):
        database.writer.execute("INSERT INTO log VALUES (?, ?)", (number, b"x" * 100))
    assert 1000 / (time.process_time() - begin) > 1000
    assert disk.stats["sync"] >= 1000
    database.close()
