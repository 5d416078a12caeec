"""`Referring`, seen from the server: each call goes to the store's process."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from hubbub.domain.message import Row
from hubbub.domain.view import MentionList, ThreadView
from hubbub.ports import SourceRead


class RemoteReferring(ABC):
    """See the port."""

    @abstractmethod
    async def _call(self, write: bool, name: str, *arguments: Any) -> Any:
        """Ask the process. Raises Unavailable, for a write OutcomeUnknown."""

    async def thread(
        self, user_id: int, message_id: int, newest_first: bool, place: int, limit: int
    ) -> ThreadView | None:
        """See the port."""
        result: ThreadView | None = await self._call(
            False, "thread", user_id, message_id, newest_first, place, limit
        )
        return result

    async def mentions(
        self, user_id: int, before: tuple[int, int, int] | None, limit: int
    ) -> MentionList:
        """See the port."""
        result: MentionList = await self._call(False, "mentions", user_id, before, limit)
        return result

    async def sources(self, reads: Sequence[SourceRead]) -> list[Row | None]:
        """See the port."""
        result: list[Row | None] = await self._call(False, "sources", reads)
        return result
