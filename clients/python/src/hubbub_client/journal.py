r"""A storage in one file that survives `kill -9` and power loss.

The file is a journal: one line a record, `crc32 json\n`, appended and, for what must be stable,
synced before the call returns. A line that is torn or damaged is passed over when reading; only
lines that were never promised to be stable can be torn by a crash. When most lines are out of
date, the file is written anew beside the old one and takes its name.

Writing and syncing (milliseconds, on a busy disk more) happen in a thread, never on the event
loop; records that come meanwhile go together with the next sync.
"""

import asyncio
import fcntl
import os
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from hubbub_client.errors import StorageBusy
from hubbub_client.storage import Record, Saved

COMPACT_AFTER: Final = 2_000  # lines beyond what the fold needs; about 200 KB

_ENCODER = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Record)


def encode(records: Sequence[Record]) -> bytes:
    """The records' lines."""
    lines = []
    for record in records:
        body = _ENCODER.encode(record)
        lines.append(b"%08x %b\n" % (zlib.crc32(body), body))
    return b"".join(lines)


def decode(data: bytes) -> tuple[list[Record], int]:
    """The records in a journal, and how many lines were torn or damaged."""
    records: list[Record] = []
    damaged = 0
    for line in data.split(b"\n"):
        if not line:
            continue
        body = line[9:]
        try:
            if int(line[:8], 16) != zlib.crc32(body) or line[8:9] != b" ":
                raise ValueError("checksum")
            record: Record = _DECODER.decode(body)
        except ValueError:  # msgspec's errors too
            damaged += 1
        else:
            records.append(record)
    return records, damaged


class FileStorage:
    """The journal at `path`; readable by its owner only, since it holds the refresh token.

    A file `<path>.lock` keeps a second process out. The path's folder must exist.
    """

    def __init__(self, path: str | Path, compact_after: int = COMPACT_AFTER) -> None:
        self._path = Path(path)
        self._compact_after = compact_after
        self._lock = threading.Lock()  # a cancelled caller leaves its thread writing
        self._saved = Saved()
        self._lines = 0
        self._unsynced = False
        self._file: int | None = None
        self._guard: int | None = None
        self.damaged = 0  # lines passed over by the last load

    async def load(self) -> Saved:
        """Read the journal. Raises StorageBusy, OSError."""
        return await asyncio.to_thread(self._load)

    async def append(self, records: Sequence[Record], sync: bool) -> None:
        """Write the records; with `sync`, wait for the disk. Raises OSError."""
        if records:
            await asyncio.to_thread(self._append, list(records), sync)

    async def close(self) -> None:
        """Sync and close the file, let the lock go."""
        await asyncio.to_thread(self._close)

    # ── in the thread ────────────────────────────────────────────────────────────────────────

    def _load(self) -> Saved:
        with self._lock:
            if self._file is None:
                self._open()
            return self._saved.copy()

    def _open(self) -> None:
        self._guard = self._take_guard()
        try:
            is_new = not self._path.exists()
            self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            data = self._path.read_bytes()
        except OSError:
            self._release()
            raise
        self._saved = Saved()
        records, self.damaged = decode(data)
        for record in records:
            self._saved.apply(record)
        self._lines = len(records) + self.damaged
        if data and not data.endswith(b"\n"):  # so that the next line does not join a torn one
            os.write(self._file, b"\n")
        if is_new:
            _sync_folder(self._path.parent)

    def _take_guard(self) -> int:
        guard = os.open(self._path.with_name(self._path.name + ".lock"), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(guard)
            raise StorageBusy(f"another process uses {self._path}") from None
        return guard

    def _append(self, records: list[Record], sync: bool) -> None:
        with self._lock:
            if self._file is None:
                raise ValueError("the storage is not open: load it first")
            _write_all(self._file, encode(records))
            self._unsynced = not sync
            if sync:
                os.fsync(self._file)
            for record in records:
                self._saved.apply(record)
            self._lines += len(records)
            if self._lines > self._compact_after:
                self._compact()

    def _compact(self) -> None:
        live = self._saved.records()
        if self._lines <= len(live) * 2 + self._compact_after:
            return
        fresh = self._path.with_name(self._path.name + ".new")
        file = os.open(fresh, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _write_all(file, encode(live))
            os.fsync(file)
            fresh.rename(self._path)
        except OSError:
            os.close(file)
            raise
        _sync_folder(self._path.parent)
        if self._file is not None:
            os.close(self._file)
        self._file, self._lines = file, len(live)

    def _close(self) -> None:
        with self._lock:
            if self._file is not None and self._unsynced:
                os.fsync(self._file)
            self._release()

    def _release(self) -> None:
        for file in (self._file, self._guard):
            if file is not None:
                os.close(file)
        self._file = self._guard = None


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(folder: Path) -> None:
    # A new name is stable only when its folder is.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
