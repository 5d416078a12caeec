"""Reactions with one rule taken out."""

from typing import Any
from unittest.mock import patch

import apsw
from msgspec.structs import replace

from hubbub.adapters.sqlite import amend as amending
from hubbub.domain.amend import amend
from hubbub.domain.change import React
from hubbub.domain.message import Row


def without_a_position() -> Any:
    """What a message tells of reactions changes, and the log goes on as if it had not."""

    def quiet(row: Row, change: Any, *given: Any) -> Any:
        after = amend(row, change, *given)
        if isinstance(after, Row) and isinstance(change.do, React):
            return replace(after, rev=row.rev)
        return after

    return patch.object(amending, "amend", quiet)


def forgotten() -> Any:
    """One in a large group is stored, and nobody notes that a position is to tell of it."""

    def forgetful(db: apsw.Connection, row: Row, at: int) -> None:
        db.execute("UPDATE messages SET reactions = ? WHERE id = ?", (row.reactions, row.id))

    return patch.object(amending, "wait", forgetful)


def each_at_once() -> Any:
    """In large groups each takes a position."""
    return patch.object(amending, "waits", lambda chat, row, at: False)
