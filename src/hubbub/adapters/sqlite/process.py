"""The store's own process: a writer and a reader, each a thread with a connection and a socket.

It has a process of its own because a writer thread beside a busy event loop starves on the
interpreter lock. It lives as long as its sockets: when the server dies, it ends.
"""

import gc
import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import apsw

from hubbub.adapters.sqlite.accounts import SqliteAccounts
from hubbub.adapters.sqlite.chats import SqliteChatStore
from hubbub.adapters.sqlite.database import UnusableDatabase, open_database, transaction
from hubbub.adapters.sqlite.identities import SqliteIdentities
from hubbub.adapters.sqlite.joining import SqliteJoining
from hubbub.adapters.sqlite.keys import SqliteKeys
from hubbub.adapters.sqlite.operating import SqliteOperating
from hubbub.adapters.sqlite.reader import SqliteReader
from hubbub.adapters.sqlite.referring import SqliteReferring
from hubbub.adapters.sqlite.relations import SqliteRelations
from hubbub.adapters.sqlite.rpc import Door

CHECKPOINT_PAGES: Final = 8_000
"""Pages in the log at which it is copied into the database, beside the commits. It holds most pages
many times and each is copied once: the longer it waits, the less it copies, and the longer the
disk is busy with it."""
FEW_PAGES: Final = 64
"""So few are left to a commit to copy: what was written while the others were copied."""
COPIES: Final = 10
"""Most copies in a row; each is of what was written during the one before, so they get short."""
COPYING_NICENESS: Final = 10
"""Copying can wait for those who wait for answers."""
LOG_PIECE: Final = 65_536
"""Bytes of the log written again at once: a page of SQLite's has no more. Of 128 KiB and above its
files write a part, and say that the disk is full."""
GC_THRESHOLDS: Final = (100_000, 20, 100)
"""A batch makes thousands of short-lived values and no cycles."""
UNUSABLE: Final = 78
"""Exit status for a database that cannot be opened (EX_CONFIG)."""

WRITES: Final = {
    "commit": SqliteChatStore,
    "add_user": SqliteAccounts,
    "add_session": SqliteAccounts,
    "rotate": SqliteAccounts,
    "revoke": SqliteAccounts,
    "add_invite": SqliteAccounts,
    "add_chat_invite": SqliteJoining,
    "end_chat_invite": SqliteJoining,
    "enter": SqliteAccounts,
    "put_users": SqliteAccounts,
    **dict.fromkeys(("add_key", "drop_key"), SqliteKeys),
    **dict.fromkeys(("recognise", "enrol", "link", "unlink"), SqliteIdentities),
}
READS: Final = {
    **dict.fromkeys(("find", "places", "logs", "passed", "counts", "waiting"), SqliteChatStore),
    **dict.fromkeys(
        ("chat", "chats", "members", "history", "message", "receipts", "cursors", "me"),
        SqliteReader,
    ),
    **dict.fromkeys(("versions", "pins", "reactions"), SqliteReader),
    "trace": SqliteOperating,
    **dict.fromkeys(("relations", "stance", "blocked"), SqliteRelations),
    **dict.fromkeys(("thread", "mentions", "sources"), SqliteReferring),
    **dict.fromkeys(("public_chats", "public_chat", "chat_invites", "invitation"), SqliteJoining),
    **dict.fromkeys(("users", "named", "sessions", "revoked", "has_users"), SqliteAccounts),
    **dict.fromkeys(("key", "keys"), SqliteKeys),
    "identities": SqliteIdentities,
}


