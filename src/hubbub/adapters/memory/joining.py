"""How people come into groups by themselves, in dictionaries."""

from hubbub.adapters.memory.state import State
from hubbub.domain.chat import Chat
from hubbub.domain.invite import (
    LOOKED_AT,
    MOST,
    ChatInvite,
    Invitation,
    PublicList,
    matches,
)
from hubbub.domain.policy import may_come_in


class MemoryJoining:
    """`Joining` on the state of a `MemoryChatStore`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def public_chats(
        self, text: str, before: tuple[int, int] | None, limit: int
    ) -> PublicList:
        """`Joining.public_chats`."""
        public = [c for c in self._state.chats.values() if c.visibility == "public"]
        order = sorted(public, key=lambda c: (c.size, c.id), reverse=True)
        rest = [c for c in order if before is None or (c.size, c.id) < before]
        found: list[Chat] = []
        for index, chat in enumerate(rest):
            if len(found) == limit or index == LOOKED_AT:
                last = rest[index - 1]
                return PublicList(found, (last.size, last.id))
            if matches(chat, text):
                found.append(chat)
        return PublicList(found, None)

    async def public_chat(self, chat_id: int) -> Chat | None:
        """`Joining.public_chat`."""
        chat = self._state.chats.get(chat_id)
        return chat if chat is not None and chat.is_open else None

    async def add_chat_invite(self, invite: ChatInvite) -> bool:
        """`Joining.add_chat_invite`."""
        invites = self._state.invites
        others = [i for i in await self.chat_invites(invite.chat_id) if i.id != invite.id]
        spent = [i for i in others if i.spent(invite.created_at)]
        if len(others) - len(spent) >= MOST:
            return False
        for each in spent:
            del invites[each.code_hash]
        invites.setdefault(invite.code_hash, invite)
        return True

    async def chat_invites(self, chat_id: int) -> list[ChatInvite]:
        """`Joining.chat_invites`."""
        found = [i for i in self._state.invites.values() if i.chat_id == chat_id]
        return sorted(found, key=lambda i: i.id, reverse=True)

    async def end_chat_invite(self, chat_id: int, invite_id: int) -> None:
        """`Joining.end_chat_invite`."""
        for invite in await self.chat_invites(chat_id):
            if invite.id == invite_id:
                del self._state.invites[invite.code_hash]

    async def invitation(self, code_hash: bytes, user_id: int, now: int) -> Invitation | None:
        """`Joining.invitation`."""
        state = self._state
        invite = state.invites.get(code_hash)
        if invite is None or invite.created_by not in state.users:
            return None
        chat = state.chats[invite.chat_id]
        maker = state.present(chat.id, invite.created_by)
        opens = invite.opens(None if maker is None else maker.role, now)
        removed = (chat.id, user_id) in state.removed
        present = state.present(chat.id, user_id) is not None
        if not present and may_come_in(chat, 0, removed, opens) is not None:
            return None
        return Invitation(chat, state.users[invite.created_by])
