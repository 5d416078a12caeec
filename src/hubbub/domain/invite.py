"""Invites into a group: links whose code lets people in, so often and so long.

The code itself is kept by nobody, only its hash.
"""

from typing import Final

from msgspec import Struct

from hubbub.domain.account import User
from hubbub.domain.chat import Chat, Role

MOST: Final = 100
"""Invites of a group that can be used."""


class ChatInvite(Struct, frozen=True, array_like=True):
    """`expires_at` in Unix ms, 0: never. `max_uses` 0: any number. `uses`: how often it was."""

    id: int
    chat_id: int
    code_hash: bytes
    created_by: int
    created_at: int
    expires_at: int
    max_uses: int
    uses: int = 0

    def spent(self, now: int) -> bool:
        """Whether nobody can come in by it any more, whoever made it."""
        over = bool(self.expires_at) and self.expires_at <= now
        return over or (bool(self.max_uses) and self.uses >= self.max_uses)

    def opens(self, maker: Role | None, now: int) -> bool:
        """Whether one can come in by it. `maker`: the role of who made it, None: not a member.

        It is good while he may add members himself.
        """
        return maker in ("owner", "admin") and not self.spent(now)


class Invitation(Struct, frozen=True, array_like=True):
    """What an invite leads to, for who has its code."""

    chat: Chat
    invited_by: User


class PublicList(Struct, frozen=True, array_like=True):
    """Public groups, the largest first; `cursor` = (size, id) of the last that was looked at."""

    chats: list[Chat]
    cursor: tuple[int, int] | None


LOOKED_AT: Final = 2_000
"""Public groups that one page looks at: so it may be short, or empty, with others to follow."""


def matches(chat: Chat, text: str) -> bool:
    """Whether a public group is one that a search means."""
    return chat.is_open and text.casefold() in f"{chat.title}\n{chat.description}".casefold()
