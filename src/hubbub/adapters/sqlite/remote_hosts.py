"""`HostAccounts` and `ServerKeys`, seen from the server: each call goes to the store's process."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from hubbub.domain.account import Entered, ServerKey, Session, User


class RemoteHosts(ABC):
    """See the ports."""

    @abstractmethod
    async def _call(self, write: bool, name: str, *arguments: Any) -> Any:
        """Ask the process. Raises Unavailable, for a write OutcomeUnknown."""

    async def enter(self, user: User, session: Session, issued_at: int) -> Entered:
        """See the port."""
        result: Entered = await self._call(True, "enter", user, session, issued_at)
        return result

    async def put_users(self, users: Sequence[User]) -> list[User]:
        """See the port."""
        result: list[User] = await self._call(True, "put_users", users)
        return result

    async def named(self, names: Sequence[str]) -> list[User]:
        """See the port."""
        result: list[User] = await self._call(False, "named", names)
        return result

    async def add_key(self, key: ServerKey) -> bool:
        """See the port."""
        result: bool = await self._call(True, "add_key", key)
        return result

    async def key(self, key_hash: bytes) -> ServerKey | None:
        """See the port."""
        result: ServerKey | None = await self._call(False, "key", key_hash)
        return result

    async def keys(self) -> list[ServerKey]:
        """See the port."""
        result: list[ServerKey] = await self._call(False, "keys")
        return result

    async def drop_key(self, name: str) -> bool:
        """See the port."""
        result: bool = await self._call(True, "drop_key", name)
        return result
