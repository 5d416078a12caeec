"""A real server: `hubbub serve` on loopback, with a folder and settings of its own.

It can be asked to end, killed as a whole or in parts, and started again on the same port and
data. Every wait is for something that happens: a line that is printed, a process that ends.
"""

import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

# Passwords that are quick to check, and as many users as a test wants.
QUICK = {
    "HUBBUB_AUTH_ARGON2_MEMORY_KIB": "64",
    "HUBBUB_AUTH_ARGON2_PASSES": "1",
    "HUBBUB_LIMITS_LOGINS_PER_MINUTE": "0",
    "HUBBUB_LIMITS_REGISTRATIONS_PER_MINUTE": "0",
}
PATIENCE = 60.0
"""Seconds for what takes one, on a machine that is busy."""
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where files cost no sync of a disk: tests kill processes, not machines."""
STORE = b"hubbub.adapters.sqlite.process"
PROGRAM = "from hubbub.cli import main; main()"
_READY = re.compile(r"is ready: \S*?(http://\S+:\d+)")
_ADMIN = re.compile(r"http://\S+(#invite=[^\s\x1b]+)")
_LAST_LINE = "Ctrl-C"
# Below the range from which systems take the ports of outgoing connections: one of those may
# never get the port of a server that is just being started again.
_PORTS = range(20_000, 32_000)


class ServerProcess:
    """One server; `settings` go into its environment. `prefix`: a command that execs ours.

    `program`: what runs `hubbub`, with something else about it than usual.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        *,
        prefix: Sequence[str] = (),
        port: int | None = None,
        program: str = PROGRAM,
    ) -> None:
        self.program = program
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_fragment = ""
        self.said = ""
        self.settings = dict(settings or {})
        self._prefix = list(prefix)
        self._process: subprocess.Popen[bytes] | None = None

    # ── beginning ──

    def start(self) -> None:
        """Return when it is ready. Raises NotStarted with what it printed."""
        self.launch()
        said = self._said_until(_LAST_LINE)
        found = _ADMIN.search(said)
        self.admin_fragment = found[1] if found else ""

    def launch(self) -> None:
        """Start it, and do not wait."""
        assert self._process is None, "it runs already"
        ours = {k: v for k, v in os.environ.items() if not k.startswith("HUBBUB_")}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=ours | QUICK | self.settings,
                start_new_session=True,
            )

    def _command(self) -> list[str]:
        program = [sys.executable, "-c", self.program, "serve"]
        return [*self._prefix, *program, "--port", str(self.port), "--data", str(self.data)]

    def _said_until(self, word: str) -> str:
        process, said = self._process, b""
        assert process is not None
        assert process.stdout is not None
        end = time.monotonic() + PATIENCE
        while word.encode() not in said:
            ready, _, _ = select.select([process.stdout], [], [], max(0, end - time.monotonic()))
            more = os.read(process.stdout.fileno(), 65_536) if ready else b""
            said += more
            if not more:
                code = process.poll() if not ready else process.wait(PATIENCE)
                self.kill()
                raise NotStarted(code, said.decode() + self.printed())
        self.said += said.decode()
        return said.decode()

    # ── ending ──

    @property
    def pid(self) -> int:
        """Of the server's own process."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it does."""
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """A signal to the server's own process alone."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Until it has ended, of itself or by a signal; its exit code."""
        process = self._process
        assert process is not None
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it does not end:\n{self.printed()}") from None
        self._process = None
        _kill_group(process.pid)
        assert process.stdout is not None
        with process.stdout as rest:
            self.said += rest.read().decode()
        return code

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the server's own process, and wait for its end; its exit code."""
        if self._process is None:
            return 0
        self.send(number)
        return self.wait()

    def crash(self) -> None:
        """SIGKILL to the server's own process; the store's is left to notice."""
        process, self._process = self._process, None
        assert process is not None
        process.kill()
        process.wait(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()

    def kill(self) -> None:
        """SIGKILL to all of its processes at once, if it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        _kill_group(process.pid)
        process.wait(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()

    # ── looking ──

    def store_pid(self) -> int:
        """Of its store's process, 0 while there is none."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
        for child in children.split():
            with suppress(OSError):
                if STORE in Path(f"/proc/{child}/cmdline").read_bytes():
                    return int(child)
        return 0

    def signal_store(self, number: signal.Signals) -> None:
        """A signal to its store's process alone."""
        store = self.store_pid()
        assert store, "the store does not run"
        os.kill(store, number)

    def memory(self) -> int:
        """Bytes of memory that the server's own process holds."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def printed(self) -> str:
        """All that it and its store have logged; `said` has what it told whoever started it."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""


class NotStarted(Exception):
    """The server ended, or said nothing, instead of becoming ready."""

    def __init__(self, code: int | None, said: str) -> None:
        super().__init__(f"the server does not start (code {code}):\n{said}")
        self.code = code
        self.said = said


def free_port() -> int:
    """A port on which nothing listens."""
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def _kill_group(leader: int) -> None:
    # Its own group, made by start_new_session: the store's process is in it.
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


@contextmanager
def running(
    settings: Mapping[str, str] | None = None, *, prefix: Sequence[str] = ()
) -> Iterator[ServerProcess]:
    """A server with these settings until the block ends."""
    with tempfile.TemporaryDirectory(prefix="hubbub-test-", dir=MEMORY) as folder:
        server = ServerProcess(Path(folder), settings, prefix=prefix)
        try:
            server.start()
            yield server
        finally:
            server.kill()
