"""Who may do what in a group, followed commit by commit: permission is as it was before each."""

from typing import Any

import apsw

from hubbub.domain import chat as chats
from hubbub.domain.change import Posted
from hubbub.domain.extra import unpack
from hubbub_protocol import ids
from tests.simulation.history import History


class Rights:
    """A group's owners, and who may send to it."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._posting: dict[int, str] = {}
        self._sizes: dict[int, int] = {}
        self._roles: dict[tuple[int, int], str] = {}

    def committed(self, changes: list[Any], outcomes: list[Any], db: apsw.Connection) -> None:
        """A commit is stored; `db` sees it."""
        for change, outcome in zip(changes, outcomes, strict=True):
            if isinstance(outcome, Posted) and not outcome.duplicate and outcome.made is None:
                self._posted(outcome.chat_id, change.sender_id, unpack(change.extra).mention_all)
        self.restarted(db)

    def restarted(self, db: apsw.Connection) -> None:
        """The database was opened again."""
        self._posting = dict(db.execute("SELECT id, posting FROM chats"))
        self._sizes = dict(db.execute("SELECT id, size FROM chats"))
        roles = "SELECT chat_id, user_id, role FROM members WHERE left IS NULL"
        self._roles = {(chat, user): role for chat, user, role in db.execute(roles)}
        groups = "SELECT id FROM chats WHERE type = 'group' AND size > 0"
        owned = {chat for (chat, _), role in self._roles.items() if role == "owner"}
        for (chat,) in db.execute(groups):
            if chat not in owned:
                self._wrong(f"{ids.text('chat', chat)} has no owner")

    def _posted(self, chat: int, user: int, everybody: bool) -> None:
        role = self._roles.get((chat, user), "no member")
        if everybody and role == "member" and self._sizes[chat] > chats.LARGE:
            self._wrong(f"{role} {ids.text('user', user)} mentions all of {ids.text('chat', chat)}")
        if role not in ("owner", "admin") and self._posting.get(chat) == "admins":
            self._wrong(f"{role} {ids.text('user', user)} sent to {ids.text('chat', chat)}")

    def _wrong(self, what: str) -> None:
        self._history.wrong.append(f"rights: {what}")
