"""The demo's own server: a child process, that can be killed and started again."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hubbub_client import AiohttpTransport, Unreachable

READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
ASK_EVERY: Final = 0.05
TAIL: Final = 2_000
"""Characters of its log that are shown when it does not start."""


class NotStarted(Exception):
    """The server ended instead of becoming ready. The message has the end of its log."""


class Host:
    """`hubbub serve` on loopback. `settings` go into its environment; its log is `server.log`."""

    def __init__(self, data: Path, port: int, settings: Mapping[str, str]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._log = data / "server.log"
        self._data = data
        self._settings = dict(settings)
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Return when it is ready. Raises NotStarted."""
        command = [sys.executable, "-m", "hubbub.cli", "serve", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--data", str(self._data)]
        with self._log.open("ab") as log:
            # A session of its own: Ctrl-C is for us, and we end it in order.
            self._process = subprocess.Popen(  # noqa: ASYNC220
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=_surroundings() | self._settings,
                start_new_session=True,
            )
        transport = AiohttpTransport(self.url)
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await self._is_ready(transport):  # noqa: ASYNC110
                    await asyncio.sleep(ASK_EVERY)
        except TimeoutError:
            raise NotStarted(f"It is not ready after {READY_SECONDS:.0f} s.") from None
        finally:
            await transport.close()

    async def _is_ready(self, transport: AiohttpTransport) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            said = self._log.read_text("utf-8", "replace")[-TAIL:].strip()
            raise NotStarted(said or f"It ended with code {self._process.returncode}.")
        try:
            return (await transport.request("GET", "/readyz", None, None)).status == 200
        except Unreachable:
            return False

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone; its store notices, and goes too."""
        if self._process is not None:
            self._process.kill()
            await self._gone()

    async def stop(self) -> None:
        """Ask it to end, and wait; after a while it is killed."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._gone()
        except TimeoutError:
            await self.kill()

    async def _gone(self) -> None:
        assert self._process is not None
        await asyncio.to_thread(self._process.wait)
        self._process = None


def _surroundings() -> dict[str, str]:
    """Our environment without settings: those of a real server are none of the demo's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
