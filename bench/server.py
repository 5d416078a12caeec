"""The server under test: a process of ours in a data directory of its own, or one elsewhere."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from bench import machine, net
from bench.profiler import Profiler


@dataclass(slots=True)
class Server:
    """Where it is; `pid` is None when it is not ours."""

    url: str
    pid: int | None = None
    profiler: Profiler | None = None
    _used: dict[int, float] = field(default_factory=dict)
    _began: float = 0.0

    def processes(self) -> list[int]:
        """The server and its children."""
        return machine.family(self.pid) if self.pid else []

    def begin(self) -> None:
        """Start to count CPU time, and to profile if asked to."""
        if self.profiler:
            self.profiler.begin(self.processes())
        self._used = machine.used(self.processes())
        self._began = time.perf_counter()

    def cpu(self) -> str:
        """Shares of a core since `begin`, of the server and of each child."""
        wall = time.perf_counter() - self._began
        shares = [
            f"{(now - self._used[pid]) / wall:.0%}"
            for pid, now in machine.used(list(self._used)).items()
        ]
        if self.profiler:
            self.profiler.end()
        return "server CPU " + " + ".join(shares) if shares else ""

    def cpu_seconds(self) -> float:
        """User and system time of all its processes so far."""
        return sum(machine.cpu_seconds(pid) for pid in self.processes())


def command(port: int, data: Path) -> list[str]:
    """How the server is started."""
    return [
        *(str(Path(sys.executable).with_name("hubbub")), "serve"),
        *("--host", "127.0.0.1", "--port", str(port), "--data", str(data)),
    ]


def spawn(
    port: int, data: Path, log: Path, settings: Mapping[str, str] = MappingProxyType({})
) -> "subprocess.Popen[bytes]":
    """Start a server on the server's core; it does not listen yet."""
    with log.open("ab") as out, machine.pinned(machine.SERVER_CORE):
        return subprocess.Popen(
            command(port, data),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=os.environ | dict(settings),
            process_group=0,  # Ctrl-C is for us; we end it
        )


def stop(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM, and after 20 s SIGKILL to it and its children."""
    children = machine.family(process.pid)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait(10)


@contextmanager
def running(data: Path, profiler: Profiler | None = None) -> Iterator[Server]:
    """A server on this data directory, until the block is left."""
    port = net.free_port()
    log = data.parent / "server.log"
    process = spawn(port, data, log)
    try:
        net.wait_for_port(port, process, 60)
        yield Server(f"http://127.0.0.1:{port}", process.pid, profiler)
    except BaseException:
        print(log.read_text(encoding="utf-8", errors="replace")[-3000:], file=sys.stderr)
        raise
    finally:
        stop(process)


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary directory, on a disk if there is one: a commit to tmpfs costs nothing."""
    for base in (Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()):
        if machine.filesystem(base) not in ("tmpfs", "ramfs", "overlay"):
            break
    else:
        print("warning: no disk found for the data; commits are not durable", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-", dir=base) as name:
        yield Path(name)
