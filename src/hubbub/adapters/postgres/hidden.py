"""Messages that users have hidden from themselves: a row for each user and message."""

from typing import Any, Final

from hubbub.adapters.postgres.rows import hidden_in
from hubbub.adapters.postgres.work import Position, Work
from hubbub.domain.amend import counts_else, may_hide
from hubbub.domain.change import Amended, Denied
from hubbub.domain.message import EVERYBODY, Row
from hubbub.domain.own import MeEvent, MyHidden

INSERT: Final = (
    "INSERT INTO hidden (user_id, chat_id, seq, message_id, me_rev) VALUES ($1, $2, $3, $4, $5)"
)
HIDERS: Final = (
    "SELECT h.user_id FROM hidden h JOIN members m ON m.chat_id = h.chat_id"
    " AND m.user_id = h.user_id AND m.until IS NULL"
    " WHERE h.chat_id = $1 AND h.seq = $2 ORDER BY h.user_id"
)
LOG: Final = (
    "SELECT user_id, me_rev, chat_id, message_id, seq FROM hidden"
    " WHERE user_id = $1 AND me_rev > $2 ORDER BY me_rev LIMIT $3"
)


async def hide(work: Work, row: Row, user_id: int, position: Position) -> Amended | Denied:
    """Hide a message from one who sees it; what is hidden already stays so."""
    if row.seq in await hidden_in(work.db, row.chat_id, user_id):
        return Amended(row, False, EVERYBODY)
    if (denied := may_hide(work.hidden[user_id])) is not None:
        return denied
    rev = work.next_me(user_id)
    work.hidden[user_id] += 1
    await work.db.execute("UPDATE users SET hidden = hidden + 1 WHERE id = $1", user_id)
    await work.db.execute(INSERT, user_id, row.chat_id, row.seq, row.id, rev)
    me = MyHidden(user_id, rev, row.chat_id, row.id, row.seq)
    if counts_else(row, user_id, position.read):
        chat = await work.tell(row.chat_id, user_id, position)
        return Amended(row, False, EVERYBODY, (me, chat))
    return Amended(row, False, EVERYBODY, (me,))


async def hiders(db: Any, row: Row) -> list[int]:
    """The present members who have hidden the message."""
    return [found[0] for found in await db.fetch(HIDERS, row.chat_id, row.seq)]


async def hidden_log(db: Any, user_id: int, after: int, limit: int) -> list[MeEvent]:
    """The own log's events of kind `hidden`."""
    return [MyHidden(*row) for row in await db.fetch(LOG, user_id, after, limit)]
