"""What an emoji is, and how reactions are tallied."""

import pytest

from hubbub.domain.reaction import Tally, is_emoji, tallied, tallies

GOOD = "👍 ❤️ ❤ 🎉 ☺️ ©️ ‼️ ↔️ 1️⃣ #️⃣ 🇨🇭 👍🏽 👩‍👩‍👧‍👦 🤷🏽‍♀️ 🏳️‍🌈 👁️‍🗨️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🧑🏻‍❤️‍💋‍🧑🏿"
BAD = ("", " ", "a", "1", "no", "👍👍", "👍 ", "🇨", "\u200d", "\ufe0f", "👍\u200d", "<b>", "é")


@pytest.mark.parametrize("emoji", GOOD.split())
def test_what_people_see_as_one_emoji(emoji: str) -> None:
    assert is_emoji(emoji)


@pytest.mark.parametrize("text", [*BAD, "👨" + "\u200d👨" * 8, "🏴" + "\U000e0067" * 11])
def test_what_is_none(text: str) -> None:
    assert not is_emoji(text)


def test_tallies_keep_the_order_in_which_emoji_came() -> None:
    packed = tallied(b"", "🎉", True, [3])
    packed = tallied(packed, "👍", True, [2])
    packed = tallied(packed, "🎉", True, [1, 3])
    assert list(tallies(packed).items()) == [("🎉", Tally(2, (1, 3))), ("👍", Tally(1, (2,)))]
    assert tallied(tallied(packed, "🎉", False, []), "👍", False, []) == b""


def test_more_than_ten_are_counted_and_not_named() -> None:
    packed = tallied(b"", "👍", True, range(10))
    assert tallies(packed) == {"👍": Tally(10, tuple(range(10)))}
    for count in (11, 12):
        packed = tallied(packed, "👍", True, range(11))
        assert tallies(packed) == {"👍": Tally(count, ())}
    packed = tallied(packed, "👍", False, range(11))
    assert tallies(packed) == {"👍": Tally(11, ())}
    assert tallies(tallied(packed, "👍", False, range(10)))["👍"].users == tuple(range(10))
