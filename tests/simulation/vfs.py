"""A disk for SQLite that loses power, is killed, fills up and fails, as a seed says.

`PowerLossVFS` keeps SQLite's files in a real folder (in memory, /dev/shm, where there is one) and
passes reads, locks and shared memory on to the "unix" VFS: WAL with several connections works as
always. (apsw has no xShm methods to write in Python; it hands them on when a file derives from a
VFS that has them.) The real files are the page cache: what every connection sees. Beside each file
stands what the *device* holds: the bytes as of the last xSync, and the writes since, in order.

- `crash()` is kill -9: everything written stays; open handles are dead, locks are gone.
- `power_loss(rng)` also forgets. Of the writes since the last sync each *sector* keeps some version
  it had, independently of all others; one may be torn in the middle of a write; the file has some
  size it had. Creating and deleting a file survives only if its folder was synced since: by the
  first sync through a handle of a journal or WAL (so does SQLite's unix VFS) or by xDelete with
  `syncdir`.
- `power_off(after=n)` ends the world in the middle: the n-th operation that changes something
  fails, and every one after it, until `crash()` or `power_loss()` starts the disk again. An
  unlucky write is lost like every other write that was not synced.
- `fail_next(op, error, when)` and `limit` (bytes; the disk is full beyond) fail as disks do.

Dead handles raise `apsw.IOError` on every use and never touch the files of the living. Close dead
connections before the disk is started again: that is `power_off()`, close all, `power_loss(rng)`.

Not modelled: memory-mapped reads (apsw's files have none, `mmap_size` does nothing), renames
(SQLite makes none), files of the product that do not go through SQLite.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Literal

import apsw

from tests.simulation.image import Image

Op = Literal["open", "read", "write", "truncate", "sync", "delete"]
MEMORY = "/dev/shm"
JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_SUPER_JOURNAL
PASSING = (
    apsw.SQLITE_OPEN_TEMP_DB
    | apsw.SQLITE_OPEN_TEMP_JOURNAL
    | apsw.SQLITE_OPEN_TRANSIENT_DB
    | apsw.SQLITE_OPEN_SUBJOURNAL
    | apsw.SQLITE_OPEN_DELETEONCLOSE
)
EXTENDED: dict[Op, int] = {
    "open": apsw.SQLITE_IOERR,
    "read": apsw.SQLITE_IOERR_READ,
    "write": apsw.SQLITE_IOERR_WRITE,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "delete": apsw.SQLITE_IOERR_DELETE,
}
IGNORED_CONTROLS = {apsw.SQLITE_FCNTL_CHUNK_SIZE, apsw.SQLITE_FCNTL_SIZE_HINT}
_numbers = count()


class PowerCutError(apsw.IOError):
    """The power is off, or this handle belongs to a process that is gone."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a file is asked to do; `offset` and `size` are bytes, 0 where they mean nothing."""

    op: Op
    path: str
    offset: int = 0
    size: int = 0


@dataclass(slots=True)
class _Fault:
    op: Op
    error: Callable[[], Exception]
    when: Callable[[Operation], bool]
    times: int


def no_space() -> apsw.FullError:
    """ENOSPC, as SQLite reports it: SQLITE_FULL."""
    return apsw.FullError("the simulated disk is full")


class SimulatedIOError(apsw.IOError):
    """EIO during `op`, as SQLite reports it: SQLITE_IOERR with its extended code."""

    def __init__(self, op: Op) -> None:
        super().__init__(f"simulated input/output error: {op}")
        self.result = apsw.SQLITE_IOERR
        self.extendedresult = EXTENDED[op]


def io_error(op: Op) -> Callable[[], SimulatedIOError]:
    """The `error` of `fail_next` for EIO."""
    return lambda: SimulatedIOError(op)


