"""What the machine under a data folder is like: its disk, its clock, who may read the files."""

import ctypes
import os
import shutil
import socket
import stat
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

PAGE: Final = 4096
"""Bytes of one write: a page of the database."""
LEAST_SYNCS: Final = 5
MOST_SYNCS: Final = 200
_UNSYNCHRONIZED: Final = 0x40
_TIMEX: Final = 256
"""Bytes; more than the kernel's `struct timex` has on any platform."""


class Disk(Struct, frozen=True):
    """A file system: its kind (empty where the system does not tell), bytes free and in all."""

    kind: str
    free: int
    total: int


class Syncs(Struct, frozen=True):
    """How long an fsync of one page takes, seconds, and how far the clocks drifted meanwhile."""

    count: int
    p50: float
    p99: float
    drift: float


class TimeSource(Struct, frozen=True):
    """What the kernel says of the wall clock: synchronized or not, its largest error in ms."""

    synchronized: bool
    error_ms: float


class Owner(Struct, frozen=True):
    """Who may use a file: whether it is ours, writable for us, open to other users."""

    ours: bool
    writable: bool
    open_to_others: bool


def standing(path: Path) -> Path:
    """The folder, or the nearest one above that is there."""
    path = path.absolute()
    while not path.is_dir():
        path = path.parent
    return path


def disk(folder: Path) -> Disk:
    """The file system that holds a folder. Raises OSError."""
    usage = shutil.disk_usage(folder)
    return Disk(_kind(folder), usage.free, usage.total)


def _kind(folder: Path) -> str:
    """The type of the mount with the longest path above, as Linux lists them."""
    best, kind = "", ""
    with suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines():
            before, _, after = line.partition(" - ")
            point = before.split()[4].replace("\\040", " ")
            if len(point) >= len(best) and folder.resolve().is_relative_to(point):
                best, kind = point, after.split()[0]
    return kind


def sync_times(folder: Path, seconds: float) -> Syncs:
    """Append a page and sync it, again and again for so long; in a file that is gone after.

    Raises OSError where nothing can be written.
    """
    times: list[float] = []
    wall, began = time.time(), time.monotonic()
    with tempfile.TemporaryFile(prefix=".doctor-", dir=folder) as file:
        page = os.urandom(PAGE)
        while len(times) < MOST_SYNCS:
            if len(times) >= LEAST_SYNCS and time.monotonic() - began > seconds:
                break
            start = time.perf_counter()
            os.write(file.fileno(), page)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    drift = (time.time() - wall) - (time.monotonic() - began)
    times.sort()
    return Syncs(len(times), times[len(times) // 2], times[int(len(times) * 0.99)], drift)


def time_source() -> TimeSource | None:
    """The kernel's word on the wall clock, None where it gives none (adjtimex(2), Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    timex = ctypes.create_string_buffer(_TIMEX)
    if ctypes.CDLL(None).adjtimex(timex) < 0:
        return None
    word = ctypes.sizeof(ctypes.c_long)
    largest = ctypes.c_long.from_buffer(timex, 3 * word).value
    status = ctypes.c_int.from_buffer(timex, 5 * word).value
    return TimeSource(not status & _UNSYNCHRONIZED, largest / 1000)


def owner(path: Path) -> Owner:
    """Who may use this file or folder. Raises OSError."""
    found = path.stat()
    return Owner(
        ours=found.st_uid == os.geteuid(),
        writable=os.access(path, os.W_OK),
        open_to_others=bool(stat.S_IMODE(found.st_mode) & 0o077),
    )


def size(folder: Path) -> int:
    """Bytes of all files below a folder; those that go meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def can_listen(host: str, port: int) -> OSError | None:
    """Whether this port could be listened on now; else why not."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        return error
    return None
