"""Reactions: load what the rule needs, save what it says."""

from itertools import groupby
from typing import Any, Final

from msgspec.structs import replace

from hubbub.adapters.postgres.schema import day_of_id
from hubbub.adapters.postgres.work import Work
from hubbub.domain.change import Denied, React
from hubbub.domain.message import Row
from hubbub.domain.reaction import MOST_OWN, NAMED, due_at, may_react, tallied
from hubbub.domain.view import ReactionList, Reactor

OWN: Final = "SELECT emoji FROM reactions WHERE message_id = $1 AND user_id = $2"
PUT: Final = "INSERT INTO reactions (message_id, user_id, emoji, at) VALUES ($1, $2, $3, $4)"
TAKE: Final = "DELETE FROM reactions WHERE message_id = $1 AND user_id = $2 AND emoji = $3"
FIRST: Final = (
    "SELECT user_id FROM reactions WHERE message_id = $1 AND emoji = $2"
    f" ORDER BY user_id LIMIT {NAMED + 1}"
)
PAGE: Final = (
    "SELECT user_id, emoji, at FROM reactions WHERE message_id = $1 AND user_id > $2"
    ' ORDER BY user_id, emoji COLLATE "C" LIMIT $3'
)
WAIT: Final = (
    "INSERT INTO waiting (message_id, due_at) VALUES ($1, $2) ON CONFLICT (message_id) DO NOTHING"
)
WAITING: Final = "SELECT message_id, due_at FROM waiting ORDER BY due_at, message_id LIMIT $1"


async def react(work: Work, row: Row, by: int, do: React, at: int) -> Row | Denied:
    """The message with the reaction, or without it; the same where that is so already."""
    own = await own_reactions(work.db, row.id, by)
    if (do.emoji in own) == do.on:
        return row
    if do.on and (denied := may_react(row, do.emoji, len(own))) is not None:
        return denied
    if do.on:
        work.need_day(day_of_id(row.id))
        await work.db.execute(PUT, row.id, by, do.emoji, at)
    else:
        await work.db.execute(TAKE, row.id, by, do.emoji)
    users = [found[0] for found in await work.db.fetch(FIRST, row.id, do.emoji)]
    return replace(row, reactions=tallied(row.reactions, do.emoji, do.on, users))


async def wait(db: Any, row: Row, at: int) -> None:
    """What the message has now waits for a position."""
    await db.execute("UPDATE messages SET reactions = $2 WHERE id = $1", row.id, row.reactions)
    await db.execute(WAIT, row.id, due_at(row, at))


async def position_due(db: Any, message_id: int) -> int | None:
    """When the position is due that reactions to the message wait for; None: none do."""
    query = "SELECT due_at FROM waiting WHERE message_id = $1"
    due: int | None = await db.fetchval(query, message_id)
    return due


async def own_reactions(db: Any, message_id: int, user_id: int) -> list[str]:
    """The emoji that the user has put to the message."""
    return sorted(row[0] for row in await db.fetch(OWN, message_id, user_id))


async def reaction_list(
    db: Any, user_id: int, message_id: int, after: int, limit: int
) -> ReactionList:
    """Who has reacted to a message that the user sees."""
    rows = await db.fetch(PAGE, message_id, after, (limit + 1) * MOST_OWN)
    page = [
        Reactor(user, [(emoji, at) for _, emoji, at in his])
        for user, his in groupby(rows, key=lambda row: row[0])
    ]
    own = await own_reactions(db, message_id, user_id)
    return ReactionList(own, page[:limit], len(page) > limit)