class _File(apsw.VFSFile):
    """A database, journal or WAL: real in the page cache, `image` on the device."""

    def __init__(
        self, vfs: "PowerLossVFS", name: str | apsw.URIFilename, path: str, flags: list[int]
    ) -> None:
        created = not os.path.exists(path)
        super().__init__(vfs.base, name, flags)
        self._vfs = vfs
        self._path = path
        self._life = vfs.lives
        self._image = vfs.image_of(path, created=created)
        # As SQLite's unix VFS: every handle that might have created it syncs the folder once.
        self._sync_folder = bool(flags[0] & JOURNALS and flags[0] & apsw.SQLITE_OPEN_CREATE)

    def xRead(self, amount: int, offset: int) -> bytes:
        self._vfs.before("read", self._path, offset, amount, life=self._life)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        content = bytes(data)
        vfs, image = self._vfs, self._image
        try:
            vfs.before("write", self._path, offset, len(content), life=self._life)
        except PowerCutError:
            vfs.in_flight(self._life, lambda: image.write(offset, content))
            raise
        vfs.claim(offset + len(content) - image.size)
        super().xWrite(content, offset)
        image.write(offset, content)

    def xTruncate(self, newsize: int) -> None:
        self._vfs.before("truncate", self._path, newsize, life=self._life)
        super().xTruncate(newsize)
        self._image.truncate(newsize)

    def xSync(self, flags: int) -> None:
        try:
            self._vfs.before("sync", self._path, life=self._life)
        except PowerCutError:
            raise
        except apsw.IOError:
            if self._vfs.failed_sync_drops:
                self._image.forget(self._vfs.rng, self._vfs.sector)
            raise
        self._image.flush()
        if self._sync_folder:
            self._vfs.sync_folder(os.path.dirname(self._path))
            self._sync_folder = False

    def xLock(self, level: int) -> None:
        if level == apsw.SQLITE_LOCK_EXCLUSIVE and not self._vfs.is_alive(self._life):
            # The last act of closing a WAL: being busy lets the dead close without an exception.
            raise apsw.BusyError
        self._vfs.alive(self._life)
        super().xLock(level)

    def xFileControl(self, op: int, ptr: int) -> bool:
        # Both would change the real file's size behind the image's back.
        return op in IGNORED_CONTROLS or super().xFileControl(op, ptr)

    def xSectorSize(self) -> int:
        return self._vfs.sector


