"""`make cluster`: a cluster on this machine, of which parts are killed while bots talk."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tools.cluster"]
PATIENCE = 120.0
PROMISES = re.compile(r"[1-9]\d* acknowledged: 0 lost, 0 doubled, 0 out of order")


@pytest.mark.slow
def test_the_parts_that_are_named_are_killed_and_healed() -> None:
    kills = [word for name in ("primary", "valkey") for word in ("--kill", name)]
    command = [*COMMAND, "--plain", "--seconds", "12", *kills]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("is promoted in", "is cloned anew", "Valkey is back"):
        assert said in done.stdout
    assert PROMISES.search(done.stdout)


class Screen:
    """A terminal with it, and somebody who presses keys."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self.said = ""

    def until(self, words: str) -> None:
        """It prints these words from now on."""
        self.said, end = "", time.monotonic() + PATIENCE
        while words not in self.said:
            ready, _, _ = select.select([self._terminal], [], [], end - time.monotonic())
            assert ready, self.said[-4_000:]
            self.said += os.read(self._terminal, 65_536).decode("utf-8", "replace")

    def press(self, key: str) -> None:
        """A key."""
        os.write(self._terminal, key.encode())


@contextmanager
def shown() -> Iterator[Screen]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        env=os.environ | {"COLUMNS": "120", "LINES": "40"},
        start_new_session=True,
    )
    try:
        yield Screen(ours)
        assert process.wait(PATIENCE) == 0
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
        os.close(theirs)  # not before: what was printed last could be lost with it
        os.close(ours)


@pytest.mark.slow
def test_a_key_kills_a_part_and_heals_it() -> None:
    with shown() as screen:
        screen.until("3 of 3 nodes are ready")
        screen.press("2")
        screen.until("node 2 is killed")
        screen.until("2 of 3 nodes are ready")
        screen.press("2")
        screen.until("node 2 is back")
        screen.press("q")
        screen.until("acknowledged: 0 lost, 0 doubled, 0 out of order.")
