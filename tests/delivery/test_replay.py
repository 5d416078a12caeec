"""Where what is read again begins."""

from collections import deque
from typing import Any

from hubbub.delivery.catching_up import Replay
from hubbub.domain.own import MyChat
from hubbub.domain.view import Place

ANN, CHAT, OTHER = 1, 9, 10


def replay(*, repair: bool) -> Replay:
    reader: Any = None  # nothing is written
    made = Replay(reader, {CHAT: 20, OTHER: 20}, 0, (), repair)
    made.pending = deque(Place(chat, 20, 0, 0, False, 1) for chat in (CHAT, OTHER))
    return made


def places(made: Replay) -> list[int]:
    return [place.place for place in made.pending or ()]


def back_since(since: int) -> MyChat:
    return MyChat(ANN, 5, CHAT, True, "member", since, 0, 0)


def test_who_came_back_is_told_nothing_of_before_his_stay() -> None:
    """His own log tells first where that begins, so an older position would come again."""
    made = replay(repair=True)
    made.begin_at(back_since(23))
    assert places(made) == [22, 20]


def test_a_stay_that_goes_on_moves_nothing() -> None:
    made = replay(repair=True)
    made.begin_at(back_since(3))
    assert places(made) == [20, 20]


def test_a_resume_knows_its_places() -> None:
    made = replay(repair=False)
    made.begin_at(back_since(23))
    assert places(made) == [20, 20]
