"""`Joining`, seen from the server: each call goes to the store's process."""

from abc import ABC, abstractmethod
from typing import Any

from hubbub.domain.chat import Chat
from hubbub.domain.invite import ChatInvite, Invitation, PublicList


class RemoteJoining(ABC):
    """See the port."""

    @abstractmethod
    async def _call(self, write: bool, name: str, *arguments: Any) -> Any:
        """Ask the process. Raises Unavailable, for a write OutcomeUnknown."""

    async def public_chats(
        self, text: str, before: tuple[int, int] | None, limit: int
    ) -> PublicList:
        """See the port."""
        result: PublicList = await self._call(False, "public_chats", text, before, limit)
        return result

    async def public_chat(self, chat_id: int) -> Chat | None:
        """See the port."""
        result: Chat | None = await self._call(False, "public_chat", chat_id)
        return result

    async def add_chat_invite(self, invite: ChatInvite) -> bool:
        """See the port."""
        result: bool = await self._call(True, "add_chat_invite", invite)
        return result

    async def chat_invites(self, chat_id: int) -> list[ChatInvite]:
        """See the port."""
        result: list[ChatInvite] = await self._call(False, "chat_invites", chat_id)
        return result

    async def end_chat_invite(self, chat_id: int, invite_id: int) -> None:
        """See the port."""
        await self._call(True, "end_chat_invite", chat_id, invite_id)

    async def invitation(self, code_hash: bytes, user_id: int, now: int) -> Invitation | None:
        """See the port."""
        result: Invitation | None = await self._call(False, "invitation", code_hash, user_id, now)
        return result
