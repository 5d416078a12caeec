"""What a change of members means for who hears of a group: pure."""

from hubbub.domain.change import Logged
from hubbub.domain.events import Event, JoinedLarge, LeftLarge
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat


def large_moves(outcome: Logged, was: tuple[int, ...]) -> list[Event]:
    """Subscriptions of a large chat: who came, who went; all, when it has just become large."""
    moves: list[Event] = []
    if was:
        moves.append(JoinedLarge(outcome.chat_id, was, 1))
    joined = tuple(e.user_id for e in outcome.events if e.present)
    if joined:
        moves.append(JoinedLarge(outcome.chat_id, joined, outcome.head.seq))
    moves += [LeftLarge(outcome.chat_id, e.user_id) for e in outcome.events if not e.present]
    return moves


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
