"""What the machine could do at most: the same traffic against a server that does nothing else.

Compiled from `limit.c` where there is a C compiler; else `mini.py` on uvloop takes its place.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import machine, net

_HERE = Path(__file__).parent
GROUP = "chat_ggggggggggggg"


@dataclass(frozen=True, slots=True)
class Limit:
    """A running limit server. `kind`: "C epoll" or "uvloop"."""

    url: str
    kind: str
    pid: int

    @staticmethod
    def token(user: int) -> str:
        """The token of a user by number; 2p and 2p + 1 are a pair."""
        return f"u{user}"

    @staticmethod
    def pair_chat(pair: int) -> str:
        """The chat of a pair."""
        return f"chat_{pair:013d}"


def _command(folder: Path) -> tuple[str, list[str]]:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler:
        built = [compiler, "-O2", "-o", str(folder / "limit"), str(_HERE / "limit.c")]
        if subprocess.run(built, check=False).returncode == 0:
            return "C epoll", [str(folder / "limit")]
    return "uvloop", [sys.executable, "-m", "bench.limits.mini"]


@contextmanager
def running() -> Iterator[Limit]:
    """A limit server on the server's core; ended on leaving."""
    with tempfile.TemporaryDirectory(prefix="hubbub-limit-") as folder:
        kind, command = _command(Path(folder))
        port = net.free_port()
        with machine.pinned(machine.SERVER_CORE):
            process = subprocess.Popen([*command, str(port)], stdin=subprocess.PIPE)
        try:
            net.wait_for_port(port, process, 10)
            yield Limit(f"http://127.0.0.1:{port}", kind, process.pid)
        finally:
            process.terminate()
            process.communicate(timeout=10)
