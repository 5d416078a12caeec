"""Who may do what in a group, followed commit by commit.

Permission to send is as it was before the commit, to change a message as it is within it. That for
changes of the group is given a moment earlier: who makes one had the right at some time.
"""

from typing import Any

import apsw

from hubbub.domain import chat as chats
from hubbub.domain.change import (
    Amended,
    Edit,
    Enrol,
    Erase,
    Leave,
    Logged,
    Pin,
    Posted,
    SetChat,
    SetRole,
)
from hubbub.domain.extra import unpack
from hubbub.domain.message import Row
from hubbub_protocol import ids
from tests.simulation.history import History

OVERUSED = "SELECT chat_id, id FROM chat_invites WHERE max_uses > 0 AND uses > max_uses"


class Rights:
    """A group's owners, who may send to it, who may change what is in it, and itself."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._posting: dict[int, str] = {}
        self._sizes: dict[int, int] = {}
        self._roles: dict[tuple[int, int], str] = {}
        self._groups: set[int] = set()
        self._were: set[tuple[int, int, str]] = set()  # roles that somebody ever had

    def committed(self, changes: list[Any], outcomes: list[Any], db: apsw.Connection) -> None:
        """A commit is stored; `db` sees it."""
        roles = dict(self._roles)  # as they are when each change is made
        for change, outcome in zip(changes, outcomes, strict=True):
            if isinstance(outcome, Amended) and outcome.changed:
                self._amended(change.do, change.by, outcome.row, roles)
            if isinstance(outcome, Logged) and outcome.system:
                self._changed(change)
            for event in getattr(outcome, "events", ()):
                roles[event.chat_id, event.user_id] = event.role if event.present else "no member"
                self._were.add((event.chat_id, event.user_id, event.role))
            if isinstance(outcome, Posted) and not outcome.duplicate and outcome.made is None:
                self._posted(outcome.chat_id, change.sender_id, unpack(change.extra).mention_all)
        self.restarted(db)

    def restarted(self, db: apsw.Connection) -> None:
        """The database was opened again."""
        self._posting = dict(db.execute("SELECT id, posting FROM chats"))
        self._sizes = dict(db.execute("SELECT id, size FROM chats"))
        roles = "SELECT chat_id, user_id, role FROM members WHERE left IS NULL"
        self._roles = {(chat, user): role for chat, user, role in db.execute(roles)}
        self._were |= {(chat, user, role) for (chat, user), role in self._roles.items()}
        for chat, id_ in db.execute(OVERUSED):
            self._wrong(f"an invite {id_} to {ids.text('chat', chat)} was used too often")
        groups = "SELECT id FROM chats WHERE type = 'group' AND size > 0"
        self._groups = {chat for (chat,) in db.execute(groups)}
        owned = {chat for (chat, _), role in self._roles.items() if role == "owner"}
        for chat in self._groups - owned:
            self._wrong(f"{ids.text('chat', chat)} has no owner")

    def _posted(self, chat: int, user: int, everybody: bool) -> None:
        role = self._roles.get((chat, user), "no member")
        if everybody and role == "member" and self._sizes[chat] > chats.LARGE:
            self._wrong(f"{role} {ids.text('user', user)} mentions all of {ids.text('chat', chat)}")
        if role == "no member":
            self._wrong(f"{role} {ids.text('user', user)} sent to {ids.text('chat', chat)}")
        if role not in ("owner", "admin") and self._posting.get(chat) == "admins":
            self._wrong(f"{role} {ids.text('user', user)} sent to {ids.text('chat', chat)}")

    def _amended(self, do: Any, by: int, row: Row, roles: dict[tuple[int, int], str]) -> None:
        own, role = row.sender_id == by, roles.get((row.chat_id, by), "no member")
        leads = row.chat_id in self._groups and role in ("owner", "admin")
        shared = row.chat_id not in self._groups and isinstance(do, Pin)
        mine = own and isinstance(do, Edit | Erase)
        if isinstance(do, Edit | Erase | Pin) and not (mine or shared or leads):
            what = type(do).__name__.lower()
            self._wrong(f"{role} {ids.text('user', by)} did {what} {ids.text('msg', row.id)}")
        if isinstance(do, Edit) and not own:
            self._wrong(f"{role} {ids.text('user', by)} edits {ids.text('msg', row.id)}")

    def _changed(self, change: Any) -> None:
        if not isinstance(change, Enrol | Leave | SetRole | SetChat):
            return
        needed = ("owner",) if isinstance(change, SetRole) else ("owner", "admin")
        himself = isinstance(change, Leave) and change.by == change.user_id
        were = [(change.chat_id, change.by, role) in self._were for role in needed]
        if not himself and not any(were):
            what = type(change).__name__.lower()
            self._wrong(f"{ids.text('user', change.by)}, who never led it, did {what} in"
                        f" {ids.text('chat', change.chat_id)}")  # fmt: skip

    def _wrong(self, what: str) -> None:
        self._history.wrong.append(f"rights: {what}")
