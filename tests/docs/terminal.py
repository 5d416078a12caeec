"""A shell into which the examples of a page are pasted, one after the other."""

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PATIENCE: Final = 120.0


class Failed(AssertionError):
    """An example did not do what the page says."""


class Terminal:
    """One bash. What it starts beside goes on until `close`; all of it prints to one place."""

    def __init__(self, folder: Path, env: Mapping[str, str], *, patience: float = PATIENCE) -> None:
        self._folder = folder
        self._patience = patience
        self._count = 0
        self._said = ""
        self._mark = 0
        self._bash = subprocess.Popen(
            ["bash", "-euo", "pipefail"],
            cwd=folder,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def paste(self, block: str, *, beside: str = "") -> None:
        """Run a block to its end; with `beside`, until it has printed these words.

        Raises Failed, with what it printed, when it ends with an error.
        """
        self._count += 1
        script, end = f".block-{self._count}.sh", f"--- end of {self._count} ---"
        (self._folder / script).write_text(block, encoding="utf-8")
        self._mark = len(self._said)
        line = f". ./{script} &\n" if beside else f". ./{script}; echo '{end}'\n"
        assert self._bash.stdin is not None
        self._bash.stdin.write(line.encode())
        self._bash.stdin.flush()
        self._until(re.compile(re.escape(beside or end)), block)
        self._said = self._said.replace(f"{end}\n", "")

    def expect(self, output: re.Pattern[str]) -> None:
        """Wait until what was printed since the last block began is as shown. Raises Failed."""
        self._until(output, f"to see {output.pattern}")

    def close(self) -> None:
        """End all of it."""
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()

    def _until(self, wanted: re.Pattern[str], what: str) -> None:
        end = time.monotonic() + self._patience
        assert self._bash.stdout is not None
        while not wanted.search(self._said, self._mark):
            wait = min(1.0, end - time.monotonic())
            ready, _, _ = select.select([self._bash.stdout], [], [], max(0.0, wait))
            more = os.read(self._bash.stdout.fileno(), 65_536) if ready else b""
            self._said += more.decode("utf-8", "replace")
            ended = not ready and self._bash.poll() is not None
            if ended or (ready and not more) or time.monotonic() > end:
                raise Failed(f"{what}\n\nbut it printed:\n\n{self._said[self._mark :]}")
