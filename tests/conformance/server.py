"""A real server process on loopback, with a data folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

# Passwords that are quick to check, and as many users as there are conversations.
QUICK = {
    "HUBBUB_AUTH_ARGON2_MEMORY_KIB": "64",
    "HUBBUB_AUTH_ARGON2_PASSES": "1",
    "HUBBUB_LIMITS_LOGINS_PER_MINUTE": "0",
    "HUBBUB_LIMITS_REGISTRATIONS_PER_MINUTE": "0",
}
PATIENCE = 60.0


class ServerProcess:
    """Starts, ends and starts again the same server: same port, same data."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Return when it listens. Raises RuntimeError with what it printed."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith("HUBBUB_")}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=ours | QUICK | dict(self._settings),
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE
        while not self._listens():
            ended = self._process.poll()
            if ended is not None or time.monotonic() > end:
                self.stop("kill")
                raise RuntimeError(f"the server does not start (code {ended}):\n{self.printed()}")
            time.sleep(_PAUSE)

    def stop(self, how: Literal["stop", "kill"]) -> None:
        """End it, by SIGTERM or by SIGKILL to all of its processes at once."""
        process, self._process = self._process, None
        if process is None:
            return
        if how == "stop":
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                _kill_group(process.pid)
                process.wait(PATIENCE)
                raise RuntimeError("the server did not end on SIGTERM") from None
        _kill_group(process.pid)
        process.wait(PATIENCE)

    def _command(self) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        data = ["--data", str(self._folder / "data")]
        return [str(Path(sys.executable).with_name("hubbub")), "serve", *where, *data]

    @property
    def log(self) -> Path:
        """Where it prints."""
        return self._folder / "server.log"

    def printed(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def _listens(self) -> bool:
        with socket.socket() as peer:
            return peer.connect_ex(("127.0.0.1", self.port)) == 0


_PAUSE = 0.01


def _free_port() -> int:
    with socket.socket() as peer:
        peer.bind(("127.0.0.1", 0))
        port: int = peer.getsockname()[1]
        return port


def _kill_group(leader: int) -> None:
    # Its own group, made by start_new_session: the store process is in it.
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def running(settings: Mapping[str, str]) -> Iterator[ServerProcess]:
    """A server with these settings until the block ends."""
    with tempfile.TemporaryDirectory(prefix="hubbub-conformance-") as folder:
        server = ServerProcess(Path(folder), settings)
        server.start()
        try:
            yield server
        finally:
            server.stop("kill")
