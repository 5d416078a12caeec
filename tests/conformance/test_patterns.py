"""The pattern language takes what fits and nothing else; a wrong line fails its conversation."""

from typing import Any

import pytest

from tests.conformance.conversations import Conversation, Head, Step
from tests.conformance.patterns import Bound, Mismatch, expect, fill, fits
from tests.conformance.runner import playing
from tests.support.server import running

FITS: list[tuple[Any, Any]] = [
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": None}, {"b": 2}),
    ([1, {"a": "*"}], [1, {"a": False}]),
    ("$known", "x"),
    ("!$known", "y"),
    (">=$known", "x"),
    ("~[a-c]+", "abc"),
    ("/of/$known/!", "/of/x/!"),
    ({"$known": 3}, {"x": 3}),
    ({"a": "$new", "b": "$new"}, {"a": 5, "b": 5}),
]
FITS_NOT: list[tuple[Any, Any]] = [
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {}),
    ({"a": 1}, "a"),
    ({"a": None}, {"a": 0}),
    ({"a": "*"}, {"a": None}),
    ({"a": True}, {"a": 1}),
    ([1], [1, 2]),
    ([1, 2], [2, 1]),
    ("$known", "y"),
    ("$new", None),
    ("!$known", "x"),
    ("!$known", None),
    (">=$known", "w"),
    (">=$known", 9),
    ("~[a-c]+", "abcd"),
    ("~[a-c]+", 5),
    ("/of/$known/!", "/of/y/!"),
    ({"a": "$new", "b": "$new"}, {"a": 5, "b": 6}),
]


@pytest.mark.parametrize(("pattern", "value"), FITS)
def test_fits(pattern: Any, value: Any) -> None:
    assert fits(pattern, value, {"known": "x"})


@pytest.mark.parametrize(("pattern", "value"), FITS_NOT)
def test_fits_not(pattern: Any, value: Any) -> None:
    bound: Bound = {"known": "x"}
    assert not fits(pattern, value, bound)
    assert bound == {"known": "x"}, "what does not fit binds nothing"


def test_variables_are_bound_and_filled() -> None:
    bound: Bound = {}
    expect({"id": "$id", "list": ["$first"]}, {"id": "m1", "list": [7]}, bound)
    assert bound == {"id": "m1", "first": 7}
    assert fill({"$id": ["$first", "a $id b", "=é*3"]}, bound) == {"m1": [7, "a m1 b", "ééé"]}
    assert fill("$uuid_a", bound) == fill("$uuid_a", bound) != fill("$uuid_b", bound)
    with pytest.raises(Mismatch, match="gone"):
        fill("$gone", bound)


WRONG = [
    [Step(line=1, who="ann", live=True), Step(line=2, who="ann", expect={"type": "message"})],
    [Step(line=1, who="ann", live=True), Step(line=2, who="ann", expect_close=1008)],
    [Step(line=2, who="ann", rest="GET /me", status=404)],
    [Step(line=2, who="ann", rest="GET /me", status=200, expect={"id": "user_else"})],
    [
        Step(line=1, who="ann", live=True),
        Step(line=1, who="ann", send={"type": "nonsense"}),
        Step(line=2, who="ann", silence=5.0),
    ],
]


async def test_a_wrong_line_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.conformance.runner.PATIENCE", 3.0)
    with running({}) as server:
        for steps in WRONG:
            conversation = Conversation("wrong", Head(["0.0"], "wrong"), steps)
            async with playing(conversation, server, "json") as play:
                with pytest.raises(AssertionError, match="wrong, line 2"):
                    await play.run()
