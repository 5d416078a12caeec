"""Changing stored messages: load what the rule needs, save what it says."""

from typing import Any, Final

from msgspec.structs import replace

from hubbub.adapters.postgres.hidden import hide, hiders
from hubbub.adapters.postgres.mentions import change_mentions
from hubbub.adapters.postgres.reactions import position_due, react, wait
from hubbub.adapters.postgres.relations import is_shut
from hubbub.adapters.postgres.rows import load_message, seen_by, stays
from hubbub.adapters.postgres.work import Again, Work
from hubbub.domain.amend import amend, amended, audience, moved, moved_to, surplus, version
from hubbub.domain.change import Amend, Amended, Announce, Denied, Hide, Missing, Pin, React
from hubbub.domain.chat import LARGE, Chat, Head
from hubbub.domain.log import forget
from hubbub.domain.message import EVERYBODY, Audience, Row
from hubbub.domain.policy import CANNOT_WRITE
from hubbub.domain.reaction import is_due, waits
from hubbub.domain.reading import openings, visible
from hubbub.domain.relation import Pair

SAVE: Final = (
    "UPDATE messages SET rev = $2, content = $3, media = $4, changed_at = $5, edited = $6,"
    " edited_at = $7, deleted_at = $8, pinned = $9, extra = $10, reactions = $11 WHERE id = $1"
)
PINS: Final = "SELECT count(*) FROM messages WHERE chat_id = $1 AND pinned <> 0"
LATE: Final = "SELECT user_id FROM members WHERE chat_id = $1 AND until IS NULL AND since > $2"
RETURNED: Final = (
    "SELECT s.user_id FROM stays s JOIN members m ON m.chat_id = s.chat_id"
    " AND m.user_id = s.user_id AND m.until IS NULL"
    " WHERE s.chat_id = $1 AND s.since <= $2 AND s.until > $2 ORDER BY s.user_id"
)


async def amend_message(work: Work, change: Amend) -> Amended | Denied | Missing:
    """Change a message; what who changes it does not see is `Missing`."""
    row = await load_message(work.db, change.message_id)
    if row is None:
        return Missing()
    if row.chat_id not in work.chats:
        raise Again  # it was stored after the locks were taken
    chat, head = work.chat(row.chat_id), work.head(row.chat_id)
    if chat is not None and head is not None and isinstance(change.do, Announce):
        return await _announce(work, row, chat, head, change.at)
    position = await work.position(row.chat_id, change.by)
    if chat is None or head is None or position is None:
        return Missing()
    hiding = isinstance(change.do, Hide)
    if hiding:
        seen = openings(chat, await stays(work.db, chat.id, change.by))
    else:
        (seen,) = await seen_by(work.db, [(chat, change.by)])
    if not visible(row, seen):
        return Missing()
    pins = await work.db.fetchval(PINS, chat.id) if isinstance(change.do, Pin) else 0
    after = amend(row, change, chat, position.role, head, pins)
    if isinstance(after, Denied):
        return after
    if hiding:
        return await hide(work, row, change.by, position)
    if after == row:
        return Amended(row, False, EVERYBODY)
    if chat.type == "direct" and not after.deleted_at:
        await work.flush()  # whether the other has written is in his row
        if await is_shut(work.db, Pair(change.by, 0, chat.id)):
            return CANNOT_WRITE
    if isinstance(change.do, React):
        found = await _react(work, chat, row, change, change.do)
        if not isinstance(found, Row):
            return found
        after = replace(after, reactions=found.reactions)
    await _save(work, row, after, head)
    if after.deleted_at:
        forget(work.known, after)
    return amended(after, head, await _audience(work.db, chat, row))


async def _react(
    work: Work, chat: Chat, row: Row, change: Amend, do: React
) -> Row | Amended | Denied:
    """The message with its new reactions, where a position is to tell of them now."""
    reacted = await react(work, row, change.by, do, change.at)
    if reacted == row:
        return Amended(row, False, EVERYBODY)
    if isinstance(reacted, Row) and waits(chat, row, change.at):
        await wait(work.db, reacted, change.at)
        return Amended(reacted, False, EVERYBODY, waits=True)
    return reacted


async def _announce(work: Work, row: Row, chat: Chat, head: Head, at: int) -> Amended:
    due = await position_due(work.db, row.id)
    if due is None:
        return Amended(row, False, EVERYBODY)
    if not is_due(chat, due, at):
        return Amended(row, False, EVERYBODY, waits=True)
    after = moved_to(row, head, at)
    await _save(work, row, after, head)
    return amended(after, head, await _audience(work.db, chat, row))


async def _save(work: Work, before: Row, after: Row, head: Head) -> None:
    if after.edited > before.edited:
        await _keep_version(work.db, before)
    if after.deleted_at:
        await work.db.execute("DELETE FROM edits WHERE message_id = $1", after.id)
        await work.db.execute("DELETE FROM reactions WHERE message_id = $1", after.id)
    await work.db.execute("DELETE FROM waiting WHERE message_id = $1", after.id)
    await work.db.execute(
        SAVE,
        after.id,
        after.rev,
        after.content,
        after.media,
        after.changed_at,
        after.edited,
        after.edited_at,
        after.deleted_at,
        after.pinned,
        after.extra,
        after.reactions,
    )
    await change_mentions(work.db, before, after)
    work.move_head(after.chat_id, moved(head, after), changed=after.rev)


async def _keep_version(db: Any, row: Row) -> None:
    kept = version(row)
    await db.execute(
        "INSERT INTO edits (message_id, rev, at, content, media, extra)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        row.id,
        kept.rev,
        kept.at,
        kept.content,
        kept.media,
        kept.extra,
    )
    query = "SELECT rev FROM edits WHERE message_id = $1 ORDER BY rev"
    drop = surplus([rev for (rev,) in await db.fetch(query, row.id)])
    if drop:
        query = "DELETE FROM edits WHERE message_id = $1 AND rev = ANY($2)"
        await db.execute(query, row.id, drop)


async def _audience(db: Any, chat: Chat, row: Row) -> Audience:
    late: list[int] = []
    returned: list[int] = []
    if chat.history != "all":
        if chat.size <= LARGE:
            late = [user_id for (user_id,) in await db.fetch(LATE, chat.id, row.seq)]
        if late or chat.size > LARGE:
            returned = [user_id for (user_id,) in await db.fetch(RETURNED, chat.id, row.seq)]
    return audience(chat, late, returned, await hiders(db, row))
