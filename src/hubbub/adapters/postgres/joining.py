"""How people come into groups by themselves: public ones, and invites."""

from typing import Any, Final

from hubbub.adapters.postgres.database import Database
from hubbub.adapters.postgres.rows import CHAT, chat_of, load_chat
from hubbub.domain.account import User
from hubbub.domain.chat import Chat, Role
from hubbub.domain.invite import (
    LOOKED_AT,
    MOST,
    ChatInvite,
    Invitation,
    PublicList,
    matches,
)
from hubbub.domain.policy import may_come_in

INVITE: Final = "id, chat_id, code_hash, created_by, created_at, expires_at, max_uses, uses"
USER: Final = "u.id, u.username, u.display_name, '', u.is_admin, u.created_at"
PUBLIC: Final = (
    f"SELECT {CHAT} FROM chats WHERE visibility = 'public'"
    " AND (size, id) < ($1::bigint, $2::bigint) ORDER BY size DESC, id DESC LIMIT $3"
)
END: Final = 2**62


async def find_invite(db: Any, code_hash: bytes) -> tuple[ChatInvite, Role | None] | None:
    """An invite by its code, and the role of who made it."""
    row = await db.fetchrow(f"SELECT {INVITE} FROM chat_invites WHERE code_hash = $1", code_hash)
    if row is None:
        return None
    invite = ChatInvite(*row)
    return invite, await _role(db, invite.chat_id, invite.created_by)


async def _role(db: Any, chat_id: int, user_id: int) -> Role | None:
    query = "SELECT role FROM members WHERE chat_id = $1 AND user_id = $2 AND until IS NULL"
    role: Role | None = await db.fetchval(query, chat_id, user_id)
    return role


async def is_removed(db: Any, chat_id: int, user_id: int) -> bool:
    """Whether somebody else ended the user's last stay in the chat."""
    query = "SELECT removed FROM members WHERE chat_id = $1 AND user_id = $2 AND until IS NOT NULL"
    return bool(await db.fetchval(query, chat_id, user_id))


async def _invites(db: Any, chat_id: int) -> list[ChatInvite]:
    query = f"SELECT {INVITE} FROM chat_invites WHERE chat_id = $1 ORDER BY id DESC"
    return [ChatInvite(*row) for row in await db.fetch(query, chat_id)]


class PostgresJoining:
    """`Joining`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def public_chats(
        self, text: str, before: tuple[int, int] | None, limit: int
    ) -> PublicList:
        """`Joining.public_chats`."""
        async with self._database.snapshot() as db:
            rows = await db.fetch(PUBLIC, *(before or (END, END)), LOOKED_AT + 1)
        found: list[Chat] = []
        last: Chat | None = None
        for looked_at, row in enumerate(rows):
            if len(found) == limit or looked_at == LOOKED_AT:
                break
            last = chat_of(row)
            if matches(last, text):
                found.append(last)
        else:
            return PublicList(found, None)
        assert last is not None
        return PublicList(found, (last.size, last.id))

    async def public_chat(self, chat_id: int) -> Chat | None:
        """`Joining.public_chat`."""
        async with self._database.snapshot() as db:
            chat = await load_chat(db, chat_id)
        return chat if chat is not None and chat.is_open else None

    async def add_chat_invite(self, invite: ChatInvite) -> bool:
        """`Joining.add_chat_invite`. Holds the chat, so that two together keep the bound."""
        async with self._database.transaction() as db:
            await db.execute("SELECT 1 FROM chats WHERE id = $1 FOR UPDATE", invite.chat_id)
            others = [i for i in await _invites(db, invite.chat_id) if i.id != invite.id]
            spent = [i.id for i in others if i.spent(invite.created_at)]
            if len(others) - len(spent) >= MOST:
                return False
            await db.execute("DELETE FROM chat_invites WHERE id = ANY($1)", spent)
            await db.execute(
                f"INSERT INTO chat_invites ({INVITE}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                " ON CONFLICT DO NOTHING",
                invite.id,
                invite.chat_id,
                invite.code_hash,
                invite.created_by,
                invite.created_at,
                invite.expires_at,
                invite.max_uses,
                invite.uses,
            )
        return True

    async def chat_invites(self, chat_id: int) -> list[ChatInvite]:
        """`Joining.chat_invites`."""
        async with self._database.snapshot() as db:
            return await _invites(db, chat_id)

    async def end_chat_invite(self, chat_id: int, invite_id: int) -> None:
        """`Joining.end_chat_invite`."""
        async with self._database.transaction() as db:
            query = "DELETE FROM chat_invites WHERE id = $1 AND chat_id = $2"
            await db.execute(query, invite_id, chat_id)

    async def invitation(self, code_hash: bytes, user_id: int, now: int) -> Invitation | None:
        """`Joining.invitation`."""
        async with self._database.snapshot() as db:
            found = await find_invite(db, code_hash)
            if found is None:
                return None
            invite, role = found
            chat = await load_chat(db, invite.chat_id)
            query = f"SELECT {USER} FROM users u WHERE id = $1"
            maker = await db.fetchrow(query, invite.created_by)
            present = await _role(db, invite.chat_id, user_id) is not None
            removed = await is_removed(db, invite.chat_id, user_id)
        if chat is None or maker is None:
            return None
        if not present and may_come_in(chat, 0, removed, invite.opens(role, now)) is not None:
            return None
        return Invitation(chat, User(*maker))
