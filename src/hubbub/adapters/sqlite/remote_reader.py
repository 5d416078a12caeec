"""What `SqliteReader` serves, seen from the server: each call goes to the store's process."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from hubbub.domain.own import MeEvent
from hubbub.domain.view import (
    ChatList,
    ChatView,
    History,
    MemberList,
    MessageView,
    ReactionList,
    ReceiptList,
    Versions,
)
from hubbub.ports import CursorState


class RemoteReader(ABC):
    """See the ports."""

    @abstractmethod
    async def _call(self, write: bool, name: str, *arguments: Any) -> Any:
        """Ask the process. Raises Unavailable, for a write OutcomeUnknown."""

    # ChatReader
    async def chat(self, user_id: int, chat_id: int) -> ChatView | None:
        """See the port."""
        result: ChatView | None = await self._call(False, "chat", user_id, chat_id)
        return result

    async def chats(self, user_id: int, before: tuple[int, int] | None, limit: int) -> ChatList:
        """See the port."""
        result: ChatList = await self._call(False, "chats", user_id, before, limit)
        return result

    async def members(
        self, user_id: int, chat_id: int, after: int, limit: int
    ) -> MemberList | None:
        """See the port."""
        result: MemberList | None = await self._call(
            False, "members", user_id, chat_id, after, limit
        )
        return result

    async def history(
        self, user_id: int, chat_id: int, direction: str, anchor: int, limit: int
    ) -> History | None:
        """See the port."""
        result: History | None = await self._call(
            False, "history", user_id, chat_id, direction, anchor, limit
        )
        return result

    async def message(self, user_id: int, message_id: int) -> MessageView | None:
        """See the port."""
        result: MessageView | None = await self._call(False, "message", user_id, message_id)
        return result

    async def receipts(
        self, user_id: int, message_id: int, after: int, limit: int
    ) -> ReceiptList | None:
        """See the port."""
        result: ReceiptList | None = await self._call(
            False, "receipts", user_id, message_id, after, limit
        )
        return result

    async def cursors(self, user_id: int, chat_ids: Sequence[int]) -> list[CursorState]:
        """See the port."""
        result: list[CursorState] = await self._call(False, "cursors", user_id, chat_ids)
        return result

    # OwnLog
    async def me(self, user_id: int, after: int, limit: int) -> tuple[list[MeEvent], int]:
        """See the port."""
        result: tuple[list[MeEvent], int] = await self._call(False, "me", user_id, after, limit)
        return result

    # MessageReader
    async def versions(self, user_id: int, message_id: int) -> Versions | None:
        """See the port."""
        result: Versions | None = await self._call(False, "versions", user_id, message_id)
        return result

    async def pins(self, user_id: int, chat_id: int) -> History | None:
        """See the port."""
        result: History | None = await self._call(False, "pins", user_id, chat_id)
        return result

    async def reactions(
        self, user_id: int, message_id: int, after: int, limit: int
    ) -> ReactionList | None:
        """See the port."""
        asked = (user_id, message_id, after, limit)
        result: ReactionList | None = await self._call(False, "reactions", *asked)
        return result
