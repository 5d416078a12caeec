"""Whatever others write, a terminal shows letters, in exactly the cells that they have."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub_terminal.plain import MARKS, cut, fit, harmless, line, plain, width, wrap
from tests.unit.terminal.made import HOSTILE

TEXTS = st.text(st.characters() | st.sampled_from("ab \n日👍\u0301\u200d\ufe0f\x1b\u202e"))


def controls(text: str) -> set[str]:
    """What could speak to a terminal, or turn a line around."""
    bad = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return {each for each in text if unicodedata.category(each) in bad} - {"\n", "\u200c"}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_is_left(text: str) -> None:
    assert not controls(plain(text))
    assert not controls(line(text)) | ({"\n"} & set(line(text)))


@given(TEXTS)
def test_no_text_has_controls_when_plain(text: str) -> None:
    assert not controls(plain(text))
    assert plain(plain(text)) == plain(text)


@given(TEXTS, st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_no_letter(text: str, cells: int) -> None:
    shown = plain(text)
    lines = wrap(shown, cells)
    assert all(width(each) <= cells for each in lines)
    kept = "".join("".join(lines).split()).replace("\u200c", "")
    assert kept == "".join(shown.split()).replace("\u200c", "")


@given(TEXTS, st.integers(0, 40))
def test_a_line_can_be_made_to_fit(text: str, cells: int) -> None:
    assert width(cut(line(text), cells)) <= cells
    assert width(fit(line(text), cells)) == cells


def test_words_stay_whole_where_they_can() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("one  two", 4) == ["one", "two"]
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert wrap("日本語", 4) == ["日本", "語"]
    assert wrap(" abc日", 4) == ["", "abc", "日"]
    assert wrap("", 4) == [""]
    assert wrap("a\n\nb", 4) == ["a", "", "b"]


def test_sequences_that_terminals_measure_differently_are_taken_apart() -> None:
    assert plain("👩‍👧") == "👩👧"
    assert plain("👍🏽") == "👍"
    assert plain("❤️") == "❤"
    assert plain("e" + "\u0301" * 9) == "e" + "\u0301" * MARKS


def test_scripts_stay_as_they_are() -> None:
    for text in ("שלום", "مرحبا", "می‌خواهم", "नमस्ते", "ไม่เป็นไร", "日本語", "Ångström"):
        assert plain(text) == text


def test_a_field_keeps_what_was_written() -> None:
    assert harmless("👩‍👧 👍🏽\n\tx\x1b[0m\x07") == "👩‍👧 👍🏽\n\tx[0m"