def bind(connection: apsw.Connection, table: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """The methods of the table, on objects that share the connection."""
    objects = {cls: cls(connection) for cls in dict.fromkeys(table.values())}
    return {name: getattr(objects[cls], name) for name, cls in table.items()}


class Checkpointer:
    """Copies the log into the database beside the commits, on a connection of its own."""

    def __init__(self, path: str, writer: apsw.Connection) -> None:
        self._connection = open_database(path)
        self._writer = writer
        self._wake = threading.Event()
        self._pages = 0
        self._copied = False
        writer.set_wal_hook(self._grown)

    def _grown(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._pages = pages
        if pages >= CHECKPOINT_PAGES and not self._copied:
            self._wake.set()
        return apsw.SQLITE_OK

    def run(self) -> None:
        """For ever, in a thread of its own."""
        if sys.platform == "linux":  # where a thread has a niceness of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), COPYING_NICENESS)
        while self._wake.wait():
            self._copy()
            self._copied = True
            self._wake.clear()  # what was written meanwhile is for the next commit

    def _copy(self) -> None:
        """Until little is left, or no more can be copied now."""
        copied = 0
        for _ in range(COPIES):
            before, copied = copied, checkpoint(self._connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
            if copied <= before or self._pages - copied <= FEW_PAGES:
                return

    def restart(self) -> None:
        """Between two commits: begin the log anew, so that it does not grow for ever.

        Only after a copy, when little is left to be copied, so this is short.
        """
        if self._copied:
            self._copied = False
            checkpoint(self._writer, apsw.SQLITE_CHECKPOINT_RESTART)


def checkpoint(connection: apsw.Connection, mode: int) -> int:
    """Copy the log into the database; how many of its pages have been.

    On a full disk it stays where it is, synced and whole; where another connection is at the log
    just now, it is copied after a next commit. Raises apsw.Error for anything else.
    """
    with suppress(apsw.FullError, apsw.BusyError):
        return connection.wal_checkpoint(mode=mode)[1]
    return 0


def settle(writer: apsw.Connection) -> None:
    """At the start: copy the log into the database, and begin it anew, durably.

    After a failed sync the kernel may show pages that the disk does not have, and a later sync
    succeeds without them. So the log is first written again: copied with holes in it, it would
    leave half a transaction if the copying fails. Copied with a sync that must succeed, what we
    read is what there is. The old log must not come back after that, whole or in part, since a part
    of it would put old pages over new ones: the last transaction, which changes nothing, writes and
    syncs a new header. (Truncating the log is not synced.) On a full disk the log stays where it
    is. Raises apsw.Error.
    """
    with suppress(apsw.FullError, apsw.BusyError):
        with transaction(writer):  # nobody else writes the log meanwhile
            write_log_again(writer)
        writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        writer.pragma("user_version", writer.pragma("user_version"))


def write_log_again(writer: apsw.Connection) -> None:
    """Make the log durable as it is read, whatever earlier syncs said. Raises apsw.Error."""
    if not Path(writer.filename_wal).exists():
        return
    flags = [apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_READWRITE, 0]
    log = apsw.VFSFile(writer.open_vfs, writer.filename_wal, flags)
    try:
        size = log.xFileSize()
        for offset in range(0, size, LOG_PIECE):
            log.xWrite(log.xRead(min(LOG_PIECE, size - offset), offset), offset)
        log.xSync(apsw.SQLITE_SYNC_NORMAL)
    finally:
        log.xClose()


def guard(run: Callable[[], None]) -> Callable[[], None]:
    """A thread's body whose failure ends the process: half a store is worse than none."""

    def body() -> None:
        status = 1
        try:
            run()
            status = 0
        except apsw.Error as error:
            say(error)
        finally:
            os._exit(status)

    return body


def say(error: apsw.Error) -> None:
    """A line for the log: SQLite's errors name no values."""
    line = {"event": "store failed", "level": "error", "error": type(error).__name__}
    sys.stderr.write(json.dumps(line | {"detail": str(error)}) + "\n")


def main(path: str, write_end: socket.socket, read_end: socket.socket) -> None:
    """Open, say so, and serve until the other end closes."""
    sys.setswitchinterval(0.001)
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        writer = open_database(path)
        settle(writer)
        reader = open_database(path, readonly=True)
        checkpointer = Checkpointer(path, writer)
    except UnusableDatabase as error:
        write_end.sendall(b"!" + str(error).encode())
        sys.exit(UNUSABLE)
    except apsw.Error as error:
        say(error)
        write_end.sendall(f"~{path} cannot be opened now ({error}). Try again.".encode())
        sys.exit(1)
    writes = Door(write_end, bind(writer, WRITES))
    reads = Door(read_end, bind(reader, READS))
    write_end.sendall(b"+")
    threading.Thread(target=guard(checkpointer.run), daemon=True).start()
    threading.Thread(target=guard(reads.serve), daemon=True).start()
    guard(lambda: writes.serve(checkpointer.restart))()


if __name__ == "__main__":
    main(
        str(Path(sys.argv[1])),
        socket.socket(fileno=int(sys.argv[2])),
        socket.socket(fileno=int(sys.argv[3])),
    )
