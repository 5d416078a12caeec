"""The data folder: whose it is."""

from collections.abc import Iterator
from pathlib import Path

from hubbub.adapters.local import machine
from hubbub.wiring.doctor.check import Check
from hubbub.wiring.doctor.disk import attempt


def checks(data: Path) -> Iterator[Check]:
    """Who can get at the data folder and its key."""
    if not data.is_dir():
        yield Check("Data folder", "ok", f"{data.absolute()}: the first start makes it")
        return
    yield attempt("Data folder", lambda: _data_folder(data))
    secret = data / "secret.key"
    if secret.exists():
        yield attempt("Secret key", lambda: _secret(secret))


def _data_folder(data: Path) -> Check:
    found = machine.owner(data)
    if not (found.ours and found.writable):
        advice = f"Run Hubbub as the owner of {data}, or give it away: chown -R USER {data}"
        return Check("Data folder", "bad" if not found.writable else "warning", f"{data}", advice)
    if found.open_to_others:
        advice = f"Other users of this machine can get at the messages: chmod 700 {data}"
        return Check("Data folder", "warning", f"{data.absolute()}", advice)
    return Check("Data folder", "ok", f"{data.absolute()}, its owner's alone")


def _secret(path: Path) -> Check:
    if machine.owner(path).open_to_others:
        advice = f"Whoever reads it can sign in as anybody: chmod 600 {path}"
        return Check("Secret key", "bad", "others can use it", advice)
    return Check("Secret key", "ok", "its owner's alone")
