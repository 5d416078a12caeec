"""What a change of members means for who hears of a group: pure."""

from hubbub.domain.change import Logged, Seats
from hubbub.domain.events import Event, JoinedLarge, LeftLarge
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat, newcomers


def large_moves(outcome: Logged) -> list[Event]:
    """Subscriptions of a large chat: who came, who went; all, when it has just become large."""
    chat_id, seq = outcome.chat_id, outcome.head.seq
    if outcome.seats:
        return seated(chat_id, outcome.seats, seq)
    moves: list[Event] = []
    if joined := newcomers(outcome.events, seq):
        moves.append(JoinedLarge(chat_id, tuple(joined), seq, seq))
    moves += [LeftLarge(chat_id, e.user_id) for e in outcome.events if not e.present]
    return moves


def seated(chat_id: int, seats: Seats, rev: int) -> list[Event]:
    """All members of a chat that became large at position `rev` begin to hear of it as such."""
    by_since: dict[int, list[int]] = {}
    for user_id, since in seats:
        by_since.setdefault(since, []).append(user_id)
    return [JoinedLarge(chat_id, tuple(users), since, rev) for since, users in by_since.items()]


def members_after(was: tuple[int, ...], events: list[MyChat]) -> tuple[int, ...]:
    """Who is in a chat when some have come and gone."""
    gone = {e.user_id for e in events if not e.present}
    come = [e.user_id for e in events if e.present and e.user_id not in was]
    return (*(u for u in was if u not in gone), *come)


def system_row(outcome: Logged) -> Row:
    """The message that says what has changed."""
    head = outcome.head
    return Row(
        outcome.id,
        outcome.chat_id,
        head.seq,
        head.seq,
        head.number,
        outcome.by,
        None,
        head.at,
        "system",
        "",
        b"",
        0,
        outcome.system,
    )
