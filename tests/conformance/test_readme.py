"""The README's five-minute tour works when it is pasted, word by word."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import ServerProcess, running

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KEEP = (
    "\nexport -p > state\ndeclare -p | grep '^declare -- [a-zA-Z]' >> state\ndeclare -f >> state\n"
)
PATIENCE = 60.0


def blocks() -> list[tuple[str, str]]:
    """The tour's blocks of code, in order: language and text."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return BLOCK.findall(text.partition("## Five minutes")[2].partition("## Figures")[0])


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    with running({}) as server:
        yield server


class Terminal:
    """A shell that pastes block after block, and keeps its variables between them."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._env = os.environ | {"HUBBUB": url}
        (folder / "state").write_text("", encoding="utf-8")

    def paste(self, block: str) -> str:
        """What it prints. Fails with what went wrong."""
        script = f". ./state\nset -euo pipefail\n{block}\nset +euo pipefail\n{KEEP}"
        done = self._run(["bash", "-c", script])
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def beside(self, program: str) -> "subprocess.Popen[str]":
        """Start the Python program with the shell's variables."""
        (self._folder / "listen.py").write_text(program, encoding="utf-8")
        return subprocess.Popen(
            ["bash", "-c", f". ./state; exec {sys.executable} listen.py"],
            cwd=self._folder,
            env=self._env,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _run(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self._folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


def test_the_tour(server: ServerProcess, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    terminal = Terminal(tmp_path, server.url)
    (users, send, read, ticks), listen, (again,) = parts()
    terminal.paste(users)
    assert '"status":"queued"' in terminal.paste(send)
    seen = terminal.paste(read)
    assert '"unread": 1' in seen
    assert '"content": "Hello Bob!"' in seen
    assert '{"status":"read"}' in seen
    shown = terminal.paste(ticks)
    assert shown.startswith("read\n")
    assert '"read": 1' in shown
    listener = terminal.beside(listen)
    watchdog = threading.Timer(PATIENCE, listener.kill)
    watchdog.start()
    try:
        assert listener.stdout is not None
        await_line(listener.stdout, '"caught_up"')
        terminal.paste(again)
        await_line(listener.stdout, "Are you there?")
    finally:
        watchdog.cancel()
        listener.kill()
        listener.communicate()


def parts() -> tuple[list[str], str, list[str]]:
    """The blocks before the listener, the listener, and those after it."""
    languages = [language for language, _ in blocks()]
    at = languages.index("python")
    assert languages.count("python") == 1
    texts = [text for _, text in blocks()]
    return texts[:at], texts[at], texts[at + 1 :]


def await_line(lines: Iterator[str], wanted: str) -> None:
    seen = []
    for line in lines:
        seen.append(line)
        if wanted in line:
            return
    raise AssertionError(f"{wanted!r} was not printed, only {seen}")
