"""Messages that users have hidden from themselves: a row for each user and message."""

from collections.abc import Iterable

import apsw

from hubbub.adapters.sqlite.rows import next_me
from hubbub.domain.amend import may_hide
from hubbub.domain.change import Denied
from hubbub.domain.message import Row
from hubbub.domain.own import MyHidden

COUNT = "SELECT count(*) FROM hidden WHERE user_id = ?"
INSERT = "INSERT INTO hidden (user_id, chat_id, seq, message_id, me_rev) VALUES (?,?,?,?,?)"
HIDERS = (
    "SELECT h.user_id FROM hidden h JOIN members m ON m.chat_id = h.chat_id"
    " AND m.user_id = h.user_id AND m.left IS NULL"
    " WHERE h.chat_id = ? AND h.seq = ? ORDER BY h.user_id"
)
LOG = (
    "SELECT me_rev, chat_id, message_id, seq FROM hidden"
    " WHERE user_id = ? AND me_rev > ? ORDER BY me_rev LIMIT ?"
)


def hide(db: apsw.Connection, row: Row, user_id: int) -> MyHidden | Denied:
    """Hide a message from one who sees it, and has not hidden it yet."""
    if (denied := may_hide(db.execute(COUNT, (user_id,)).get)) is not None:
        return denied
    rev = next_me(db, user_id)
    db.execute(INSERT, (user_id, row.chat_id, row.seq, row.id, rev))
    return MyHidden(user_id, rev, row.chat_id, row.id, row.seq)


def hiders(db: apsw.Connection, row: Row) -> list[int]:
    """The present members who have hidden the message."""
    return [user_id for (user_id,) in db.execute(HIDERS, (row.chat_id, row.seq))]


def hidden_log(db: apsw.Connection, user_id: int, after: int, limit: int) -> Iterable[MyHidden]:
    """The own log's events of kind `hidden`."""
    for rev, *place in db.execute(LOG, (user_id, after, limit)):
        yield MyHidden(user_id, rev, *place)
