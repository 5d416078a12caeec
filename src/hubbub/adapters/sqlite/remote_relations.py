"""`Relations`, seen from the server: each call goes to the store's process."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from hubbub.domain.relation import Pair, Relation


class RemoteRelations(ABC):
    """See the port."""

    @abstractmethod
    async def _call(self, write: bool, name: str, *arguments: Any) -> Any:
        """Ask the process. Raises Unavailable, for a write OutcomeUnknown."""

    async def relations(self, pairs: Sequence[Pair]) -> list[Relation | None]:
        """See the port."""
        result: list[Relation | None] = await self._call(False, "relations", pairs)
        return result
