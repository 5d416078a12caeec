"""Sentences and times."""

from datetime import UTC, datetime

import pytest

from hubbub_terminal.words import brief, day, device, happened, many, said, span, stamp, typing
from tests.unit.terminal.made import AT, message

NAMES = {"user_ann": "you", "user_bob": "Bob", "user_eve": "Eve"}.__getitem__
NOW = datetime(2026, 11, 28, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("system", "sentence"),
    [
        ({"kind": "member_joined", "user_id": "user_bob"}, "Bob joined"),
        (
            {"kind": "member_joined", "user_id": "user_bob", "invited_by": "user_ann"},
            "Bob joined by an invite from you",
        ),
        (
            {"kind": "member_left", "user_id": "user_bob", "owner": "user_ann"},
            "Bob left; you are owner now",
        ),
        ({"kind": "member_removed", "by": "user_ann", "user_id": "user_bob"}, "You removed Bob"),
        (
            {
                "kind": "members_added",
                "by": "user_bob",
                "user_ids": ["user_ann", "user_eve"],
                "count": 2,
            },
            "Bob added you and Eve",
        ),
        (
            {"kind": "members_added", "by": "user_bob", "user_ids": ["user_eve"], "count": 100},
            "Bob added Eve and 99 others",
        ),
        (
            {"kind": "role_changed", "by": "user_bob", "user_id": "user_eve", "role": "admin"},
            "Bob made Eve admin",
        ),
        (
            {"kind": "chat_changed", "by": "user_bob", "title": "Roses", "slow_seconds": 60},
            "Bob named the group “Roses”, set slow mode to 1 minute",
        ),
        (
            {"kind": "chat_changed", "by": "user_bob", "title": None},
            "Bob took the group's name away",
        ),
        ({"kind": "never heard of"}, "Something happened in the chat"),
    ],
)
def test_system_messages(system: dict, sentence: str) -> None:
    assert happened(system, NAMES) == sentence


def test_messages_in_a_line() -> None:
    assert said(message(1, content="two\nlines  and\ttabs"), NAMES) == "two lines and tabs"
    assert said(message(1, is_deleted=True), NAMES) == "Message deleted"
    assert said(message(1, content="", message_type="image"), NAMES) == "Picture"
    assert said(message(1, message_type="encrypted", content="x"), NAMES) == "Encrypted message"


def test_times() -> None:
    assert day(AT.format(1), NOW) == "Today"
    assert day("2026-11-27T12:00:00.000Z", NOW) == "Yesterday"
    assert day("2025-11-01T12:00:00.000Z", NOW) == "Saturday, 1 November 2025"
    assert len(brief(AT.format(1), NOW)) == 5
    assert brief("2026-11-25T12:00:00.000Z", NOW) == "Wed"
    assert brief("2026-03-05T12:00:00.000Z", NOW) == "5 Mar"
    assert brief("2025-03-05T12:00:00.000Z", NOW) == "2025"
    assert stamp(1_764_331_200.5) == "2025-11-28T12:00:00.500Z"


def test_counts() -> None:
    assert (many(1, "member"), many(1200, "member")) == ("1 member", "1,200 members")
    assert (span(60), span(90), span(7200), span(0)) == (
        "1 minute",
        "90 seconds",
        "2 hours",
        "0 seconds",
    )
    assert [typing(list("ab"[:n])) for n in range(3)] == ["", "a is typing…", "a and b are typing…"]
    assert typing(["a"] * 3) == "3 people are typing…"


def test_a_device_is_named_by_program_and_system() -> None:
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
    assert device(chrome) == "Chrome on Linux"
    assert device("hubbub chat on den") == "hubbub chat on den"
    assert device("") == "A device"
