"""A database of an earlier version is brought up to date, with all that it knows."""

from contextlib import closing
from pathlib import Path

import apsw

from hubbub.adapters.sqlite.database import open_database
from hubbub.adapters.sqlite.passing import recipient_views
from hubbub.adapters.sqlite.schema import APPLICATION_ID, MIGRATIONS
from hubbub.domain.message import Row
from hubbub.domain.receipt import DELIVERED
from hubbub.domain.view import RecipientView
from tests.contract.chats.world import ANN, BOB, CHAT


def test_times_of_the_first_version_are_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "hubbub.db")
    with closing(apsw.Connection(path)) as old:
        old.execute(MIGRATIONS[0])
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1")
        old.execute(
            "INSERT INTO chats (id, type, history, created_by, created_at, size, seq, number, at)"
            " VALUES (?, 'direct', 'joined', ?, 1, 2, 1, 1, 1000)",
            (CHAT, ANN),
        )
        old.executemany(
            "INSERT INTO members (chat_id, user_id, role, since, joined_at, delivered, read,"
            " read_number, me_rev) VALUES (?, ?, 'member', 1, 1, 1, ?, 0, 1)",
            [(CHAT, ANN, 1), (CHAT, BOB, 0)],
        )
        old.execute(
            "INSERT INTO messages VALUES (7, ?, 1, 1, 1, ?, NULL, 1000, 'text', 'hi', x'', 0, x'')",
            (CHAT, ANN),
        )
        old.execute("INSERT INTO marks VALUES (?, ?, ?, 1, 2000)", (CHAT, BOB, DELIVERED))
    row = Row(7, CHAT, 1, 1, 1, ANN, None, 1000, "text", "hi", b"", 0)
    with closing(open_database(path)) as now:
        assert now.pragma("user_version") == len(MIGRATIONS)
        assert recipient_views(now, row, 0, 10) == [RecipientView(BOB, 2000, None)]
        status = "SELECT recipient_id, status, status_timestamp FROM message_status"
        assert list(now.execute(status)) == [(BOB, "delivered", 2000)]


def test_replies_of_before_there_were_threads_have_one(tmp_path: Path) -> None:
    path = str(tmp_path / "hubbub.db")
    before = next(n for n, step in enumerate(MIGRATIONS) if "thread_id" in step)
    with closing(apsw.Connection(path)) as old:
        for step in MIGRATIONS[:before]:
            old.execute(step)
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {before}")
        old.executemany(
            "INSERT INTO messages (id, chat_id, seq, rev, number, sender_id, at, type, content,"
            " media, reply_to, system) VALUES (?1, ?3, ?1, ?1, ?1, 1, 0, 'text', '', x'', ?2, x'')",
            [(1, 0, CHAT), (2, 1, CHAT), (3, 0, CHAT), (4, 2, CHAT), (5, 4, CHAT)],
        )
    with closing(open_database(path)) as now:
        threads = dict(now.execute("SELECT id, thread_id FROM messages"))
    assert threads == {1: 0, 2: 1, 3: 0, 4: 1, 5: 1}
