"""Reactions: load what the rule needs, save what it says."""

from itertools import groupby
from typing import Final, cast

import apsw
from msgspec.structs import replace

from hubbub.domain.change import Denied, React
from hubbub.domain.message import Row
from hubbub.domain.reaction import MOST_OWN, NAMED, due_at, may_react, tallied
from hubbub.domain.view import ReactionList, Reactor

OWN: Final = "SELECT emoji FROM reactions WHERE message_id = ? AND user_id = ? ORDER BY emoji"
PUT: Final = "INSERT INTO reactions (message_id, user_id, emoji, at) VALUES (?,?,?,?)"
TAKE: Final = "DELETE FROM reactions WHERE message_id = ? AND user_id = ? AND emoji = ?"
FIRST: Final = (
    "SELECT user_id FROM reactions WHERE message_id = ? AND emoji = ?"
    f" ORDER BY user_id LIMIT {NAMED + 1}"
)
PAGE: Final = (
    "SELECT user_id, emoji, at FROM reactions WHERE message_id = ? AND user_id > ?"
    " ORDER BY user_id, emoji LIMIT ?"
)
WAITING: Final = "SELECT message_id, due_at FROM waiting ORDER BY due_at, message_id LIMIT ?"


def react(db: apsw.Connection, row: Row, by: int, do: React, at: int) -> Row | Denied:
    """The message with the reaction, or without it; the same where that is so already."""
    own = own_reactions(db, row.id, by)
    if (do.emoji in own) == do.on:
        return row
    if do.on and (denied := may_react(row, do.emoji, len(own))) is not None:
        return denied
    if do.on:
        db.execute(PUT, (row.id, by, do.emoji, at))
    else:
        db.execute(TAKE, (row.id, by, do.emoji))
    users = [user_id for (user_id,) in db.execute(FIRST, (row.id, do.emoji))]
    return replace(row, reactions=tallied(row.reactions, do.emoji, do.on, users))


def wait(db: apsw.Connection, row: Row, at: int) -> None:
    """What the message has now waits for a position."""
    db.execute("UPDATE messages SET reactions = ? WHERE id = ?", (row.reactions, row.id))
    query = "INSERT OR IGNORE INTO waiting (message_id, due_at) VALUES (?,?)"
    db.execute(query, (row.id, due_at(row, at)))


def position_due(db: apsw.Connection, message_id: int) -> int | None:
    """When the position is due that reactions to the message wait for; None: none do."""
    found: int | None = db.execute(
        "SELECT due_at FROM waiting WHERE message_id = ?", (message_id,)
    ).get
    return found


def own_reactions(db: apsw.Connection, message_id: int, user_id: int) -> list[str]:
    """The emoji that the user has put to the message."""
    return [emoji for (emoji,) in db.execute(OWN, (message_id, user_id))]


def reaction_list(
    db: apsw.Connection, user_id: int, message_id: int, after: int, limit: int
) -> ReactionList:
    """Who has reacted to a message that the user sees."""
    stored = db.execute(PAGE, (message_id, after, (limit + 1) * MOST_OWN)).fetchall()
    rows = cast(list[tuple[int, str, int]], stored)
    page = [
        Reactor(user, [(emoji, at) for _, emoji, at in his])
        for user, his in groupby(rows, key=lambda row: row[0])
    ]
    own = own_reactions(db, message_id, user_id)
    return ReactionList(own, page[:limit], len(page) > limit)
