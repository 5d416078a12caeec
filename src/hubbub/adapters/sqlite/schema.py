"""The tables, as migrations that are applied in order; `PRAGMA user_version` counts them.

- Ids are INTEGER (64 bits), times Unix milliseconds, positions count from 1.
- A member row is also what the user's own log knows of the chat: `me_rev` is the position
  there of the latest change of this row (joined, left, role, read), as `rev` is for messages.
- Cursors are columns of the member row. When one moves, the time is noted: in direct chats in
  the message that it moved to (`delivered_at`, `read_at`), in small groups as one row an advance
  in `marks`, in large ones as one per flush and position with the list of users.
- `privacy` has only those who have set something.
- `last_seen` is when a user was last connected: apart from his row, since many change at once.
- `sent_at` is when a member last sent a message to the chat.
- `muted_until`: until when a member does not want to be disturbed by the chat; 0: he does not mind.
- `mentions` has a row for each member whom a message names, and one for a message that names
  everybody; `mentioned` of a chat is a position beyond which there are none.
- `thread_id` of a reply is the message that began its thread.
- `picture` of a chat is a medium as JSON, empty where there is none.
- `removed` says of a member who is gone that somebody else ended his stay.
- Of a message that was changed, `rev` was taken at `changed_at`; `edited` and `pinned` are the
  positions where that was done last, `edits` what it said before.
- `hidden` has the messages that a user has hidden from himself: where they lie, and where his own
  log tells of it.
- `reactions` has a row for each user, message and emoji; their counts stand with the message, too.
  `waiting` has the messages where some wait for the position that tells of them.
- `stays` holds earlier, closed memberships of users who came back.
- `received` is the place that the server keeps for a user's only session: what a session said
  it has. Unlike `delivered` it does not move when the user sends or reads elsewhere.
- A session that a host application vouches for has its name as `refresh_hash`; tokens that were
  issued up to `valid_from` are of an earlier session of that name, which was ended.
- `identities` says whom identity providers know users as.
- `places` holds a session's own place, only for users with several sessions (`own_places`).
"""

from typing import Final

