"""How people come into groups by themselves: public ones, and invites."""

import apsw

from hubbub.adapters.sqlite.database import snapshot, transaction
from hubbub.adapters.sqlite.reader import USER, user_of
from hubbub.adapters.sqlite.replay import CHAT, load_chat
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

INVITE = "id, chat_id, code_hash, created_by, created_at, expires_at, max_uses, uses"
PUBLIC = (
    f"SELECT {CHAT} FROM chats WHERE visibility = 'public' AND (size, id) < (?, ?)"
    " ORDER BY size DESC, id DESC LIMIT ?"
)
END = 2**62


def find_invite(db: apsw.Connection, code_hash: bytes) -> tuple[ChatInvite, Role | None] | None:
    """An invite by its code, and the role of who made it."""
    row = db.execute(f"SELECT {INVITE} FROM chat_invites WHERE code_hash = ?", (code_hash,)).get
    if row is None:
        return None
    invite = ChatInvite(*row)
    return invite, _role(db, invite.chat_id, invite.created_by)


def _role(db: apsw.Connection, chat_id: int, user_id: int) -> Role | None:
    query = "SELECT role FROM members WHERE chat_id = ? AND user_id = ? AND left IS NULL"
    role: Role | None = db.execute(query, (chat_id, user_id)).get
    return role


def is_removed(db: apsw.Connection, chat_id: int, user_id: int) -> bool:
    """Whether somebody else ended the user's last stay in the chat."""
    query = "SELECT removed FROM members WHERE chat_id = ? AND user_id = ? AND left IS NOT NULL"
    return bool(db.execute(query, (chat_id, user_id)).get)


class SqliteJoining:
    """`Joining` on one connection, synchronous."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection

    def public_chats(self, text: str, before: tuple[int, int] | None, limit: int) -> PublicList:
        """`Joining.public_chats`."""
        found: list[Chat] = []
        looked_at = 0
        last: Chat | None = None
        with snapshot(self._db):
            for row in self._db.execute(PUBLIC, (*(before or (END, END)), LOOKED_AT + 1)):
                if len(found) == limit or looked_at == LOOKED_AT:
                    break
                last, looked_at = Chat(*row), looked_at + 1
                if matches(last, text):
                    found.append(last)
            else:
                return PublicList(found, None)
        assert last is not None
        return PublicList(found, (last.size, last.id))

    def public_chat(self, chat_id: int) -> Chat | None:
        """`Joining.public_chat`."""
        chat = load_chat(self._db, chat_id)
        return chat if chat is not None and chat.is_open else None

    def add_chat_invite(self, invite: ChatInvite) -> bool:
        """`Joining.add_chat_invite`."""
        with transaction(self._db):
            others = [i for i in self._invites(invite.chat_id) if i.id != invite.id]
            spent = [(i.id,) for i in others if i.spent(invite.created_at)]
            if len(others) - len(spent) >= MOST:
                return False
            self._db.executemany("DELETE FROM chat_invites WHERE id = ?", spent)
            self._db.execute(
                f"INSERT OR IGNORE INTO chat_invites ({INVITE}) VALUES (?,?,?,?,?,?,?,?)",
                (
                    invite.id,
                    invite.chat_id,
                    invite.code_hash,
                    invite.created_by,
                    invite.created_at,
                    invite.expires_at,
                    invite.max_uses,
                    invite.uses,
                ),
            )
        return True

    def chat_invites(self, chat_id: int) -> list[ChatInvite]:
        """`Joining.chat_invites`."""
        return self._invites(chat_id)

    def end_chat_invite(self, chat_id: int, invite_id: int) -> None:
        """`Joining.end_chat_invite`."""
        with transaction(self._db):
            query = "DELETE FROM chat_invites WHERE id = ? AND chat_id = ?"
            self._db.execute(query, (invite_id, chat_id))

    def invitation(self, code_hash: bytes, user_id: int, now: int) -> Invitation | None:
        """`Joining.invitation`."""
        with snapshot(self._db):
            found = find_invite(self._db, code_hash)
            if found is None:
                return None
            invite, role = found
            chat = load_chat(self._db, invite.chat_id)
            maker = self._db.execute(
                f"SELECT {USER} FROM users u WHERE id = ?", (invite.created_by,)
            ).get
            present = _role(self._db, invite.chat_id, user_id) is not None
            removed = is_removed(self._db, invite.chat_id, user_id)
        if chat is None or maker is None:
            return None
        if not present and may_come_in(chat, 0, removed, invite.opens(role, now)) is not None:
            return None
        return Invitation(chat, user_of(maker))

    def _invites(self, chat_id: int) -> list[ChatInvite]:
        query = f"SELECT {INVITE} FROM chat_invites WHERE chat_id = ? ORDER BY id DESC"
        return [ChatInvite(*row) for row in self._db.execute(query, (chat_id,))]
