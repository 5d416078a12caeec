"""What is kept on this machine: who signed in where, the theme, and a folder for each account."""

import os
from pathlib import Path
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hubbub_client import FileStorage, User


class Account(Struct, frozen=True):
    """Somebody who signed in on this machine."""

    url: str
    user: User


class Kept(Struct, frozen=True):
    """The file: accounts, the one used last first."""

    accounts: tuple[Account, ...] = ()
    theme: str = ""


def default_folder() -> Path:
    """Where programs keep their state (XDG)."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "hubbub-chat"


class Places:
    """The folder; readable by its owner alone, since it holds tokens and what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "chat.json"
        self.kept = self._read()

    def _read(self) -> Kept:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Kept)
        except (OSError, msgspec.DecodeError):
            return Kept()

    def find(self, url: str, username: str = "") -> Account | None:
        """The account of this server that was used last, or the one of this name."""
        for account in self.kept.accounts:
            if account.url == url and username in ("", account.user.username):
                return account
        return None

    @property
    def last_url(self) -> str:
        """The server that was used last, or ""."""
        return self.kept.accounts[0].url if self.kept.accounts else ""

    def use(self, account: Account) -> None:
        """Remember that this account is used. Raises OSError."""
        rest = tuple(each for each in self.kept.accounts if not _same(each, account))
        self._write(replace(self.kept, accounts=(account, *rest)))

    def forget(self, account: Account) -> None:
        """Signed out: nothing of the account stays. Raises OSError."""
        rest = tuple(each for each in self.kept.accounts if not _same(each, account))
        self._write(replace(self.kept, accounts=rest))
        for ending in ("journal", "journal.lock", "shelf"):
            self._of(account, ending).unlink(missing_ok=True)

    def choose_theme(self, name: str) -> None:
        """Remember the theme. Raises OSError."""
        if name != self.kept.theme:
            self._write(replace(self.kept, theme=name))

    def storage(self, account: Account) -> FileStorage:
        """The client's journal of an account. Raises OSError."""
        path = self._of(account, "journal")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FileStorage(path)

    def shelf(self, account: Account) -> Path:
        """Where what is shown of an account is kept for the next start."""
        return self._of(account, "shelf")

    def _of(self, account: Account, ending: str) -> Path:
        return self.folder / quote(account.url, safe="") / f"{account.user.id}.{ending}"

    def _write(self, kept: Kept) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._file, msgspec.json.encode(kept))
        self.kept = kept


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in place of what was, whole or not at all; for its owner alone. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    fresh.replace(path)


def _same(one: Account, other: Account) -> bool:
    return (one.url, one.user.id) == (other.url, other.user.id)
