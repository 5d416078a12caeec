"""What libraries log becomes a line of ours, without the values that they put in."""

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest

from hubbub.observe import Log

SECRET = "the eagle flies at midnight"


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = logging.root.handlers
    yield
    logging.root.handlers = before


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_fault_says_where_it_was_and_not_with_what(capsys: pytest.CaptureFixture[str]) -> None:
    Log("info", "json").take_over()
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("some.library").exception("It broke over %s", SECRET)
    (line,) = lines(capsys)
    assert SECRET not in str(line)
    assert line["logger"] == "some.library"
    assert line["level"] == "error"
    assert line["error"] == "ValueError"
    assert "test_library_lines.py:" in line["where"]


def test_what_asyncio_says_of_a_lost_fault(capsys: pytest.CaptureFixture[str]) -> None:
    Log("info", "json").take_over()
    loop = asyncio.new_event_loop()
    lost: asyncio.Future[None] = loop.create_future()
    lost.set_exception(ValueError(SECRET))
    del lost  # nobody has looked at it
    loop.close()
    (line,) = lines(capsys)
    assert SECRET not in str(line)
    assert line["says"] == "Future exception was never retrieved"
    assert line["error"] == "ValueError"


def test_whispers_are_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    Log("debug", "json").take_over()
    logging.getLogger("some.library").info("All is well")
    assert lines(capsys) == []


def test_our_own_are_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    Log("info", "json").take_over()
    logging.getLogger("hubbub.edge").error("%s failed: %s", "the acceptor", "ValueError")
    assert lines(capsys)[0]["says"] == "the acceptor failed: ValueError"
