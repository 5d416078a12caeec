"""The server on a machine whose clock is wrong: every clock of ours is read through `time`."""

import time
from unittest.mock import patch

from hubbub.cli import main as hubbub


def program(seconds: int) -> str:
    """What starts it, so far ahead."""
    return f"from tests.support.shifted import main; main({seconds})"


def main(seconds: int) -> None:
    """`hubbub`, while the wall clock is so far ahead; durations are not concerned."""
    now, now_ns = time.time, time.time_ns
    ahead = patch("time.time", lambda: now() + seconds)
    with ahead, patch("time.time_ns", lambda: now_ns() + seconds * 1_000_000_000):
        hubbub()
