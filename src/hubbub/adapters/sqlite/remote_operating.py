"""`Operating`, seen from the server: each call goes to the store's process."""

from abc import ABC, abstractmethod
from typing import Any

from hubbub.domain.tracing import Traced


class RemoteOperating(ABC):
    """See the port."""

    @abstractmethod
    async def _call(self, write: bool, name: str, *arguments: Any) -> Any:
        """Ask the process. Raises Unavailable, for a write OutcomeUnknown."""

    async def trace(self, message_id: int, after: int, limit: int) -> Traced | None:
        """See the port."""
        result: Traced | None = await self._call(False, "trace", message_id, after, limit)
        return result
