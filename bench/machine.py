"""What this machine is, and what processes cost on it: cores, CPU time, memory."""

import contextlib
import os
import platform
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE = 0
LOAD_CORE = 1
_TICKS = os.sysconf("SC_CLK_TCK")


def line() -> str:
    """One line for the head of the table."""
    model = "unknown processor"
    for row in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
        if row.startswith("model name"):
            model = row.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GB; "
        f"{platform.system()} {platform.release()}; Python {platform.python_version()}"
    )


def pin(core: int) -> bool:
    """Keep this process on one core. False where there is only one, or no right to."""
    try:
        os.sched_setaffinity(0, {core})
    except OSError:
        return False
    return True


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """On that core for a moment: a process that is started meanwhile stays there."""
    before = os.sched_getaffinity(0)
    pin(core)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_files(wanted: int) -> int:
    """Raise the limit of open files as far as allowed; the limit that holds then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def filesystem(path: Path) -> str:
    """The type of the file system that holds `path`, for instance ext4 or tmpfs."""
    best, kind = "", "unknown"
    real = str(path.resolve())
    for row in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, type_, *_ = row.split()
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, type_
    return kind


def family(pid: int) -> list[int]:
    """This process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found.extend(parents.get(one, []))
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def used(pids: list[int]) -> dict[int, float]:
    """The same of several; those that have ended meanwhile are not in it."""
    found = {}
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[pid] = cpu_seconds(pid)
    return found


class Neighbours:
    """What processes other than the benchmark's take of this machine: they spoil figures."""

    def __init__(self) -> None:
        self._wall, self._busy, self._ours = time.monotonic(), _busy(), _ours()

    def cores(self) -> float:
        """How many cores they kept busy on average since this was made."""
        wall = time.monotonic() - self._wall
        return max(0.0, (_busy() - self._busy) - (_ours() - self._ours)) / max(wall, 0.01)


def _busy() -> float:
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    # user, nice, system, then idle and waiting for disks, then interrupts; guests are in user.
    return sum(int(fields[i]) for i in (0, 1, 2, 5, 6)) / _TICKS


def _ours() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def pss(pid: int) -> int:
    """Bytes of memory of a process, shared pages divided among those who share them."""
    for row in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if row.startswith("Pss:"):
            return int(row.split()[1]) * 1024
    raise OSError(f"no Pss in /proc/{pid}/smaps_rollup")
