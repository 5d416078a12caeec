"""The tables, as migrations that are applied in order, and the partitions of each day.

- Ids are BIGINT, times Unix milliseconds, positions count from 1. `until` is `left` elsewhere.
- What grows with what is said is partitioned by day (UTC), so that it is dropped by the day:
  `messages`, `edits` and `reactions` by the message's id (ids are time-ordered), `marks` by when a
  cursor moved, `sent` by the day inside the sender's UUIDv7.
- `spans` says which positions of a chat lie in which day: a row for each chat and day with
  messages, written with the chat's first message of that day. `first_id` is where the day's ids
  begin; `last_seq` of the newest is `OPEN`. `chats.span` is the newest `first_id`. Days may
  overlap by a few positions, since ids are made before positions are.
- `chats.changed` is the newest position that a change of a message took: who is beyond it need
  not look for changed messages, which may lie in any day.
- `sent` is what makes a message unique for its sender (G2): by the day of its `client_id` where
  that is a UUIDv7 of now, else in `sent_others`, with the day when it came.
- `marks` say when a member's cursor passed a position; `large_marks` the same for large chats, one
  row a flush and position with the list of users.
- `users.hidden` is how many messages the user has hidden from himself: of most, none need be looked
  for.
- `nodes` are the numbers that servers have leased, and from whose ids nobody else makes any;
  `secrets` what all of them share.
- The other columns are as in SQLite: `me_rev` is the position in the user's own log, `received` the
  place of a user's only session, `places` those of users with several (`own_places`).
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from hubbub_protocol import ids

DAY_MS: Final = 86_400_000
ID_BITS: Final = ids.NODE_BITS + ids.COUNTER_BITS
DAY_IDS: Final = DAY_MS << ID_BITS
"""Ids of one day."""
OPEN: Final = 2**62
"""`last_seq` of a span that goes on."""
LOCK: Final = 0x48756262  # "Hubb"
"""The advisory lock under which the schema is changed; the first of two numbers of all others."""

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE users (
        id BIGINT PRIMARY KEY,
        username TEXT NOT NULL UNIQUE,
        display_name TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        is_admin BOOLEAN NOT NULL DEFAULT false,
        created_at BIGINT NOT NULL,
        me_head BIGINT NOT NULL DEFAULT 0
    ) WITH (fillfactor = 80);

    CREATE TABLE last_seen (
        user_id BIGINT PRIMARY KEY,
        at BIGINT NOT NULL
    ) WITH (fillfactor = 80);

    CREATE TABLE sessions (
        id BIGINT PRIMARY KEY,
        user_id BIGINT NOT NULL,
        refresh_hash BYTEA NOT NULL UNIQUE,
        device TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        last_used_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        revoked_at BIGINT,
        own_places BOOLEAN NOT NULL DEFAULT false,
        me_place BIGINT NOT NULL DEFAULT 0,
        valid_from BIGINT NOT NULL DEFAULT -1
    ) WITH (fillfactor = 80);
    CREATE INDEX sessions_by_user ON sessions (user_id);
    CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

    CREATE TABLE spent_refresh (
        refresh_hash BYTEA PRIMARY KEY,
        session_id BIGINT NOT NULL,
        spent_at BIGINT NOT NULL
    );

    CREATE TABLE invites (
        code_hash BYTEA PRIMARY KEY,
        created_by BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        uses BIGINT NOT NULL,
        admin BOOLEAN NOT NULL DEFAULT false
    );

    CREATE TABLE server_keys (
        name TEXT COLLATE "C" PRIMARY KEY,
        key_hash BYTEA NOT NULL UNIQUE,
        hint TEXT NOT NULL,
        scopes TEXT NOT NULL, -- with spaces between them
        created_at BIGINT NOT NULL
    );

    CREATE TABLE chats (
        id BIGINT PRIMARY KEY,
        type TEXT NOT NULL,
        key TEXT,
        title TEXT,
        history TEXT NOT NULL,
        created_by BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        size BIGINT NOT NULL,
        description TEXT NOT NULL DEFAULT '',
        picture TEXT NOT NULL DEFAULT '',
        posting TEXT NOT NULL DEFAULT 'all',
        slow_seconds BIGINT NOT NULL DEFAULT 0,
        visibility TEXT NOT NULL DEFAULT 'private',
        seq BIGINT NOT NULL DEFAULT 0,
        number BIGINT NOT NULL DEFAULT 0,
        at BIGINT NOT NULL DEFAULT 0,
        span BIGINT,
        changed BIGINT NOT NULL DEFAULT 0
    ) WITH (fillfactor = 70);
    CREATE UNIQUE INDEX chats_by_key ON chats (key) WHERE key IS NOT NULL;
    CREATE INDEX chats_public ON chats (size, id) WHERE visibility = 'public';

    CREATE TABLE spans (
        chat_id BIGINT NOT NULL,
        first_id BIGINT NOT NULL,
        first_seq BIGINT NOT NULL,
        last_seq BIGINT NOT NULL,
        PRIMARY KEY (chat_id, first_id)
    );

    CREATE TABLE chat_invites (
        id BIGINT PRIMARY KEY,
        chat_id BIGINT NOT NULL,
        code_hash BYTEA NOT NULL UNIQUE,
        created_by BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL, -- 0: never
        max_uses BIGINT NOT NULL, -- 0: any number
        uses BIGINT NOT NULL
    );
    CREATE INDEX chat_invites_by_chat ON chat_invites (chat_id, id);

    CREATE TABLE members (
        chat_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        role TEXT NOT NULL,
        since BIGINT NOT NULL,
        until BIGINT,
        joined_at BIGINT NOT NULL,
        delivered BIGINT NOT NULL,
        read BIGINT NOT NULL,
        read_number BIGINT NOT NULL,
        me_rev BIGINT NOT NULL,
        received BIGINT NOT NULL DEFAULT 0,
        sent_at BIGINT NOT NULL DEFAULT 0,
        removed BOOLEAN NOT NULL DEFAULT false,
        muted_until BIGINT NOT NULL DEFAULT 0,
        PRIMARY KEY (chat_id, user_id)
    ) WITH (fillfactor = 80);
    CREATE INDEX members_by_user ON members (user_id, me_rev);
    CREATE INDEX members_owners ON members (chat_id) WHERE role = 'owner' AND until IS NULL;

    CREATE TABLE stays (
        chat_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        since BIGINT NOT NULL,
        until BIGINT NOT NULL,
        PRIMARY KEY (chat_id, user_id, since)
    );

    CREATE TABLE places (
        session_id BIGINT NOT NULL,
        chat_id BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        PRIMARY KEY (session_id, chat_id)
    ) WITH (fillfactor = 80);

    CREATE TABLE messages (
        id BIGINT PRIMARY KEY,
        chat_id BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        rev BIGINT NOT NULL,
        number BIGINT NOT NULL,
        sender_id BIGINT NOT NULL,
        client_id BYTEA,
        at BIGINT NOT NULL,
        type TEXT NOT NULL,
        content TEXT NOT NULL,
        media BYTEA NOT NULL,
        reply_to BIGINT NOT NULL,
        system BYTEA NOT NULL,
        changed_at BIGINT NOT NULL DEFAULT 0,
        edited BIGINT NOT NULL DEFAULT 0,
        edited_at BIGINT NOT NULL DEFAULT 0,
        deleted_at BIGINT NOT NULL DEFAULT 0,
        pinned BIGINT NOT NULL DEFAULT 0
    ) PARTITION BY RANGE (id);
    CREATE INDEX messages_by_seq ON messages (chat_id, seq);
    CREATE INDEX messages_changed ON messages (chat_id, rev) WHERE rev <> seq;
    CREATE INDEX messages_pinned ON messages (chat_id, pinned) WHERE pinned <> 0;

    CREATE TABLE edits (
        message_id BIGINT NOT NULL,
        rev BIGINT NOT NULL,
        at BIGINT NOT NULL,
        content TEXT NOT NULL,
        media BYTEA NOT NULL,
        PRIMARY KEY (message_id, rev)
    ) PARTITION BY RANGE (message_id);

    CREATE TABLE marks (
        chat_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        kind INT NOT NULL, -- 0 delivered, 1 read
        seq BIGINT NOT NULL,
        at BIGINT NOT NULL
    ) PARTITION BY RANGE (at);
    CREATE INDEX marks_by_member ON marks (chat_id, user_id, kind, seq);

    CREATE TABLE large_marks (
        chat_id BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        kind INT NOT NULL,
        at BIGINT NOT NULL,
        users BIGINT[] NOT NULL
    ) PARTITION BY RANGE (at);
    CREATE INDEX large_marks_by_seq ON large_marks (chat_id, seq);

    CREATE TABLE sent (
        day BIGINT NOT NULL,
        sender_id BIGINT NOT NULL,
        client_id BYTEA NOT NULL,
        message_id BIGINT NOT NULL,
        PRIMARY KEY (client_id, sender_id, day)
    ) PARTITION BY RANGE (day);

    CREATE TABLE sent_others (
        day BIGINT NOT NULL, -- when it came
        sender_id BIGINT NOT NULL,
        client_id BYTEA NOT NULL,
        message_id BIGINT NOT NULL,
        PRIMARY KEY (client_id, sender_id)
    ) PARTITION BY HASH (client_id);
    CREATE TABLE sent_others_0 PARTITION OF sent_others FOR VALUES WITH (MODULUS 4, REMAINDER 0);
    CREATE TABLE sent_others_1 PARTITION OF sent_others FOR VALUES WITH (MODULUS 4, REMAINDER 1);
    CREATE TABLE sent_others_2 PARTITION OF sent_others FOR VALUES WITH (MODULUS 4, REMAINDER 2);
    CREATE TABLE sent_others_3 PARTITION OF sent_others FOR VALUES WITH (MODULUS 4, REMAINDER 3);
    CREATE INDEX sent_others_by_day ON sent_others (day);

    CREATE VIEW message_status (id, message_id, recipient_id, status, status_timestamp) AS
        SELECT m.id || ':' || r.user_id, m.id, r.user_id,
            CASE WHEN r.read >= m.seq THEN 'read'
                 WHEN r.delivered >= m.seq THEN 'delivered' ELSE 'sent' END,
            CASE WHEN r.delivered < m.seq THEN m.at ELSE coalesce(least(
                (SELECT k.at FROM marks k WHERE k.chat_id = m.chat_id AND k.user_id = r.user_id
                    AND k.kind = (r.read >= m.seq)::int AND k.seq >= m.seq ORDER BY k.seq LIMIT 1),
                (SELECT l.at FROM large_marks l WHERE l.chat_id = m.chat_id AND l.seq >= m.seq
                    AND l.kind = (r.read >= m.seq)::int AND r.user_id = ANY (l.users)
                    ORDER BY l.seq LIMIT 1)), m.at) END
        FROM messages m JOIN members r ON r.chat_id = m.chat_id
        WHERE m.type <> 'system' AND r.user_id <> m.sender_id AND r.until IS NULL
            AND r.since <= m.seq;
    """,
    """
    CREATE TABLE identities (
        issuer TEXT COLLATE "C" NOT NULL,
        subject TEXT COLLATE "C" NOT NULL,
        user_id BIGINT NOT NULL,
        PRIMARY KEY (issuer, subject)
    );
    CREATE INDEX identities_by_user ON identities (user_id);
    """,
    """
    ALTER TABLE messages ADD COLUMN thread_id BIGINT NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN extra BYTEA NOT NULL DEFAULT '';
    CREATE INDEX messages_by_thread ON messages (thread_id, seq) WHERE thread_id <> 0;

    ALTER TABLE chats ADD COLUMN mentioned BIGINT NOT NULL DEFAULT 0;
    CREATE TABLE mentions (
        user_id BIGINT NOT NULL, -- 0: everybody
        chat_id BIGINT NOT NULL,
        at BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        PRIMARY KEY (user_id, chat_id, seq)
    );
    CREATE INDEX mentions_by_time ON mentions (user_id, chat_id, at, seq);
    """,
    """
    CREATE TABLE privacy (
        user_id BIGINT PRIMARY KEY,
        me_rev BIGINT NOT NULL,
        read_receipts BOOLEAN NOT NULL,
        last_seen BOOLEAN NOT NULL,
        inbox TEXT NOT NULL
    );

    CREATE TABLE blocks (
        user_id BIGINT NOT NULL,
        other_id BIGINT NOT NULL,
        me_rev BIGINT NOT NULL,
        blocked BOOLEAN NOT NULL, -- FALSE: not any more, which the own log tells
        PRIMARY KEY (user_id, other_id)
    );
    CREATE INDEX blocks_by_me ON blocks (user_id, me_rev);
    """,
    """
    ALTER TABLE users ADD COLUMN hidden BIGINT NOT NULL DEFAULT 0;
    CREATE TABLE hidden (
        user_id BIGINT NOT NULL,
        chat_id BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        me_rev BIGINT NOT NULL,
        PRIMARY KEY (user_id, chat_id, seq)
    );
    CREATE INDEX hidden_by_me ON hidden (user_id, me_rev);
    CREATE INDEX hidden_by_message ON hidden (chat_id, seq);
    """,
    """
    ALTER TABLE edits ADD COLUMN extra BYTEA NOT NULL DEFAULT '';
    UPDATE edits e SET extra = m.extra FROM messages m WHERE m.id = e.message_id;
    """,
    """
    ALTER TABLE messages ADD COLUMN reactions BYTEA NOT NULL DEFAULT '';
    CREATE TABLE reactions (
        message_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        emoji TEXT NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (message_id, user_id, emoji)
    ) PARTITION BY RANGE (message_id);
    CREATE INDEX reactions_by_emoji ON reactions (message_id, emoji, user_id);
    CREATE TABLE waiting (
        message_id BIGINT PRIMARY KEY,
        due_at BIGINT NOT NULL
    );
    CREATE INDEX waiting_by_time ON waiting (due_at, message_id);
    """,
    """
    CREATE TABLE nodes (
        number INT PRIMARY KEY,
        holder BIGINT NOT NULL,
        until BIGINT NOT NULL
    );
    CREATE TABLE secrets (
        name TEXT PRIMARY KEY,
        value BYTEA NOT NULL
    );
    """,
)


def day_of_id(number: int) -> int:
    """The Unix day on which an id was made."""
    return ids.milliseconds(number) // DAY_MS


def first_id(day: int) -> int:
    """The first id of a Unix day."""
    return (day * DAY_MS - ids.EPOCH_MS) << ID_BITS


def span_of(number: int) -> int:
    """The first id of an id's own day."""
    return first_id(day_of_id(number))


def partition(table: str, day: int) -> str:
    """The name of the partition of a Unix day; later days have greater ones."""
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return f"{table}_{date:%Y%m%d}"


def partitions(day: int) -> list[tuple[str, str, int, int]]:
    """The partitions of a Unix day: table, name, and the values from and to which it holds."""
    ids_ = (first_id(day), first_id(day + 1))
    times = (day * DAY_MS, (day + 1) * DAY_MS)
    bounds = {
        "messages": ids_,
        "edits": ids_,
        "reactions": ids_,
        "marks": times,
        "large_marks": times,
        "sent": (day, day + 1),
    }
    return [(table, partition(table, day), *values) for table, values in bounds.items()]
