"""Cursors: forward only, with the time of each advance kept as a mark."""

from collections.abc import Sequence
from typing import Final

from hubbub.adapters.postgres.rows import AT_OR_BELOW, columns
from hubbub.adapters.postgres.work import Position, Work
from hubbub.domain.change import Advance, Advanced, Missing, Outcome, Placed, PlaceMe
from hubbub.domain.chat import Head
from hubbub.domain.own import MyChat
from hubbub.domain.receipt import DELIVERED, READ, Cursor

NUMBERS: Final = f"""
    SELECT k.chat_id, k.seq, m.number FROM unnest($1::bigint[], $2::bigint[]) AS k (chat_id, seq),
    {AT_OR_BELOW}
"""
PLACE_ME: Final = """
    UPDATE sessions s SET me_place = greatest(s.me_place, least(k.rev, u.me_head))
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS k (session_id, user_id, rev)
    JOIN users u ON u.id = k.user_id WHERE s.id = k.session_id AND s.user_id = k.user_id
"""


async def advance(work: Work, moves: Sequence[Advance]) -> list[Outcome]:
    """Move the cursors; who is not a member now is `Missing`."""
    await work.load_positions((m.chat_id, m.user_id) for m in moves)
    numbers = await _numbers(work, moves)
    return [await _move(work, move, numbers) for move in moves]


async def _numbers(work: Work, moves: Sequence[Advance]) -> dict[tuple[int, int], int]:
    """Of the newest messages up to where reads go that do not go to the end of their log."""
    wanted = {
        (m.chat_id, m.read)
        for m in moves
        if m.read and (head := work.head(m.chat_id)) is not None and m.read < head.seq
    }
    if not wanted:
        return {}
    rows = await work.db.fetch(NUMBERS, *columns([*wanted], 2))
    return {(row[0], row[1]): row[2] for row in rows}


async def _move(work: Work, move: Advance, numbers: dict[tuple[int, int], int]) -> Outcome:
    key = (move.chat_id, move.user_id)
    head, position = work.head(move.chat_id), await work.position(*key)
    if head is None or position is None:
        return Missing()
    before = Cursor(position.delivered, position.read)
    after = before.advance(move.delivered, move.read, head.seq)
    received = min(move.delivered, head.seq)
    if received > position.received or after != before:
        position.received = max(position.received, received)
        work.move(*key)
    if received and move.session_id:
        work.place(move.session_id, move.chat_id, received)
    position.delivered, position.read = after.delivered, after.read
    if after.delivered > before.delivered:
        work.mark(*key, DELIVERED, after.delivered, move.at)
    me = None
    if after.read > before.read:
        work.mark(*key, READ, after.read, move.at)
        me = await _read(work, move, head, position, numbers)
    moved = (before.delivered, after.delivered, before.read, after.read)
    return Advanced(*key, *moved, move.at, me, me is not None and position.silent)


async def _read(
    work: Work,
    move: Advance,
    head: Head,
    position: Position,
    numbers: dict[tuple[int, int], int],
) -> MyChat:
    """A read is an event of the reader's own log."""
    if position.read == head.seq:
        position.read_number = head.number
    else:
        # Without one it is where it was: what he has read now is too old to be kept.
        key = (move.chat_id, position.read)
        position.read_number = numbers.get(key, position.read_number)
    return await work.tell(move.chat_id, move.user_id, position)


async def place_me(work: Work, changes: Sequence[PlaceMe]) -> list[Outcome]:
    """Move sessions' places in their users' own logs."""
    await work.flush()  # the own logs may have gone on in this very commit
    places: dict[tuple[int, int], int] = {}
    for change in changes:
        key = (change.session_id, change.user_id)
        places[key] = max(change.rev, places.get(key, 0))
    await work.db.execute(PLACE_ME, *columns([(*k, rev) for k, rev in sorted(places.items())], 3))
    return [Placed() for _ in changes]
