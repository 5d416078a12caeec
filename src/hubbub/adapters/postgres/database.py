"""Connections and transactions: and what went wrong, in our words.

A lost connection, a server that starts, stops or is no primary any more, a full disk, a statement
that takes too long are `Unavailable`; when COMMIT was on its way, `OutcomeUnknown`. The pool
connects again by itself, to whichever of the hosts takes writes.

A COMMIT is never cancelled: PostgreSQL would show to everybody what its standby has not got.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final
from weakref import WeakSet

import asyncpg
from msgspec import Struct

from hubbub.adapters.postgres.days import make_days
from hubbub.adapters.postgres.durability import Durability, durability
from hubbub.adapters.postgres.hosts import HELD, Hosts
from hubbub.adapters.postgres.migrate import migrate
from hubbub.adapters.postgres.replica import Replica
from hubbub.adapters.postgres.schema import LOCK
from hubbub.ports import OutcomeUnknown, Unavailable

LOOK_EVERY: Final = 1.0
"""Seconds between two looks whether the database answers."""
LOOK_AGAIN: Final = 0.2
"""While it does not: nobody else asks it meanwhile."""
LOOK: Final = 3.0
"""Seconds in which it has to; two looks without an answer, and whoever waits for it is told."""
FOREVER: Final = 1e8
"""Seconds; the driver wants a number."""

AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TargetServerAttributeNotMatched,
)


class Taken(Unavailable):
    """Another server uses the database."""


class Bounds(Struct, frozen=True):
    """Connections of this process, and seconds that a statement, a wait for a lock, a pause within
    a transaction, connecting and a commit may take.

    The pause is how long a server that is gone without a word holds up those who wait for the
    chats that it had locked (G9).
    """

    connections: int = 10
    statement: float = 10.0
    lock: float = 5.0
    pause: float = 2.0
    connect: float = 5.0
    commit: float = 15.0


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """Nothing is set in a session that would have to be undone: no round trip at each release."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """One database. `start` before anything else, `run` beside, `close` at the end.

    `changed` hears whether it answers, `promoted` that another host takes writes now. `replica` is
    asked first for what may be long.
    """

    def __init__(
        self,
        url: str,
        bounds: Bounds | None = None,
        changed: Callable[[bool], None] = lambda is_ready: None,
        promoted: Callable[[], None] = lambda: None,
        replica: Replica | None = None,
    ) -> None:
        self.url = url
        self.replica = replica
        self._bounds = bounds or Bounds()
        self._changed = changed
        self._beside: Any = None
        self._claim = ""
        self._pool: Any = None
        self._hosts = Hosts(url, self._fail_over)
        self._promoted = promoted
        self._opened: WeakSet[Any] = WeakSet()
        self._days: set[int] = set()
        self.is_ready = False
        self.durability: Durability | None = None

    async def start(self) -> None:
        """Connect, bring the schema up to date. Raises Unavailable."""
        try:
            with speaking():
                self._pool = await self._connect()
                async with self._pool.acquire() as db:
                    self._may_write(await durability(db))
                    await migrate(db)
        except BaseException:
            await self.close()
            raise
        self.is_ready = True

    async def _connect(self) -> Any:
        bounds = self._bounds
        return await asyncpg.create_pool(
            connect=self._open,
            min_size=0,
            max_size=bounds.connections,
            connection_class=_Connection,
            init=_durably,
            timeout=bounds.connect,
            command_timeout=bounds.statement + 5,
            server_settings={
                "application_name": "hubbub",
                "statement_timeout": str(int(bounds.statement * 1000)),
                "lock_timeout": str(int(bounds.lock * 1000)),
                "idle_in_transaction_session_timeout": str(int(bounds.pause * 1000)),
                "plan_cache_mode": "force_generic_plan",
                # Few rows are looked up in large tables. A plan that was made while they were
                # small would read all of them; where there is no other, it is not compiled for it.
                "enable_seqscan": "off",
                "jit": "off",
            },
        )

    async def _open(self, _url: None = None, **how: Any) -> Any:
        db = await self._hosts.connect(**how)
        self._opened.add(db)
        return db

    async def claim(self, shared: bool) -> None:
        """Be the only server on the database, until `close`; or, `shared`, one of several that
        know of each other. Raises Taken, Unavailable.

        Held by a connection of its own: it ends with the process, however that ends.
        """
        lock = "pg_try_advisory_lock_shared" if shared else "pg_try_advisory_lock"
        self._claim = f"SELECT {lock}($1, 1)"
        with speaking():
            await self._stand_beside()

    async def _stand_beside(self) -> None:
        bounds = self._bounds
        self._beside = await self._open(
            timeout=bounds.connect, command_timeout=bounds.statement, server_settings=HELD
        )
        if self._claim and not await self._beside.fetchval(self._claim, LOCK):
            raise Taken(
                "Another server uses the database. Stop it, or choose another one; several"
                " share one when all have the same valkey.url."
            )

    async def watch(self) -> None:
        """Look again and again whether the database answers, until cancelled.

        Raises Taken when another server came while it did not.
        """
        while True:
            await asyncio.sleep(LOOK_EVERY if self.is_ready else LOOK_AGAIN)
            try:
                async with asyncio.timeout(LOOK):
                    await self._look()
                answers = True
            except Taken:
                raise
            except (Unavailable, TimeoutError):
                answers = False
                if not self.is_ready:  # it may hang, or its machine be gone without a word
                    self._begin_anew()
            if answers != self.is_ready:
                self.is_ready = answers
                self._changed(answers)

    async def _look(self) -> None:
        with speaking():
            if self._beside is None or self._beside.is_closed():
                await self._stand_beside()
            self.durability = await durability(self._beside)
            if self.durability.waits:  # for a standby that was promoted, perhaps: all are asked
                (await self._open(timeout=self._bounds.connect)).terminate()

    def _fail_over(self) -> None:
        self._begin_anew()
        self._promoted()

    def _begin_anew(self) -> None:
        """Give all connections up, also those on which somebody waits for an answer."""
        for db in self._opened:
            db.terminate()

    async def close(self) -> None:
        """End all connections. May be called in any state."""
        self.is_ready = False
        if self._pool is not None:
            self._pool.terminate()
        if self._beside is not None:
            self._beside.terminate()

    # ── partitions ──

    async def make_days(self, days: Iterable[int]) -> None:
        """Make the partitions of those days that have none yet. Raises Unavailable."""
        wanted = sorted(set(days) - self._days)
        if not wanted:
            return
        async with self.transaction() as db:
            await make_days(db, wanted)
        self._days.update(wanted)

    def forget_days(self) -> None:
        """Some partition is not there that was: look again."""
        self._days.clear()

    # ── transactions ──

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """All of the block is committed durably, or nothing.

        Raises Unavailable when nothing is stored, OutcomeUnknown when nobody knows.
        """
        self._may_write(self.durability)
        async with self._connection() as db:
            await db.execute("BEGIN")
            try:
                yield db
            except BaseException as error:
                await _roll_back(db, error)
                raise
            try:
                await self._commit(db)
            except AWAY as error:
                raise OutcomeUnknown(_words(error)) from error

    async def _commit(self, db: Any) -> None:
        """Give up, after a time, the connection: it may be waiting for a standby."""
        late = asyncio.get_running_loop().call_later(self._bounds.commit, db.terminate)
        try:
            await asyncio.shield(db.execute("COMMIT", timeout=FOREVER))
        except asyncio.CancelledError:
            db.terminate()
            raise
        finally:
            late.cancel()

    @staticmethod
    def _may_write(durable: Durability | None) -> None:
        if durable is not None and durable.waits:
            raise Unavailable(durable.waits)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Any]:
        """All reads of the block see the same state. Raises Unavailable."""
        async with self._connection() as db:
            await db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            try:
                yield db
            except BaseException as error:
                await _roll_back(db, error)
                raise
            await db.execute("COMMIT")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if self._pool is None:
            raise Unavailable("The database is not open yet.")
        if not self.is_ready:  # at once: nobody waits for that again and again
            raise Unavailable("The database cannot be reached.")
        with speaking():
            try:
                async with self._pool.acquire(timeout=self._bounds.connect) as db:
                    yield db
            except (asyncpg.ReadOnlySQLTransactionError, asyncpg.PostgresConnectionError):
                await self._pool.expire_connections()  # another host may take writes now
                raise


@contextmanager
def speaking() -> Iterator[None]:
    """Failures of the world become Unavailable; mistakes of ours stay what they are."""
    try:
        yield
    except AWAY as error:
        if isinstance(error, ValueError):  # a value that does not fit its column
            raise
        raise Unavailable(_words(error)) from error
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise Unavailable(
            f"PostgreSQL does not let us in ({error}). Check database.url."
        ) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise Unavailable(f"PostgreSQL says: {error}. Create it, or check database.url.") from error


def _words(error: BaseException) -> str:
    return f"The database cannot be used now ({type(error).__name__})."


async def _roll_back(db: Any, error: BaseException) -> None:
    if not isinstance(error, Exception):  # cancelled, perhaps in the middle of a statement
        db.terminate()
    elif not db.is_closed():
        with suppress(*AWAY):
            await db.execute("ROLLBACK")


async def _durably(db: Any) -> None:
    """G1, whatever the server's own settings say; a stronger one stays."""
    await db.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')"
    )
