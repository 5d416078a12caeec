"""Names that complete what was typed after an @."""

import pytest

from hubbub_client import User
from hubbub_terminal.completion import EVERYBODY, begun, fitting
from tests.unit.terminal.made import ANN, BOB, book, message, only, record

ZOE = User("user_zoe", "z.o-e", "Zoë van Bergen")


@pytest.mark.parametrize(
    ("before", "typed"),
    [
        ("@", ""),
        ("Hello @an", "an"),
        ("(@z.o-", "z.o-"),
        ("two\nlines @b", "b"),
        ("ann@example", None),
        ("@@an", None),
        ("@an ", None),
        ("Hello", None),
    ],
)
def test_a_name_is_begun_by_an_at_that_stands_alone(before: str, typed: str | None) -> None:
    assert begun(before) == typed


@pytest.mark.parametrize(
    ("typed", "found"),
    [("z", [ZOE]), ("ZO", [ZOE]), ("berg", [ZOE]), ("b", [BOB, ZOE]), ("", [BOB, ZOE]), ("x", [])],
)
def test_names_fit_from_the_beginning_of_a_word(typed: str, found: list[User]) -> None:
    assert fitting([BOB, ZOE], typed) == found


def test_who_spoke_last_comes_first_then_members_then_everybody() -> None:
    made = book()
    chat = only(made)
    made.meet([ZOE])
    chat.members = [ANN.id, BOB.id, ZOE.id]
    chat.window.show([message(1), message(2, sender_id=ZOE.id)], older=False, newer=False)
    assert made.nameable(chat) == [ZOE, BOB, EVERYBODY]


def test_in_a_direct_chat_nobody_is_named() -> None:
    made = book(record(peer=BOB))
    assert made.nameable(only(made)) == []
