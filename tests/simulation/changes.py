"""Every state that a message had, followed commit by commit, and who was allowed to change it."""

import asyncio
from typing import Any

import apsw

from hubbub.domain import chat as chats
from hubbub.domain.change import Amended, Announce, Edit, Erase, Hide, Logged, Posted, React
from hubbub.domain.reaction import EVERY_MS
from hubbub_protocol import ids
from tests.simulation.history import History

State = tuple[str, str, bool, bool]
"""Of a message at a position: id, content, whether it was deleted, whether it was pinned."""
STAYS = (
    "SELECT since, left FROM members WHERE chat_id = ?1 AND user_id = ?2 AND left IS NULL"
    " UNION SELECT s.since, s.left FROM stays s JOIN members m ON m.chat_id = s.chat_id"
    " AND m.user_id = s.user_id AND m.left IS NULL WHERE s.chat_id = ?1 AND s.user_id = ?2"
)


class Changes:
    """See the module. What a commit did whose outcome nobody heard is not known."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._heads: dict[int, int] = {}
        self._roles: dict[tuple[int, int], str] = {}
        self._told: dict[int, tuple[int, float]] = {}
        self.states: dict[tuple[str, int], State] = {}
        self.hidden: dict[tuple[str, str, int], int] = {}
        """Up to where a user may have heard of a message that he deleted for himself."""

    def restarted(self, db: apsw.Connection) -> None:
        """The database was opened again."""
        self._heads = dict(db.execute("SELECT id, seq FROM chats"))
        self._roles = _roles(db)

    def committed(self, changes: list[Any], outcomes: list[Any], db: apsw.Connection) -> None:
        """A commit is stored; `db` sees it."""
        roles, before = _roles(db), self._roles
        for change, outcome in zip(changes, outcomes, strict=True):
            match outcome:
                case Posted(id=message, chat_id=chat, seq=seq, duplicate=False):
                    self._took(chat, seq, (ids.text("msg", message), change.content, False, False))
                case Logged(id=message, chat_id=chat, head=head) if outcome.system:
                    self._took(chat, head.seq, (ids.text("msg", message), "", False, False))
                case Amended(row=row, changed=True):
                    state = (
                        ids.text("msg", row.id),
                        row.content,
                        row.deleted_at > 0,
                        row.pinned > 0,
                    )
                    self._took(row.chat_id, row.rev, state)
                    self._in_time(change, row, db)
                    if isinstance(change.do, Announce):
                        continue
                    key = (row.chat_id, change.by)
                    self._allowed(change, row, {roles.get(key), before.get(key)}, db)
                case Amended(row=row, told=told) if told:
                    who = (ids.text("user", change.by), ids.text("chat", row.chat_id))
                    self.hidden[*who, row.seq] = self._heads[row.chat_id]
                    self._allowed(change, row, set(), db)
        self._roles = roles

    def _took(self, chat: int, position: int, state: State) -> None:
        name = ids.text("chat", chat)
        if position != self._heads.get(chat, 0) + 1:
            self._wrong(f"G3: {name} took {position} after {self._heads.get(chat, 0)}")
        self._heads[chat] = position
        self.states[name, position] = state

    def _in_time(self, change: Any, row: Any, db: apsw.Connection) -> None:
        """In large groups one position a second and message tells of reactions.

        By the clock, and by the time that passes: the clock may be put back.
        """
        now = asyncio.get_running_loop().time()
        size = db.execute("SELECT size FROM chats WHERE id = ?", (row.chat_id,)).get
        before, then = self._told.get(row.id, (-EVERY_MS, -1.0))
        self._told[row.id] = (change.at, now)
        reaction = isinstance(change.do, React | Announce)
        soon = 0 <= change.at - before < EVERY_MS and now - then < EVERY_MS / 1000
        if reaction and size > chats.LARGE and soon:
            self._wrong(f"reactions of {row.id} took two positions in {change.at - before} ms")

    def _allowed(self, change: Any, row: Any, roles: set[str | None], db: apsw.Connection) -> None:
        """His role before the commit or after it."""
        who = f"{ids.text('user', change.by)} in {ids.text('chat', row.chat_id)}"
        kind, history = db.execute(
            "SELECT type, history FROM chats WHERE id = ?", (row.chat_id,)
        ).get
        stays = db.execute(STAYS, (row.chat_id, change.by)).fetchall()
        if history == "joined" and not any(
            since <= row.seq and (left is None or row.seq < left) for since, left in stays
        ):
            self._wrong(f"G6: {who} changed the message at {row.seq}, which is not for them")
        own, may = change.by == row.sender_id, bool(roles & {"owner", "admin"})
        match change.do:
            case Edit():
                allowed = own
            case Erase():
                allowed = own or (kind == "group" and may)
            case Hide() | React():
                allowed = True
            case _:
                allowed = kind == "direct" or may
        if not allowed:
            self._wrong(f"rights: {who} did {change.do} to a message of {row.sender_id}")

    def _wrong(self, what: str) -> None:
        self._history.wrong.append(what)


def _roles(db: apsw.Connection) -> dict[tuple[int, int], str]:
    query = "SELECT chat_id, user_id, role FROM members WHERE left IS NULL"
    return {(chat, user): role for chat, user, role in db.execute(query)}
