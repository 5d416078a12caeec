"""`Relations`, seen from the server: each call goes to the store's process."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from hubbub.domain.account import User
from hubbub.domain.relation import Pair, Relation, Stance


class RemoteRelations(ABC):
    """See the port."""

    @abstractmethod
    async def _call(self, write: bool, name: str, *arguments: Any) -> Any:
        """Ask the process. Raises Unavailable, for a write OutcomeUnknown."""

    async def relations(self, pairs: Sequence[Pair]) -> list[Relation | None]:
        """See the port."""
        result: list[Relation | None] = await self._call(False, "relations", pairs)
        return result

    async def stance(self, user_id: int) -> Stance:
        """See the port."""
        result: Stance = await self._call(False, "stance", user_id)
        return result

    async def blocked(self, user_id: int, after: int, limit: int) -> list[User]:
        """See the port."""
        result: list[User] = await self._call(False, "blocked", user_id, after, limit)
        return result