class PowerLossVFS(apsw.VFS):
    """The disk; see the module's text. Pass `vfs=disk.name` and a path below `disk.root`.

    `sector` is what the device writes as a whole (512 or 4096). With `failed_sync_drops` a failed
    sync also forgets, as on Linux: pages count as clean and a later sync succeeds without them.
    Files laid into `root` before SQLite first opens them count as durable. `stats` counts the
    operations by their name, and "bytes" written. Not for several threads at once.
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        seed: int = 0,
        sector: int = 512,
        limit: int | None = None,
        failed_sync_drops: bool = False,
    ) -> None:
        self.base = "unix"
        self.name = f"power-loss-{os.getpid()}-{next(_numbers)}"
        self._owns_root = root is None
        home = MEMORY if os.access(MEMORY, os.W_OK) else None
        self.root = (root or Path(tempfile.mkdtemp(prefix="hubbub-disk-", dir=home))).resolve()
        self.sector = sector
        self.limit = limit
        self.failed_sync_drops = failed_sync_drops
        self.rng = Random(f"{seed}/disk")
        self.stats: Counter[str] = Counter()
        self.lives = 0
        self.is_off = False
        self.on_power_cut: Callable[[], None] = _nothing
        self._fuse: int | None = None
        self._faults: list[_Fault] = []
        self._in_flight: Callable[[], None] = _nothing
        self._names: dict[str, Image] = {}
        self._durable_names: dict[str, Image] = {}
        self._folder_log: list[tuple[str, Image | None]] = []
        super().__init__(self.name, self.base)

    def close(self) -> None:
        """Unregister and delete the files, if the folder is our own. Close connections first."""
        self.unregister()
        if self._owns_root:
            shutil.rmtree(self.root)

    # The end of the world

    def power_off(self, after: int = 0) -> None:
        """Refuse everything from now on, or from the `after`-th change (1: the next) on.

        Changes are writes, truncations, syncs and deletions. `on_power_cut` is called then.
        """
        if after > 0:
            self._fuse = after
        else:
            self._cut()

    def crash(self) -> None:
        """What kill -9 and a new process find: all that was written; handles and locks are gone."""
        self._end_life()
        for path in self._names:
            _replace(path, Path(path).read_bytes())

    def power_loss(self, rng: Random) -> None:
        """What a machine finds after its power came back; see the module's text."""
        flight = self._in_flight
        self._end_life()
        flight()
        left = self._surviving_names(rng)
        contents = {path: left[path].survive(rng, self.sector) for path in sorted(left)}
        for path in self._names.keys() - contents.keys():
            Path(path).unlink()
        for path, content in contents.items():
            _replace(path, content)
        self._names = {path: Image(content) for path, content in contents.items()}
        self._durable_names = dict(self._names)
        self._folder_log.clear()

    def _cut(self) -> None:
        self._fuse = None
        self.is_off = True
        self.on_power_cut()

    def _end_life(self) -> None:
        self.lives += 1
        self.is_off = False
        self._fuse = None
        self._in_flight = _nothing
        for index in self.root.rglob("*-shm"):
            index.unlink()

    def _surviving_names(self, rng: Random) -> dict[str, Image]:
        """Each name at some point of its history since its folder was synced."""
        left: dict[str, Image] = {}
        for path in sorted(self._durable_names.keys() | {path for path, _ in self._folder_log}):
            history = [self._durable_names.get(path)]
            history += [image for name, image in self._folder_log if name == path]
            image = rng.choice(history)
            if image is not None:
                left[path] = image
        return left

    # Faults

    def fail_next(
        self,
        op: Op,
        error: Callable[[], Exception],
        when: Callable[[Operation], bool] = lambda _: True,
        *,
        times: int = 1,
    ) -> None:
        """Let the next `times` operations that `when` accepts fail with `error()`."""
        self._faults.append(_Fault(op, error, when, times))

    @property
    def is_sound(self) -> bool:
        """Whether nothing is to fail."""
        return not self._faults and not self.is_off

    def heal(self) -> None:
        """Forget what `fail_next` still has in store, and the limit."""
        self._faults.clear()
        self.limit = None

    @property
    def used(self) -> int:
        """Bytes in all files, shared memory not counted."""
        return sum(image.size for image in self._names.values())

    # For the files

    def is_alive(self, life: int) -> bool:
        """Whether the power is on and the handle's process has not gone."""
        return not self.is_off and life == self.lives

    def alive(self, life: int) -> None:
        """Raise `PowerCutError` if the power is off or the handle's process is gone."""
        if not self.is_alive(life):
            raise PowerCutError("the power is off" if self.is_off else "a dead process's handle")

    def before(
        self, op: Op, path: str, offset: int = 0, size: int = 0, *, life: int | None = None
    ) -> None:
        """Count an operation, and raise what is to happen instead of it."""
        self.alive(self.lives if life is None else life)
        if self._fuse is not None and op not in ("open", "read"):
            self._fuse -= 1
            if self._fuse == 0:
                self._cut()
                raise PowerCutError(f"the power went during {op}")
        self.stats[op] += 1
        if op == "write":
            self.stats["bytes"] += size
        if self._faults:
            self._fail(Operation(op, path, offset, size))

    def _fail(self, operation: Operation) -> None:
        for fault in self._faults:
            if fault.op == operation.op and fault.when(operation):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                raise fault.error()

    def claim(self, growth: int) -> None:
        """Raise `apsw.FullError` if a file may not grow by so many bytes."""
        if self.limit is not None and growth > 0 and self.used + growth > self.limit:
            raise no_space()

    def in_flight(self, life: int, change: Callable[[], None]) -> None:
        """Remember the change that the power cut met: `power_loss` may still find it done."""
        if life == self.lives and self._in_flight is _nothing:
            self._in_flight = change

    def image_of(self, path: str, *, created: bool) -> Image:
        """The device's side of a file that has just been opened."""
        if created:
            self._names[path] = Image()
            self._folder_log.append((path, self._names[path]))
        elif path not in self._names:
            self._names[path] = self._durable_names[path] = Image(Path(path).read_bytes())
        return self._names[path]

    def sync_folder(self, folder: str) -> None:
        """Make what was created and deleted in `folder` durable."""
        for path, image in self._folder_log:
            if os.path.dirname(path) != folder:
                continue
            if image is None:
                self._durable_names.pop(path, None)
            else:
                self._durable_names[path] = image
        self._folder_log = [it for it in self._folder_log if os.path.dirname(it[0]) != folder]

    # What SQLite calls

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        if name is None or flags[0] & PASSING:
            return apsw.VFSFile(self.base, name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if not Path(path).is_relative_to(self.root):
            raise apsw.CantOpenError(f"{path} does not lie on the simulated disk {self.root}")
        self.before("open", path)
        return _File(self, name, path, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        try:
            self.before("delete", filename)
        except PowerCutError:
            self.in_flight(self.lives, lambda: self._folder_log.append((filename, None)))
            raise
        super().xDelete(filename, False)
        self._names.pop(filename, None)
        self._folder_log.append((filename, None))
        if syncdir:
            self.sync_folder(os.path.dirname(filename))

    def xAccess(self, pathname: str, flags: int) -> bool:
        self.alive(self.lives)
        return super().xAccess(pathname, flags)

    def xSleep(self, microseconds: int) -> int:
        return microseconds  # to wait for a lock that one's own thread holds is of no use


def _nothing() -> None:
    """Do nothing."""


def _replace(path: str, content: bytes | bytearray) -> None:
    """Put a new file in the place of the old one, which dead handles keep."""
    fresh = Path(f"{path}.fresh")
    fresh.write_bytes(content)
    fresh.replace(path)
