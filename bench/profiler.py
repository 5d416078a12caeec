"""Where the server's time goes: py-spy beside each of its processes, and a summary of both.

The profiler takes time of the load's core; figures of a run with it are not for the table.
"""

import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

_TOP = 25


class Profiler:
    """Writes folded stacks and a summary for each process and measurement into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs = 0
        self._running: list[tuple[subprocess.Popen[bytes], Path]] = []
        beside = Path(sys.executable).with_name("py-spy")
        found = str(beside) if beside.exists() else shutil.which("py-spy")
        if found is None:
            raise RuntimeError("py-spy is not installed; `make bench` installs it")
        self._program = found
        folder.mkdir(parents=True, exist_ok=True)

    def begin(self, pids: list[int]) -> None:
        """Watch these processes, the server first."""
        self.end()
        self._runs += 1
        for number, pid in enumerate(pids):
            file = self._folder / f"run{self._runs}-process{number}.folded"
            command = [self._program, "record", "--pid", str(pid), "--output", str(file)]
            command += ["--format", "raw", "--rate", "400", "--nonblocking", "--duration", "600"]
            quiet = subprocess.DEVNULL
            self._running.append((subprocess.Popen(command, stdout=quiet, stderr=quiet), file))

    def end(self) -> None:
        """Stop watching and write the summaries."""
        running, self._running = self._running, []
        for process, _ in running:
            process.send_signal(signal.SIGINT)
        for process, file in running:
            process.wait(60)
            if file.exists():
                text = summary(file.read_text(encoding="utf-8"))
                file.with_suffix(".txt").write_text(text, encoding="utf-8")


def summary(folded: str) -> str:
    """The functions with most samples of their own, and with most in all they call."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    total = 0
    for line in folded.splitlines():
        stack, _, count = line.rpartition(" ")
        names = [name.rpartition(":")[0] or name for name in stack.split(";")]
        total += int(count)
        own[names[-1]] += int(count)
        for name in set(names):
            whole[name] += int(count)
    lines = [f"{total} samples"]
    for title, counts in (("by itself", own), ("with what it calls", whole)):
        lines += ["", title]
        lines += [f"{n / max(total, 1):6.1%} {name}" for name, n in counts.most_common(_TOP)]
    return "\n".join(lines) + "\n"
