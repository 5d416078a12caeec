"""The world of the contract tests on PostgreSQL."""

from collections.abc import Awaitable, Callable
from typing import Any

from hubbub.adapters.postgres.database import Bounds, Database
from hubbub.adapters.postgres.store import PostgresStore
from tests.contract.chats.world import World, user


class Settled:
    """An adapter that first does what the test has said without waiting for it."""

    def __init__(self, inner: object, settle: Callable[[], Awaitable[None]]) -> None:
        self._inner = inner
        self._settle = settle

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._inner, name)

        async def call(*args: object) -> object:
            await self._settle()
            return await method(*args)

        return call


class PostgresWorld(World):
    """A database at this address, of a server that the tests have started."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.database = Database(url, Bounds(connections=3, pause=20.0))
        self._waiting: list[tuple[str, tuple[object, ...]]] = []
        self._open = False
        self.reopen()

    def add_user(self, number: int) -> None:
        u = user(number)
        self._waiting.append(
            (
                "INSERT INTO users (id, username, display_name, password_hash, created_at)"
                " VALUES ($1, $2, $3, 'secret', $4)",
                (u.id, u.username, u.display_name, u.created_at),
            )
        )

    def add_session(self, session_id: int, user_id: int, own_places: bool = False) -> None:
        self._waiting.append(
            (
                "INSERT INTO sessions (id, user_id, refresh_hash, device, created_at,"
                " last_used_at, expires_at, own_places) VALUES ($1, $2, $3, '', 0, 0, 0, $4)",
                (session_id, user_id, b"%d" % session_id, own_places),
            )
        )

    def reopen(self) -> None:
        self._open = False
        store: Any = Settled(PostgresStore(self.database), self.settle)
        self.store = self.reader = self.messages = self.own_log = store
        self.joining = self.operating = self.relations = self.referring = store

    async def close(self) -> None:
        await self.database.close()

    async def settle(self) -> None:
        """Do what was said."""
        if not self._open:
            await self.database.close()
            await self.database.start()
            self._open = True
        waiting, self._waiting = self._waiting, []
        if waiting:
            async with self.database.transaction() as db:
                for statement, values in waiting:
                    await db.execute(statement, *values)
