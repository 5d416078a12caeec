"""A real server in a process of its own, that may be killed and started again."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

READY = re.compile(r"is ready: (http://\S+:(\d+))")
NO_HURRY = {"HUBBUB_LIMITS_REGISTRATIONS_PER_MINUTE": "0", "HUBBUB_LIMITS_LOGINS_PER_MINUTE": "0"}
ADMIN = re.compile(r"http://\S+(#invite=\S+)")


class Served:
    """`hubbub serve` on loopback, with its data in `folder`; `settings` go into its environment."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self._folder = folder
        self._settings = settings or {}
        self._process: subprocess.Popen[str] | None = None
        self._port = "0"
        self.url = ""
        self.admin_fragment = ""

    def start(self) -> None:
        """Start it, the second time on the port of the first; returns when it listens."""
        command = [sys.executable, "-c", "from hubbub.cli import main; main()", "serve"]
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [*command, "--port", self._port, "--data", str(self._folder / "data")],
                env=os.environ | NO_HURRY | self._settings,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := READY.search(line):
                self.url, self._port = found.groups()
            if found := ADMIN.search(line):
                self.admin_fragment = found[1]
            if "Ctrl-C" in line:
                return
        raise AssertionError((self._folder / "log").read_text())

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it by this signal, and wait until it is gone."""
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
