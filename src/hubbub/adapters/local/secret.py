"""The secret key of a data directory, made at its first use."""

import os
import secrets
import stat
from pathlib import Path
from typing import Final

KEY_BYTES: Final = 32


def load_secret(path: Path, made: bytes = b"") -> bytes:
    """The key in this file, readable by its owner alone; where there is none, `made` or a new one.

    Made aside and linked into place: another process sees all of it or nothing, and of two that
    start at once both use the same. Raises OSError, with a message that says what to do.
    """
    if not path.exists():
        _make(path, made or secrets.token_bytes(KEY_BYTES))
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PermissionError(f"{path} can be read by others. Please type: chmod 600 {path}")
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise OSError(
            f"{path} is damaged. Delete it to make a new key; everybody must then sign in again."
        )
    return key


def _make(path: Path, key: bytes) -> None:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            return  # another process was first: its key counts
        _sync(path.parent)
    finally:
        aside.unlink()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
