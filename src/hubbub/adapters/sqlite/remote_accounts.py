"""Accounts and what belongs to them, seen from the server: calls go to the store's process."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from hubbub.domain.account import Entered, Identity, Invite, ServerKey, Session, User


class RemoteAccounts(ABC):
    """`Accounts`, `Invites`, `HostAccounts`, `Identities`, `ServerKeys`. See the ports."""

    @abstractmethod
    async def _call(self, write: bool, name: str, *arguments: Any) -> Any:
        """Ask the process. Raises Unavailable, for a write OutcomeUnknown."""

    async def add_user(self, user: User, invite: bytes | None) -> str:
        """See the port."""
        result: str = await self._call(True, "add_user", user, invite)
        return result

    async def users(self, ids: Sequence[int], username: str | None = None) -> list[User]:
        """See the port."""
        result: list[User] = await self._call(False, "users", ids, username)
        return result

    async def add_session(self, session: Session) -> list[int]:
        """See the port."""
        result: list[int] = await self._call(True, "add_session", session)
        return result

    async def rotate(self, old: bytes, new: bytes, now: int, expires_at: int) -> Session | None:
        """See the port."""
        result: Session | None = await self._call(True, "rotate", old, new, now, expires_at)
        return result

    async def sessions(self, user_id: int, now: int) -> list[Session]:
        """See the port."""
        result: list[Session] = await self._call(False, "sessions", user_id, now)
        return result

    async def revoke(self, user_id: int, session_id: int, now: int) -> bool:
        """See the port."""
        result: bool = await self._call(True, "revoke", user_id, session_id, now)
        return result

    async def revoked(self, since: int) -> list[int]:
        """See the port."""
        result: list[int] = await self._call(False, "revoked", since)
        return result

    async def add_invite(self, invite: Invite) -> None:
        """See the port."""
        await self._call(True, "add_invite", invite)

    async def has_users(self) -> bool:
        """See the port."""
        result: bool = await self._call(False, "has_users")
        return result

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

    async def recognise(
        self, identity: Identity, display_name: str, is_admin: bool | None
    ) -> User | None:
        """See the port."""
        result: User | None = await self._call(True, "recognise", identity, display_name, is_admin)
        return result

    async def enrol(self, identity: Identity, user: User) -> User | None:
        """See the port."""
        result: User | None = await self._call(True, "enrol", identity, user)
        return result

    async def link(self, identity: Identity, user_id: int) -> bool:
        """See the port."""
        result: bool = await self._call(True, "link", identity, user_id)
        return result

    async def unlink(self, identity: Identity, now: int) -> User | None:
        """See the port."""
        result: User | None = await self._call(True, "unlink", identity, now)
        return result

    async def identities(self, user_id: int) -> list[Identity]:
        """See the port."""
        result: list[Identity] = await self._call(False, "identities", user_id)
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
