"""Finding chats as one types, and reading addresses."""

import pytest

from hubbub_client import User
from hubbub_terminal.links import Link, first_address, parse
from hubbub_terminal.rank import find
from tests.unit.terminal.made import book, record


def titles(query: str) -> list[str]:
    names = ["Weekend hikers", "Fútbol los martes", "The week ahead", "Νησιά", "日本語"]
    peer = User("user_z", "zoe42", "Zoë Keeping")
    records = [record(f"chat_{i}", title=name) for i, name in enumerate(names)]
    state = book(*records, record("chat_z", peer=peer))
    return [chat.title for chat in find(query, list(state.chats.values()))]


def test_the_beginning_of_the_name_is_best() -> None:
    assert titles("week") == ["Weekend hikers", "The week ahead"]
    assert titles("ahead") == ["The week ahead"]
    assert len(titles("")) == 6


def test_case_accents_initials_and_letters_in_order() -> None:
    assert titles("FUTBOL") == ["Fútbol los martes"]
    assert titles("zoe") == ["Zoë Keeping"]
    assert titles("@zoe42") == ["Zoë Keeping"]
    assert "Weekend hikers" in titles("wh")
    assert titles("wkndhkrs") == ["Weekend hikers"]
    assert titles("νησ") == ["Νησιά"]
    assert titles("本") == ["日本語"]
    assert titles("xyz") == []


@pytest.mark.parametrize(
    ("typed", "link"),
    [
        ("localhost:8080", Link("http://localhost:8080")),
        (" https://chat.example/ ", Link("https://chat.example")),
        ("http://h:1/#signin=a_b-c", Link("http://h:1", signin="a_b-c")),
        ("http://h:1/#invite=xyz", Link("http://h:1", invite="xyz")),
        ("http://h:1/#setup=xyz", Link("http://h:1", invite="xyz")),
        ("http://h:1/base/#join=j", Link("http://h:1/base", join="j")),
        ("http://user:secret@h", Link("http://h")),
    ],
)
def test_addresses(typed: str, link: Link) -> None:
    assert parse(typed) == link


@pytest.mark.parametrize(
    "typed", ["", "ftp://h", "http://", "http://h:0", "http://h:x", "http://[::1"]
)
def test_what_is_no_address(typed: str) -> None:
    with pytest.raises(ValueError, match="An address begins"):
        parse(typed)


def test_addresses_in_a_text() -> None:
    assert first_address("see https://a.example/x?y=1.") == "https://a.example/x?y=1"
    assert first_address("(http://b)") == "http://b"
    assert first_address("https://c\x1b[0m") == "https://c"
    assert first_address("nothing") is None
