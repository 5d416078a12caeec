"""Debian's proxies in front of servers, with the files that installations use."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.server import PATIENCE, free_port

DEPLOY = Path(__file__).parents[2] / "deploy"


class Proxy:
    """One proxy in front of nodes, which are named by `host:port`."""

    program = ""
    scheme = "http"
    reads_tokens = True
    """Whether it goes by whose token it is, where no hint is given."""

    def __init__(self, folder: Path, nodes: Sequence[str], settings: Mapping[str, str]) -> None:
        self.port = free_port()
        self.url = f"{self.scheme}://localhost:{self.port}"
        self._folder = folder
        self._log = folder / "log"
        self.settings = {**self.placed(folder, nodes), **settings}
        self._process: subprocess.Popen[bytes] | None = None

    def placed(self, folder: Path, nodes: Sequence[str]) -> dict[str, str]:
        """The environment that says where everything is."""
        raise NotImplementedError

    def command(self, program: str) -> list[str]:
        """How to run it in the foreground."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """Of the running proxy."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it does."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Begin, and return when it accepts connections, and has its certificate."""
        prefix = ["setpriv", "--pdeathsig", "KILL"] if sys.platform == "linux" else []
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*prefix, *self.command(_found(self.program))],
                env=os.environ | self.settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE
        while not self._accepts():
            assert time.monotonic() < end, self.printed()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)
                pytest.fail(self.printed())

    def _accepts(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as peer:
            if (trust := self.trust()) is not None:
                trust.wrap_socket(peer, server_hostname="localhost").close()
            return True
        return False

    def close(self) -> None:
        """Kill it, and wait for its end."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(PATIENCE)

    def printed(self) -> str:
        """All that it has logged."""
        return self._log.read_text("utf-8", "replace")

    def trust(self) -> ssl.SSLContext | None:
        """What trusts its certificate, if it has one."""
        return None


class Haproxy(Proxy):
    """HAProxy with `deploy/haproxy.cfg`."""

    program = "haproxy"

    def placed(self, folder: Path, nodes: Sequence[str]) -> dict[str, str]:
        """The nodes, and ports on loopback."""
        return {
            "PROXY_BIND": f"127.0.0.1:{self.port}",
            "PROXY_BIND_PLAIN": f"127.0.0.1:{free_port()}",
            "PROXY_STATS": f"127.0.0.1:{free_port()}",
            **{f"PROXY_NODE_{number}": node for number, node in enumerate(nodes, 1)},
        }

    def command(self, program: str) -> list[str]:
        """In the foreground, one process."""
        return [program, "-db", "-f", str(DEPLOY / "haproxy.cfg")]


class Caddy(Proxy):
    """Caddy with `deploy/Caddyfile` and a certificate of its own."""

    program = "caddy"
    scheme = "https"
    reads_tokens = False

    def placed(self, folder: Path, nodes: Sequence[str]) -> dict[str, str]:
        """The nodes, ports, and where it keeps certificates."""
        return {
            "PROXY_SITE": "localhost",
            "PROXY_NODES": " ".join(nodes),
            "PROXY_BIND": "127.0.0.1",
            "PROXY_HTTP_PORT": str(free_port()),
            "PROXY_HTTPS_PORT": str(self.port),
            "PROXY_ADMIN": "off",
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }

    def command(self, program: str) -> list[str]:
        """In the foreground."""
        return [program, "run", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"]

    def trust(self) -> ssl.SSLContext:
        """Trusts its own authority."""
        root = self._folder / "caddy/pki/authorities/local/root.crt"
        return ssl.create_default_context(cafile=str(root))


def _found(program: str) -> str:
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        pytest.fail(f"{program} is missing. Please type: tools/debian {program}")
    return path
