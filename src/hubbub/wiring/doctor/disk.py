"""The database of the data folder, and the disk that it is on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from hubbub.adapters.local import machine
from hubbub.adapters.sqlite import examine
from hubbub.adapters.sqlite.database import UnusableDatabase
from hubbub.wiring.doctor.check import Check, State, size, waits
from hubbub.wiring.doctor.host import steady

SYNC_SECONDS: Final = 1.0
CHECK_SECONDS: Final = 2.0
FEW_BYTES: Final = 2 << 30
TOO_FEW_BYTES: Final = 256 << 20
LONG_LOG: Final = 1 << 30
FORGETS: Final = {"tmpfs", "ramfs"}
LAYERS: Final = {"overlay", "aufs"}
FAR: Final = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs"}
SLOW: Final = (
    "Every acknowledgement waits for one sync. Put --data on an SSD of this machine, and see "
    "what else writes there."
)


def checks(data: Path, folder: Path) -> Iterator[Check]:
    """Of the data folder, and where it is to be, the folder that it will be in."""
    path = data / "hubbub.db"
    where = "" if folder == data.absolute() else f", in {folder}"
    try:
        syncs = machine.sync_times(folder, SYNC_SECONDS)
    except OSError as error:
        advice = f"{folder} cannot be written ({error.strerror}). Check its owner and permissions."
        yield Check("Disk sync", "bad", "not measured", advice)
    else:
        yield waits("Disk sync", syncs, where, SLOW)
        yield steady(syncs.drift, _newest(path))
    yield attempt("Disk space", lambda: _space(machine.disk(folder), data))
    yield attempt("File system", lambda: _file_system(machine.disk(folder)))
    yield attempt("Durability", lambda: _durability(folder))
    yield attempt("Database", lambda: _database(path))


def _space(disk: machine.Disk, data: Path) -> Check:
    used = machine.size(data) if data.is_dir() else 0
    figure = f"{size(disk.free)} free of {size(disk.total)}; Hubbub has {size(used)}"
    values = {"free_bytes": disk.free, "total_bytes": disk.total, "used_bytes": used}
    if disk.free >= FEW_BYTES:
        return Check("Disk space", "ok", figure, values=values)
    state: State = "bad" if disk.free < TOO_FEW_BYTES else "warning"
    advice = "Make room, or move --data: on a full disk every send is refused until there is some."
    return Check("Disk space", state, figure, advice, values)


def _file_system(disk: machine.Disk) -> Check:
    kind = disk.kind
    if kind in FORGETS:
        advice = "It lies in memory, and is gone when the machine restarts. Choose another --data."
        return Check("File system", "bad", kind, advice)
    if kind in FAR:
        advice = "SQLite needs locks and shared memory of this machine. Choose a local --data."
        return Check("File system", "bad", kind, advice)
    if kind in LAYERS:
        advice = "It goes with the container. Mount a volume, and give it as --data."
        return Check("File system", "warning", kind, advice)
    return Check("File system", "ok", kind or "the system does not tell")


def _durability(folder: Path) -> Check:
    found = examine.durability(folder)
    figure = f"journal_mode={found.journal_mode}, synchronous={found.synchronous}"
    if found == examine.Durability("wal", "FULL"):
        return Check("Durability", "ok", figure)
    advice = "A power cut could lose what was acknowledged. Choose a --data on a local file system."
    return Check("Durability", "bad", figure, advice)


def _database(path: Path) -> Check:
    if not path.exists():
        return Check("Database", "ok", "none yet: the first start makes it")
    found = examine.examine(path, CHECK_SECONDS)
    figure = f"schema {found.schema} of {examine.SCHEMA}, {found.messages:,} messages"
    if found.damage:
        advice = f"{found.damage}. Stop the server, keep a copy, and restore the newest backup."
        return Check("Database", "bad", f"{figure}; damaged", advice)
    figure += ", sound" if found.checked else f", sound as far as {CHECK_SECONDS:.0f} s went"
    if found.log > LONG_LOG:
        advice = "The log is not copied into the database. Look for what holds the file open."
        return Check("Database", "warning", f"{figure}; log {size(found.log)}", advice)
    if found.schema < examine.SCHEMA:
        figure += "; the next start migrates it"
    return Check("Database", "ok", figure)


def _newest(path: Path) -> int:
    try:
        return examine.examine(path, 0.0).newest if path.exists() else 0
    except (UnusableDatabase, OSError):
        return 0  # the check of the database says it


def attempt(name: str, look: Callable[[], Check]) -> Check:
    """What cannot be looked at is a finding."""
    try:
        return look()
    except (OSError, UnusableDatabase) as error:
        return Check(name, "bad", "cannot be looked at", f"{error}")