APPLICATION_ID: Final = 0x48756262  # "Hubb"

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE users (
        id INTEGER PRIMARY KEY,
        username TEXT NOT NULL UNIQUE,
        display_name TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        is_admin INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        me_head INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        user_id INTEGER NOT NULL,
        refresh_hash BLOB NOT NULL UNIQUE,
        device TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        last_used_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        revoked_at INTEGER,
        own_places INTEGER NOT NULL DEFAULT 0,
        me_place INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX sessions_by_user ON sessions (user_id) WHERE revoked_at IS NULL;
    CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

    CREATE TABLE spent_refresh (
        refresh_hash BLOB PRIMARY KEY,
        session_id INTEGER NOT NULL,
        spent_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE invites (
        code_hash BLOB PRIMARY KEY,
        created_by INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        uses INTEGER NOT NULL,
        admin INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE chats (
        id INTEGER PRIMARY KEY,
        type TEXT NOT NULL,
        key TEXT,
        title TEXT,
        history TEXT NOT NULL,
        created_by INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        size INTEGER NOT NULL,
        seq INTEGER NOT NULL DEFAULT 0,
        number INTEGER NOT NULL DEFAULT 0,
        at INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE UNIQUE INDEX chats_by_key ON chats (key) WHERE key IS NOT NULL;

    CREATE TABLE members (
        chat_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        role TEXT NOT NULL,
        since INTEGER NOT NULL,
        left INTEGER,
        joined_at INTEGER NOT NULL,
        delivered INTEGER NOT NULL,
        read INTEGER NOT NULL,
        read_number INTEGER NOT NULL,
        me_rev INTEGER NOT NULL,
        received INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (chat_id, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX members_by_user ON members (user_id, me_rev);
    CREATE INDEX members_owners ON members (chat_id) WHERE role = 'owner' AND left IS NULL;

    CREATE TABLE stays (
        chat_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        since INTEGER NOT NULL,
        left INTEGER NOT NULL,
        PRIMARY KEY (chat_id, user_id, since)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        chat_id INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        rev INTEGER NOT NULL,
        number INTEGER NOT NULL,
        sender_id INTEGER NOT NULL,
        client_id BLOB,
        at INTEGER NOT NULL,
        type TEXT NOT NULL,
        content TEXT NOT NULL,
        media BLOB NOT NULL,
        reply_to INTEGER NOT NULL,
        system BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX messages_by_seq ON messages (chat_id, seq);
    CREATE UNIQUE INDEX messages_by_client_id ON messages (client_id, sender_id)
        WHERE client_id IS NOT NULL;
    CREATE INDEX messages_changed ON messages (chat_id, rev) WHERE rev <> seq;

    CREATE TABLE marks (
        chat_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        kind INTEGER NOT NULL, -- 0 delivered, 1 read
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (chat_id, user_id, kind, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE large_marks (
        chat_id INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        at INTEGER NOT NULL,
        part INTEGER NOT NULL,
        users TEXT NOT NULL, -- JSON array of user ids
        PRIMARY KEY (chat_id, seq, kind, at, part)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE places (
        session_id INTEGER NOT NULL,
        chat_id INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (session_id, chat_id)
    ) STRICT, WITHOUT ROWID;

    CREATE VIEW message_status (id, message_id, recipient_id, status, status_timestamp) AS
        SELECT m.id || ':' || r.user_id, m.id, r.user_id,
            CASE WHEN r.read >= m.seq THEN 'read'
                 WHEN r.delivered >= m.seq THEN 'delivered' ELSE 'sent' END,
            CASE WHEN r.read >= m.seq THEN coalesce(
                    (SELECT at FROM marks k WHERE k.chat_id = m.chat_id AND k.user_id = r.user_id
                        AND k.kind = 1 AND k.seq >= m.seq ORDER BY k.seq LIMIT 1),
                    (SELECT l.at FROM large_marks l, json_each(l.users) u
                        WHERE l.chat_id = m.chat_id AND l.seq >= m.seq AND l.kind = 1
                        AND u.value = r.user_id ORDER BY l.seq LIMIT 1), m.at)
                 WHEN r.delivered >= m.seq THEN coalesce(
                    (SELECT at FROM marks k WHERE k.chat_id = m.chat_id AND k.user_id = r.user_id
                        AND k.kind = 0 AND k.seq >= m.seq ORDER BY k.seq LIMIT 1),
                    (SELECT l.at FROM large_marks l, json_each(l.users) u
                        WHERE l.chat_id = m.chat_id AND l.seq >= m.seq AND l.kind = 0
                        AND u.value = r.user_id ORDER BY l.seq LIMIT 1), m.at)
                 ELSE m.at END
        FROM messages m JOIN members r ON r.chat_id = m.chat_id
        WHERE m.type <> 'system' AND r.user_id <> m.sender_id AND r.left IS NULL
            AND r.since <= m.seq;
    """,
    """
    ALTER TABLE messages ADD COLUMN delivered_at INTEGER;
    ALTER TABLE messages ADD COLUMN read_at INTEGER;

    DROP VIEW message_status;
    CREATE VIEW message_status (id, message_id, recipient_id, status, status_timestamp) AS
        SELECT m.id || ':' || r.user_id, m.id, r.user_id,
            CASE WHEN r.read >= m.seq THEN 'read'
                 WHEN r.delivered >= m.seq THEN 'delivered' ELSE 'sent' END,
            coalesce(nullif(min(
                coalesce((SELECT min(CASE WHEN k.sender_id = r.user_id THEN k.at
                        WHEN r.read >= m.seq THEN k.read_at ELSE k.delivered_at END)
                    FROM messages k WHERE k.chat_id = m.chat_id AND k.seq >= m.seq
                    AND k.seq <= max(r.delivered, r.read)), 9e18),
                coalesce((SELECT min(k.at) FROM marks k WHERE k.chat_id = m.chat_id
                    AND k.user_id = r.user_id AND k.kind = (r.read >= m.seq)
                    AND k.seq >= m.seq), 9e18),
                coalesce((SELECT min(l.at) FROM large_marks l, json_each(l.users) u
                    WHERE l.chat_id = m.chat_id AND l.seq >= m.seq AND l.kind = (r.read >= m.seq)
                    AND u.value = r.user_id), 9e18)), 9e18), m.at)
        FROM messages m JOIN members r ON r.chat_id = m.chat_id
        WHERE m.type <> 'system' AND r.user_id <> m.sender_id AND r.left IS NULL
            AND r.since <= m.seq;
    """,
    """
    ALTER TABLE chats ADD COLUMN description TEXT NOT NULL DEFAULT '';
    ALTER TABLE chats ADD COLUMN picture TEXT NOT NULL DEFAULT '';
    ALTER TABLE chats ADD COLUMN posting TEXT NOT NULL DEFAULT 'all';
    ALTER TABLE chats ADD COLUMN slow_seconds INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE chats ADD COLUMN visibility TEXT NOT NULL DEFAULT 'private';

    ALTER TABLE members ADD COLUMN sent_at INTEGER NOT NULL DEFAULT 0;
    """,
    """
    ALTER TABLE members ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;

    CREATE TABLE chat_invites (
        id INTEGER PRIMARY KEY,
        chat_id INTEGER NOT NULL,
        code_hash BLOB NOT NULL UNIQUE,
        created_by INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL, -- 0: never
        max_uses INTEGER NOT NULL, -- 0: any number
        uses INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX chat_invites_by_chat ON chat_invites (chat_id, id);

    CREATE INDEX chats_public ON chats (size, id) WHERE visibility = 'public';
    """,
    """
    ALTER TABLE sessions ADD COLUMN valid_from INTEGER NOT NULL DEFAULT -1;
    CREATE INDEX users_registered ON users (id) WHERE password_hash <> '';

    CREATE TABLE server_keys (
        name TEXT PRIMARY KEY,
        key_hash BLOB NOT NULL UNIQUE,
        hint TEXT NOT NULL,
        scopes TEXT NOT NULL, -- with spaces between them
        created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE members ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0;
    """,
    """
    ALTER TABLE messages ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN edited_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN deleted_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX messages_pinned ON messages (chat_id, pinned) WHERE pinned <> 0;

    CREATE TABLE edits (
        message_id INTEGER NOT NULL,
        rev INTEGER NOT NULL,
        at INTEGER NOT NULL,
        content TEXT NOT NULL,
        media BLOB NOT NULL,
        PRIMARY KEY (message_id, rev)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE last_seen (
        user_id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE identities (
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        user_id INTEGER NOT NULL,
        PRIMARY KEY (issuer, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX identities_by_user ON identities (user_id);
    """,
    """
    ALTER TABLE messages ADD COLUMN thread_id INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN extra BLOB NOT NULL DEFAULT x'';
    UPDATE messages SET thread_id = (
        WITH RECURSIVE up (id, above) AS (
            SELECT messages.id, messages.reply_to
            UNION ALL SELECT m.id, m.reply_to FROM up JOIN messages m ON m.id = up.above)
        SELECT id FROM up WHERE above = 0
    ) WHERE reply_to <> 0;
    CREATE INDEX messages_by_thread ON messages (thread_id, seq) WHERE thread_id <> 0;

    ALTER TABLE chats ADD COLUMN mentioned INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE mentions (
        user_id INTEGER NOT NULL, -- 0: everybody
        chat_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (user_id, chat_id, at, seq)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE privacy (
        user_id INTEGER PRIMARY KEY,
        me_rev INTEGER NOT NULL,
        read_receipts INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        inbox TEXT NOT NULL
    ) STRICT;

    CREATE TABLE blocks (
        user_id INTEGER NOT NULL,
        other_id INTEGER NOT NULL,
        me_rev INTEGER NOT NULL,
        blocked INTEGER NOT NULL, -- 0: not any more, which the own log tells
        PRIMARY KEY (user_id, other_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX blocks_by_me ON blocks (user_id, me_rev);
    """,
    """
    CREATE TABLE hidden (
        user_id INTEGER NOT NULL,
        chat_id INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        message_id INTEGER NOT NULL,
        me_rev INTEGER NOT NULL,
        PRIMARY KEY (user_id, chat_id, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX hidden_by_me ON hidden (user_id, me_rev);
    CREATE INDEX hidden_by_message ON hidden (chat_id, seq);
    """,
    """
    ALTER TABLE edits ADD COLUMN extra BLOB NOT NULL DEFAULT x'';
    UPDATE edits SET extra = (SELECT extra FROM messages WHERE id = message_id);
    """,
    """
    ALTER TABLE messages ADD COLUMN reactions BLOB NOT NULL DEFAULT x'';
    CREATE TABLE reactions (
        message_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        emoji TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (message_id, user_id, emoji)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX reactions_by_emoji ON reactions (message_id, emoji, user_id);
    CREATE TABLE waiting (
        message_id INTEGER PRIMARY KEY,
        due_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX waiting_by_time ON waiting (due_at, message_id);
    """,
)
